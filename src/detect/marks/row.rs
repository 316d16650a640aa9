//! The bits of several blocks side by side, so that the compiler works on them at once.

use crate::detect::lanes::{Keep, Masks, WIDTH};
use crate::detect::marks::Marks;

/// As many blocks are marked before they are looked at.
pub(super) const BLOCKS: usize = 8;
/// Most texts have no more.
pub(super) const FEW_BLOCKS: usize = 4;

/// Bits for the bytes of a few blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row(pub(super) [u64; BLOCKS]);

impl Row {
    /// Is any bit set?
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.0.iter().fold(0, |all, block| all | block) != 0
    }

    /// The places of the bits that are set, where the first stands for `from`.
    #[inline]
    pub(crate) fn places(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let blocks = if self.any() { self.0.as_slice() } else { &[] };
        Bits { word: 0, next: from, blocks }
    }
}

/// The places of the bits that are set, block by block.
struct Bits<'r> {
    word: u64,
    /// Where the first block of the rest begins.
    next: usize,
    blocks: &'r [u64],
}

impl Iterator for Bits<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            (self.word, self.blocks) = self.blocks.split_first().map(|(&w, rest)| (w, rest))?;
            self.next += WIDTH;
        }
        let place = usize::try_from(self.word.trailing_zeros()).unwrap_or_default();
        self.word &= self.word - 1;
        Some(self.next - WIDTH + place)
    }
}

/// [`Masks`] of the block before all, of all, and of the one behind them, set by set.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets {
    word: Around,
    digit: Around,
    capital: Around,
    base64: Around,
    hyphen: Around,
    dot: Around,
    colon: Around,
    slash: Around,
    sign: Around,
    backslash: Around,
    lead: Around,
    s: Around,
    w: Around,
    prompt: Around,
    space: Around,
    control: Around,
}

type Around = [u64; BLOCKS + 2];

/// Where the masks of one block go.
pub(super) struct Place<'s> {
    sets: &'s mut Sets,
    at: usize,
}

impl Keep for Place<'_> {
    #[inline(always)]
    fn keep(&mut self, masks: &Masks) {
        self.sets.set(self.at, masks);
    }
}

#[expect(clippy::indexing_slicing, reason = "no caller goes beyond, and the compiler sees it")]
impl Sets {
    #[inline(always)]
    pub(super) fn set(&mut self, at: usize, masks: &Masks) {
        self.word[at] = masks.word;
        self.digit[at] = masks.digit;
        self.capital[at] = masks.capital;
        self.base64[at] = masks.base64;
        self.hyphen[at] = masks.hyphen;
        self.dot[at] = masks.dot;
        self.colon[at] = masks.colon;
        self.slash[at] = masks.slash;
        self.sign[at] = masks.sign;
        self.backslash[at] = masks.backslash;
        self.lead[at] = masks.lead;
        self.s[at] = masks.s;
        self.w[at] = masks.w;
        self.prompt[at] = masks.prompt;
        self.space[at] = masks.space;
        self.control[at] = masks.control;
    }

    /// The place of the masks of one block.
    #[inline(always)]
    pub(super) fn place(&mut self, at: usize) -> Place<'_> {
        Place { sets: self, at }
    }

    #[inline(always)]
    pub(super) fn get(&self, at: usize) -> Masks {
        Masks {
            word: self.word[at],
            digit: self.digit[at],
            capital: self.capital[at],
            base64: self.base64[at],
            hyphen: self.hyphen[at],
            dot: self.dot[at],
            colon: self.colon[at],
            slash: self.slash[at],
            sign: self.sign[at],
            backslash: self.backslash[at],
            lead: self.lead[at],
            s: self.s[at],
            w: self.w[at],
            prompt: self.prompt[at],
            space: self.space[at],
            control: self.control[at],
        }
    }
}

/// [`Marks`] of a few blocks, mark by mark.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub words: Row,
    pub escaped: Row,
    pub ids: Row,
    pub uuids: Row,
    pub regions: Row,
    pub dots: Row,
    pub colons: Row,
    pub keys: Row,
    pub flags: Row,
    pub schemes: Row,
    pub numbers: Row,
    pub grouped: Row,
    pub secrets: Row,
    pub passwords: Row,
    pub escapes: Row,
    pub prompts: Row,
    /// All of them but words and keys.
    pub(super) signs: Row,
}

#[expect(clippy::indexing_slicing, reason = "no caller goes beyond, and the compiler sees it")]
impl Rows {
    /// Marks so many blocks, and nothing behind them.
    #[inline(always)]
    pub(super) fn fill(&mut self, sets: &Sets, blocks: usize) {
        if blocks <= FEW_BLOCKS {
            *self = Self::default();
            self.fill_first::<FEW_BLOCKS>(sets);
        } else {
            self.fill_first::<BLOCKS>(sets);
        }
    }

    #[inline(always)]
    fn fill_first<const FIRST: usize>(&mut self, sets: &Sets) {
        let (mut numbers, mut secrets) = (0, 0);
        for at in 0..FIRST {
            let (before, here, after) = (sets.get(at), sets.get(at + 1), sets.get(at + 2));
            let marks = Marks::new(&before, &here, &after);
            self.words.0[at] = marks.words;
            self.escaped.0[at] = marks.escaped;
            self.ids.0[at] = marks.ids;
            self.uuids.0[at] = marks.uuids;
            self.regions.0[at] = marks.regions;
            self.dots.0[at] = marks.dots;
            self.colons.0[at] = marks.colons;
            self.keys.0[at] = marks.keys;
            self.flags.0[at] = marks.flags;
            self.schemes.0[at] = marks.schemes;
            self.grouped.0[at] = marks.grouped;
            self.passwords.0[at] = marks.passwords;
            self.escapes.0[at] = marks.escapes;
            self.prompts.0[at] = marks.prompts;
            self.signs.0[at] = marks.signs();
            numbers |= marks.numbers;
            secrets |= marks.secrets;
        }
        self.runs::<FIRST>(sets, numbers != 0, secrets != 0);
    }

    /// Runs are looked for only where a part of one is seen.
    #[inline(always)]
    fn runs<const FIRST: usize>(&mut self, sets: &Sets, numbers: bool, secrets: bool) {
        (self.numbers, self.secrets) = Default::default();
        for at in 0..if numbers { FIRST } else { 0 } {
            let (before, here, after) = (sets.get(at), sets.get(at + 1), sets.get(at + 2));
            self.numbers.0[at] = Marks::run_of_ten(before.capital, here.capital, after.capital);
            self.signs.0[at] |= self.numbers.0[at];
        }
        for at in 0..if secrets { FIRST } else { 0 } {
            let (before, here, after) = (sets.get(at), sets.get(at + 1), sets.get(at + 2));
            self.secrets.0[at] = Marks::run_of_36(before.base64, here.base64, after.base64);
            self.signs.0[at] |= self.secrets.0[at];
        }
    }
}
