//! Sixty-four bytes at a time: which of them belong to which set, as bits.
//!
//! Sixteen bytes are compared by one instruction (SSE2, NEON), without a test at run
//! time. Bit `n` of a mask stands for byte `n`.

use wide::u8x16;

/// As many bytes as a mask has bits.
pub(crate) const WIDTH: usize = 64;

/// The sets that candidates are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    /// ASCII letters and digits.
    pub word: u64,
    pub digit: u64,
    /// Capitals and digits.
    pub capital: u64,
    /// Letters, digits, `/`, `+` and `-`.
    pub base64: u64,
    pub hyphen: u64,
    pub dot: u64,
    pub colon: u64,
    pub slash: u64,
    /// `:`, `=`, `|` and `>`: what may stand between a key and its value.
    pub sign: u64,
    pub backslash: u64,
    /// What stands before the letters and digits of an escape: `\`, `%`, `[`, `;`.
    pub lead: u64,
    /// `s` and `S`, `w` and `W`: `passwd` and `password` have both.
    pub s: u64,
    pub w: u64,
}

impl Masks {
    /// The masks of the bytes from `at` on; beyond the end nothing is set.
    pub(crate) fn at(text: &[u8], at: usize) -> Self {
        with_block(text, at, Self::of)
    }

    #[inline]
    fn of(block: &[u8; WIDTH]) -> Self {
        let mut masks = Self::default();
        let (lanes, _) = block.as_chunks::<{ Lane::WIDTH }>();
        for (index, lane) in lanes.iter().enumerate() {
            let shift = index * Lane::WIDTH;
            let lane = Lane::new(lane);
            let small = lane.to_lower();
            let (letter, digit) = (small.within(b'a', b'z'), lane.within(b'0', b'9'));
            let word = letter.or(digit);
            let (hyphen, slash) = (lane.equals(b'-'), lane.equals(b'/'));
            let base64 = word.or(hyphen).or(slash).or(lane.equals(b'+'));
            masks.word |= word.bits() << shift;
            masks.digit |= digit.bits() << shift;
            masks.capital |= lane.within(b'A', b'Z').or(digit).bits() << shift;
            masks.base64 |= base64.bits() << shift;
            masks.hyphen |= hyphen.bits() << shift;
            masks.dot |= lane.equals(b'.').bits() << shift;
            let colon = lane.equals(b':');
            let sign = colon.or(lane.within(b'=', b'>')).or(lane.equals(b'|'));
            masks.sign |= sign.bits() << shift;
            masks.colon |= colon.bits() << shift;
            masks.slash |= slash.bits() << shift;
            let backslash = lane.equals(b'\\');
            masks.backslash |= backslash.bits() << shift;
            masks.lead |= lane.leads(backslash).bits() << shift;
            masks.s |= small.equals(b's').bits() << shift;
            masks.w |= small.equals(b'w').bits() << shift;
        }
        masks
    }
}

/// Letters and digits alone, and what leads an escape, for who needs no more.
pub(crate) fn words(text: &[u8], at: usize) -> (u64, u64) {
    with_block(text, at, |block| {
        let (mut words, mut leads) = (0, 0);
        let (lanes, _) = block.as_chunks::<{ Lane::WIDTH }>();
        for (index, lane) in lanes.iter().enumerate() {
            let shift = index * Lane::WIDTH;
            let lane = Lane::new(lane);
            let word = lane.to_lower().within(b'a', b'z').or(lane.within(b'0', b'9'));
            words |= word.bits() << shift;
            leads |= lane.leads(lane.equals(b'\\')).bits() << shift;
        }
        (words, leads)
    })
}

/// Calls `then` with the 64 bytes from `at` on; the last are filled up with zeros.
#[inline]
fn with_block<T>(text: &[u8], at: usize, then: impl FnOnce(&[u8; WIDTH]) -> T) -> T {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return then(block);
    }
    let mut block = [0; WIDTH];
    if let Some(start) = block.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    then(&block)
}

/// Sixteen bytes; as a result, all ones or zeros for each.
#[derive(Clone, Copy)]
struct Lane(u8x16);

impl Lane {
    const WIDTH: usize = 16;

    #[inline]
    fn new(bytes: &[u8; Self::WIDTH]) -> Self {
        Self(u8x16::from(*bytes))
    }

    /// Capital letters become small ones; signs become other signs.
    #[inline]
    fn to_lower(self) -> Self {
        Self(self.0 | u8x16::splat(0x20))
    }

    #[inline]
    fn equals(self, byte: u8) -> Self {
        Self(self.0.simd_eq(u8x16::splat(byte)))
    }

    #[inline]
    fn within(self, first: u8, last: u8) -> Self {
        let from_first = self.0 - u8x16::splat(first);
        Self(from_first.min(u8x16::splat(last - first)).simd_eq(from_first))
    }

    #[inline]
    fn leads(self, backslash: Self) -> Self {
        backslash.or(self.equals(b'%')).or(self.equals(b'[')).or(self.equals(b';'))
    }

    #[inline]
    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    fn bits(self) -> u64 {
        u64::from(self.0.to_bitmask())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(block: &[u8], holds: impl Fn(u8) -> bool) -> u64 {
        block.iter().enumerate().map(|(at, &b)| u64::from(holds(b)) << at).sum()
    }

    #[test]
    fn every_byte_is_in_its_sets() {
        let all: Vec<u8> = (0..=255).collect();
        for at in 0..all.len() {
            let block = all.get(at..all.len().min(at + WIDTH)).unwrap();
            let word = mask(block, |b| b.is_ascii_alphanumeric());
            let masks = Masks {
                word,
                digit: mask(block, |b| b.is_ascii_digit()),
                capital: mask(block, |b| b.is_ascii_uppercase() || b.is_ascii_digit()),
                base64: mask(block, |b| b.is_ascii_alphanumeric() || b"/+-".contains(&b)),
                hyphen: mask(block, |b| b == b'-'),
                dot: mask(block, |b| b == b'.'),
                colon: mask(block, |b| b == b':'),
                slash: mask(block, |b| b == b'/'),
                sign: mask(block, |b| b":=>|".contains(&b)),
                backslash: mask(block, |b| b == b'\\'),
                lead: mask(block, |b| b"\\%[;".contains(&b)),
                s: mask(block, |b| b.eq_ignore_ascii_case(&b's')),
                w: mask(block, |b| b.eq_ignore_ascii_case(&b'w')),
            };
            assert_eq!(Masks::at(&all, at), masks, "{at}");
            assert_eq!(words(&all, at), (word, masks.lead), "{at}");
        }
        assert_eq!(Masks::at(b"abc", 3), Masks::default());
    }
}
