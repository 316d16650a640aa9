//! Sixty-four bytes at a time: which of them belong to which set, as bits.
//!
//! Bit `n` of a mask stands for byte `n`. The widest instructions that the processor has
//! are chosen by who calls (`marks::fill`); without any, sixteen bytes are compared at once
//! (SSE2, NEON).

use wide::u8x16;

use crate::detect::deep::ESCAPE;

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

/// As many bytes as a mask has bits.
pub(crate) const WIDTH: usize = 64;

pub(crate) type Block = [u8; WIDTH];

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
    /// `=`, `|` and `>`: with the colon, what may stand between a key and its value.
    pub sign: u64,
    pub backslash: u64,
    /// What stands before the letters and digits of an escape, but for the backslash: `%`,
    /// `[`, `;`, `?`.
    pub lead: u64,
    /// `s` and `S`, `w` and `W`: `passwd` and `password` have both.
    pub s: u64,
    pub w: u64,
    /// How the sign of a prompt ends: `$`, `%`, `#`, `>`, and the last bytes of `❯` and `➜`.
    pub prompt: u64,
    pub space: u64,
    /// What begins a control sequence.
    pub control: u64,
}

/// Where masks go: who makes them writes them there, and they are not copied.
pub(crate) trait Keep {
    fn keep(&mut self, masks: &Masks);
}

/// What is done with a vector of bytes: closures, so that they have the instructions of the
/// function that makes them. What tells which bytes are meant is another vector, or bits.
struct Compare<E, W, O, S, B> {
    equals: E,
    within: W,
    or: O,
    /// Capitals become small letters, and signs other signs.
    small: S,
    bits: B,
}

impl<E, W, O, S, B> Compare<E, W, O, S, B> {
    /// Letters and digits, and what leads an escape.
    #[inline(always)]
    fn words<V: Copy, M: Copy>(&self, all: V) -> (u64, u64)
    where
        E: Fn(V, u8) -> M,
        W: Fn(V, u8, u8) -> M,
        O: Fn(M, M) -> M,
        S: Fn(V) -> V,
        B: Fn(M) -> u64,
    {
        let Self { equals, within, or, small, bits } = self;
        let lead = or(or(equals(all, b'\\'), equals(all, b'%')), equals(all, b'?'));
        let lead = or(lead, or(equals(all, b'['), equals(all, b';')));
        let word = or(within(small(all), b'a', b'z'), within(all, b'0', b'9'));
        (bits(word), bits(lead))
    }
}

impl Masks {
    /// Without wider instructions.
    #[inline(always)]
    pub(crate) fn portable(block: &Block) -> Self {
        let by = portable();
        let [a, b, c, d] = lanes(block).map(|lane| Self::of(lane, &by));
        a.beside(&b, 16).beside(&c.beside(&d, 16), 32)
    }

    #[inline(always)]
    fn of<V: Copy, M: Copy>(
        all: V,
        by: &Compare<
            impl Fn(V, u8) -> M,
            impl Fn(V, u8, u8) -> M,
            impl Fn(M, M) -> M,
            impl Fn(V) -> V,
            impl Fn(M) -> u64,
        >,
    ) -> Self {
        let Compare { equals, within, or, small, bits } = by;
        let small = small(all);
        let one = |byte| bits(equals(all, byte));
        let digit = within(all, b'0', b'9');
        let word = or(within(small, b'a', b'z'), digit);
        let (hyphen, slash) = (equals(all, b'-'), equals(all, b'/'));
        let base64 = or(or(word, hyphen), or(slash, equals(all, b'+')));
        let lead = or(or(equals(all, b'%'), equals(all, b'[')), equals(all, b';'));
        let lead = or(lead, equals(all, b'?'));
        let other_prompt = or(or(equals(all, 0x9c), equals(all, 0xaf)), equals(all, b'>'));
        Self {
            word: bits(word),
            digit: bits(digit),
            capital: bits(or(within(all, b'A', b'Z'), digit)),
            base64: bits(base64),
            hyphen: bits(hyphen),
            dot: one(b'.'),
            colon: one(b':'),
            slash: bits(slash),
            sign: bits(or(within(all, b'=', b'>'), equals(all, b'|'))),
            backslash: one(b'\\'),
            lead: bits(lead),
            s: bits(equals(small, b's')),
            w: bits(equals(small, b'w')),
            prompt: bits(or(within(all, b'#', b'%'), other_prompt)),
            space: one(b' '),
            control: one(ESCAPE),
        }
    }

    /// Those of the bytes so many places behind join these.
    #[inline(always)]
    fn beside(&self, next: &Self, places: u32) -> Self {
        let join = |own: u64, next: u64| own | next << places;
        Self {
            word: join(self.word, next.word),
            digit: join(self.digit, next.digit),
            capital: join(self.capital, next.capital),
            base64: join(self.base64, next.base64),
            hyphen: join(self.hyphen, next.hyphen),
            dot: join(self.dot, next.dot),
            colon: join(self.colon, next.colon),
            slash: join(self.slash, next.slash),
            sign: join(self.sign, next.sign),
            backslash: join(self.backslash, next.backslash),
            lead: join(self.lead, next.lead),
            s: join(self.s, next.s),
            w: join(self.w, next.w),
            prompt: join(self.prompt, next.prompt),
            space: join(self.space, next.space),
            control: join(self.control, next.control),
        }
    }
}

/// Letters and digits alone, and what leads an escape, for who needs no more.
#[inline(always)]
pub(crate) fn words(block: &Block) -> (u64, u64) {
    let by = portable();
    let each = lanes(block).map(|lane| by.words(lane));
    (join(each.map(|(word, _)| word)), join(each.map(|(_, lead)| lead)))
}

/// Which bytes of the block are these, one after the other.
#[inline(always)]
pub(crate) fn equals<const N: usize>(block: &Block, bytes: [u8; N]) -> [u64; N] {
    let by = portable();
    let lanes = lanes(block);
    bytes.map(|byte| join(lanes.map(|lane| (by.bits)((by.equals)(lane, byte)))))
}

#[inline(always)]
fn join([a, b, c, d]: [u64; 4]) -> u64 {
    a | b << 16 | c << 32 | d << 48
}

/// The 64 bytes from `at` on; behind the end, zeros.
#[inline(always)]
pub(crate) fn block(text: &[u8], at: usize) -> Block {
    *block_or(text, at, &mut [0; WIDTH])
}

/// The same, in the text, or put together in `end`.
#[inline(always)]
pub(crate) fn block_or<'t>(text: &'t [u8], at: usize, end: &'t mut Block) -> &'t Block {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(block) => block,
        None => last_block(rest, end),
    }
}

#[inline(never)]
fn last_block<'t>(rest: &[u8], block: &'t mut Block) -> &'t Block {
    *block = [0; WIDTH];
    if let Some(start) = block.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    block
}

/// Four times sixteen bytes.
#[inline(always)]
fn lanes(block: &Block) -> [u8x16; 4] {
    let mut lanes = [u8x16::default(); 4];
    for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks().0) {
        *lane = u8x16::from(*bytes);
    }
    lanes
}

#[expect(clippy::type_complexity, reason = "closures have no names")]
#[inline(always)]
fn portable() -> Compare<
    impl Fn(u8x16, u8) -> u8x16,
    impl Fn(u8x16, u8, u8) -> u8x16,
    impl Fn(u8x16, u8x16) -> u8x16,
    impl Fn(u8x16) -> u8x16,
    impl Fn(u8x16) -> u64,
> {
    Compare {
        equals: |lane: u8x16, byte| lane.simd_eq(u8x16::splat(byte)),
        // Below the first they become great.
        within: |lane: u8x16, first, last| {
            let from_first = lane - u8x16::splat(first);
            from_first.min(u8x16::splat(last - first)).simd_eq(from_first)
        },
        or: |a: u8x16, b: u8x16| a | b,
        small: |lane: u8x16| lane | u8x16::splat(SMALL),
        bits: |lane: u8x16| u64::from(lane.to_bitmask()),
    }
}

/// Makes capital letters small ones, and signs other signs.
const SMALL: u8 = 0x20;

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
            let small = |b: u8| b.to_ascii_lowercase();
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
                sign: mask(block, |b| b"=>|".contains(&b)),
                backslash: mask(block, |b| b == b'\\'),
                lead: mask(block, |b| b"%[;?".contains(&b)),
                s: mask(block, |b| small(b) == b's'),
                w: mask(block, |b| small(b) == b'w'),
                prompt: mask(block, |b| b"$%#>\x9c\xaf".contains(&b)),
                space: mask(block, |b| b == b' '),
                control: mask(block, |b| b == 0x1b),
            };
            assert_eq!(Masks::portable(&super::block(&all, at)), masks, "{at}");
            assert_eq!(
                words(&super::block(&all, at)),
                (word, masks.lead | masks.backslash),
                "{at}"
            );
        }
        assert_eq!(Masks::portable(&block(b"abc", 3)), Masks::default());
    }
}
