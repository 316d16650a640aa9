//! [`Masks`] with AVX2 and AVX-512, for functions that are compiled for them.

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_cmpeq_epi8_mask, _mm256_cmple_epu8_mask, _mm256_min_epu8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi8, _mm256_sub_epi8,
};

use crate::detect::lanes::{Block, Compare, Keep, Masks, SMALL};

/// Never inlined: where masks of several blocks meet, the compiler would keep them as vectors
/// of single bits, and take those apart.
#[inline(never)]
#[target_feature(enable = "avx2")]
pub(crate) fn avx2(block: &Block, to: &mut impl Keep) {
    let by = compare();
    let [low, high] = halves(block);
    to.keep(&Masks::of(low, &by).beside(&Masks::of(high, &by), 32));
}

/// Vectors of 32 bytes here too: with wider ones some processors run slower.
#[inline(never)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
pub(crate) fn avx512(block: &Block, to: &mut impl Keep) {
    let by = compare_to_bits();
    let [low, high] = halves(block);
    to.keep(&Masks::of(low, &by).beside(&Masks::of(high, &by), 32));
}

/// Which bytes of the block are these, one after the other.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) fn equals<const N: usize>(block: &Block, bytes: [u8; N]) -> [u64; N] {
    let [low, high] = halves(block);
    let mut masks = [0; N];
    // Closures in closures would not be put in here.
    for (mask, byte) in masks.iter_mut().zip(bytes) {
        let byte = _mm256_set1_epi8(byte.cast_signed());
        let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte)).cast_unsigned();
        let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte)).cast_unsigned();
        *mask = u64::from(low) | u64::from(high) << 32;
    }
    masks
}

/// Letters and digits alone, and what leads an escape.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) fn words(block: &Block) -> (u64, u64) {
    let by = compare();
    let [(low_word, low_lead), (high_word, high_lead)] = halves(block).map(|half| by.words(half));
    (low_word | high_word << 32, low_lead | high_lead << 32)
}

#[expect(clippy::type_complexity, reason = "closures have no names")]
#[inline]
#[target_feature(enable = "avx2")]
fn compare() -> Compare<
    impl Fn(__m256i, u8) -> __m256i,
    impl Fn(__m256i, u8, u8) -> __m256i,
    impl Fn(__m256i, __m256i) -> __m256i,
    impl Fn(__m256i) -> __m256i,
    impl Fn(__m256i) -> u64,
> {
    let all = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
    Compare {
        equals: move |half: __m256i, byte| _mm256_cmpeq_epi8(half, all(byte)),
        // Below the first they become great.
        within: move |half: __m256i, first, last: u8| {
            let from_first = _mm256_sub_epi8(half, all(first));
            _mm256_cmpeq_epi8(_mm256_min_epu8(from_first, all(last - first)), from_first)
        },
        or: |a: __m256i, b: __m256i| _mm256_or_si256(a, b),
        small: move |half: __m256i| _mm256_or_si256(half, all(SMALL)),
        bits: |half: __m256i| u64::from(_mm256_movemask_epi8(half).cast_unsigned()),
    }
}

#[expect(clippy::type_complexity, reason = "closures have no names")]
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
fn compare_to_bits() -> Compare<
    impl Fn(__m256i, u8) -> u32,
    impl Fn(__m256i, u8, u8) -> u32,
    impl Fn(u32, u32) -> u32,
    impl Fn(__m256i) -> __m256i,
    impl Fn(u32) -> u64,
> {
    let all = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
    Compare {
        equals: move |half: __m256i, byte| _mm256_cmpeq_epi8_mask(half, all(byte)),
        within: move |half: __m256i, first, last: u8| {
            _mm256_cmple_epu8_mask(_mm256_sub_epi8(half, all(first)), all(last - first))
        },
        or: |a: u32, b: u32| a | b,
        small: move |half: __m256i| _mm256_or_si256(half, all(SMALL)),
        bits: u64::from,
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn halves(block: &Block) -> [__m256i; 2] {
    let [a, b, c, d, e, f, g, h] = eights(block);
    [_mm256_set_epi64x(d, c, b, a), _mm256_set_epi64x(h, g, f, e)]
}

/// For the compiler this is one load.
#[inline(always)]
fn eights(block: &Block) -> [i64; 8] {
    let mut eights = [0; 8];
    for (eight, bytes) in eights.iter_mut().zip(block.as_chunks().0) {
        *eight = i64::from_le_bytes(*bytes);
    }
    eights
}

#[cfg(test)]
mod tests {
    use multiversion::multiversion;
    use multiversion::target::match_target;

    use super::*;

    #[multiversion(targets("x86_64+avx2+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
    fn widest(block: &Block, to: &mut Masks) {
        match_target! {
            "x86_64+avx512f+avx512bw+avx512vl" => avx512(block, to),
            "x86_64+avx2" => avx2(block, to),
            _ => to.keep(&Masks::portable(block)),
        }
    }

    #[multiversion(targets("x86_64+avx2"))]
    fn middle(block: &Block, to: &mut Masks) {
        match_target! { "x86_64+avx2" => avx2(block, to), _ => to.keep(&Masks::portable(block)) }
    }

    impl Keep for Masks {
        fn keep(&mut self, masks: &Masks) {
            *self = *masks;
        }
    }

    #[test]
    fn all_instructions_tell_the_same() {
        let all: Vec<u8> = (0..=255).collect();
        for at in 0..all.len() {
            let block = crate::detect::lanes::block(&all, at);
            for look in [widest, middle] {
                let mut masks = Masks::default();
                look(&block, &mut masks);
                assert_eq!(masks, Masks::portable(&block), "{at}");
            }
        }
    }
}
