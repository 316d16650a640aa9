//! A text in pieces: the marks of each, and which words and signs are worth a look.

use std::cell::Cell;

use multiversion::multiversion;
use multiversion::target::match_target;

use crate::detect::boundary::begins_again;
use crate::detect::context::names::{self, BEFORE_SIGN};
use crate::detect::context::secret;
#[cfg(target_arch = "x86_64")]
use crate::detect::lanes::x86;
use crate::detect::lanes::{self, Keep as _, Masks, WIDTH, block, block_or};
use crate::detect::literals::{FewHeads, Heads, four};
use crate::detect::marks::places::Places;
use crate::detect::marks::row::{BLOCKS, FEW_BLOCKS, Place, Sets};
use crate::detect::marks::{Rows, back, bits};

/// Calls `hit` for each piece of the text in which something may stand.
#[inline]
pub(crate) fn each(text: &[u8], heads: &Heads, mut hit: impl FnMut(&Chunk)) {
    // What is looked at inside is not the first.
    let mut chunk = CHUNK.take().unwrap_or_default();
    chunk.next = 0;
    while chunk.next < text.len() {
        fill(text, heads, &mut chunk);
        hit(&chunk);
    }
    CHUNK.set(Some(chunk));
}

/// Calls `hit` for the beginnings of words that `heads` may hold.
pub(crate) fn each_word(text: &[u8], heads: &FewHeads, hit: impl FnMut(usize)) {
    let mut words = Vec::new();
    pick_words(text, heads, &mut words);
    words.into_iter().for_each(hit);
}

#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
fn pick_words(text: &[u8], heads: &FewHeads, found: &mut Vec<usize>) {
    let (mut word_before, mut lead_before) = (0, 0);
    let mut places = Places::default();
    for from in (0..text.len()).step_by(WIDTH) {
        let block = block(text, from);
        let (word, lead) = match_target! {
            "x86_64+avx2" => x86::words(&block),
            _ => lanes::words(&block),
        };
        let begins = word & !back(word, word_before, 1);
        let escaped = begins & back(lead, lead_before, 1);
        (word_before, lead_before) = (word, lead);
        places.len = 0;
        let (rest, end) = (text.get(from..).unwrap_or_default(), &mut [0; WINDOW]);
        let window = window(rest, end);
        places.add::<4, 0>(0, begins, |at| heads.may_hold(four(window, at)));
        found.extend(places.all(from));
        for word in bits(from, escaped) {
            let words = begins_again(text, word);
            found.extend(words.filter(|&at| heads.may_hold(four(text, at))));
        }
    }
}

thread_local! {
    /// Memory that is used again: it is larger than most strings.
    static CHUNK: Cell<Option<Box<Chunk>>> = const { Cell::new(None) };
}

/// The marks of a few hundred bytes.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(super) from: usize,
    /// How far the text is marked.
    pub(super) next: usize,
    /// Of the block before, of those here, and of the one behind them.
    sets: Sets,
    pub(super) marks: Rows,
    words: Places,
    keys: Places,
}

impl Chunk {
    /// The beginnings of words that may be those of literals or names.
    pub(crate) fn words(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.all(self.from)
    }

    /// Signs behind what may be a key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = usize> + '_ {
        self.keys.all(self.from)
    }

    /// The marks and the place of the first, if there is more in them than words and keys.
    pub(crate) fn signs(&self) -> Option<(usize, &Rows)> {
        self.marks.signs.any().then_some((self.from, &self.marks))
    }

    /// Adds the words that begin behind escapes.
    #[cold]
    fn begin_again(&mut self, text: &[u8], heads: &Heads) {
        let from = self.from;
        for word in self.marks.escaped.places(from) {
            let words = begins_again(text, word).filter(|&at| heads.may_hold(four(text, at)));
            words.for_each(|at| self.words.push(at - from));
        }
        self.words.sort();
    }
}

/// Marks the next blocks. It is compiled for several processors, and the right one is chosen
/// when the program runs.
#[multiversion(targets(
    "x86_64+avx2+avx512f+avx512bw+avx512vl+bmi1+bmi2+lzcnt+popcnt",
    "x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"
))]
fn fill(text: &[u8], heads: &Heads, chunk: &mut Chunk) {
    let mut last = [0; WIDTH];
    let mut masks = |at, mut to: Place<'_>| {
        let block = block_or(text, at, &mut last);
        match_target! {
            "x86_64+avx512f+avx512bw+avx512vl" => x86::avx512(block, &mut to),
            "x86_64+avx2" => x86::avx2(block, &mut to),
            _ => to.keep(&Masks::portable(block)),
        }
    };
    if chunk.next == 0 {
        chunk.sets.set(0, &Masks::default());
        masks(0, chunk.sets.place(1));
    } else {
        let (before, here) = (chunk.sets.get(BLOCKS), chunk.sets.get(BLOCKS + 1));
        chunk.sets.set(0, &before);
        chunk.sets.set(1, &here);
    }
    let blocks = (text.len() - chunk.next).div_ceil(WIDTH).min(BLOCKS);
    for index in 1..=if blocks <= FEW_BLOCKS { FEW_BLOCKS } else { BLOCKS } {
        let at = chunk.next + index * WIDTH;
        if index <= blocks {
            masks(at, chunk.sets.place(index + 1));
        } else {
            chunk.sets.set(index + 1, &Masks::default());
        }
    }
    chunk.marks.fill(&chunk.sets, blocks);
    chunk.from = chunk.next;
    chunk.next += blocks * WIDTH;
    (chunk.words.len, chunk.keys.len) = (0, 0);
    let end = &mut [0; WINDOW];
    for (index, &words) in chunk.marks.words.0.iter().enumerate().take(blocks) {
        let rest = text.get(chunk.from + index * WIDTH..).unwrap_or_default();
        let window = window(rest, end);
        chunk.words.add::<4, 3>(index * WIDTH, words, |at| heads.may_hold(four(window, at)));
    }
    for (index, &keys) in chunk.marks.keys.0.iter().enumerate().take(blocks) {
        let from = chunk.from + index * WIDTH;
        chunk.keys.add::<2, 0>(index * WIDTH, keys, |at| is_behind_key(text, from + at));
    }
    if chunk.marks.escaped.any() {
        chunk.begin_again(text, heads);
    }
}

/// The bytes of a block and of a word that begins at its end.
const WINDOW: usize = WIDTH + 4;

/// The first bytes of `rest`; behind its end, zeros.
#[inline(always)]
fn window<'t>(rest: &'t [u8], end: &'t mut [u8; WINDOW]) -> &'t [u8; WINDOW] {
    match rest.first_chunk() {
        Some(window) => window,
        None => last_window(rest, end),
    }
}

#[inline(never)]
fn last_window<'t>(rest: &[u8], end: &'t mut [u8; WINDOW]) -> &'t [u8; WINDOW] {
    *end = [0; WINDOW];
    if let Some(start) = end.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    end
}

/// May a key end before the sign that stands here? Keys that name something end in few ways, and
/// a quote or a space may follow: almost all other signs are passed over.
#[inline(always)]
fn is_behind_key(text: &[u8], at: usize) -> bool {
    let eight = eight_before(text, at);
    let [.., two, one] = eight.to_le_bytes();
    let between = |byte: u8| kind(byte) & BETWEEN != 0;
    let apart = between(one);
    // The last three bytes of what may be a key.
    let end = eight << (u32::from(apart) * 8) >> 40;
    (apart & between(two)) | may_end(end) | is_capital(end)
}

/// Are these three the last letters of a variable: `KAFKA_SASL`?
#[inline(always)]
fn is_capital(three: u64) -> bool {
    let [a, b, c, ..] = three.to_le_bytes().map(kind);
    (a & c & OF_VARIABLE != 0) & (b & CAPITAL != 0)
}

/// The eight bytes before this place; before the beginning of the text, zeros.
#[inline(always)]
fn eight_before(text: &[u8], at: usize) -> u64 {
    let from = at.checked_sub(8);
    match from.and_then(|from| text.get(from..)).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => first_bytes(text, at),
    }
}

#[inline(never)]
fn first_bytes(text: &[u8], at: usize) -> u64 {
    let head = text.get(..at).unwrap_or_default();
    head.iter().rev().take(8).rev().fold(0, |all, &byte| all >> 8 | u64::from(byte) << 56)
}

/// May a key end with these three bytes? Who looks at it asks for more of them.
#[inline(always)]
fn may_end(three: u64) -> bool {
    let index = (three & 31) | (three >> 3 & (31 << 5)) | (three >> 6 & (31 << 10));
    let word = usize::try_from(index >> 6).ok().and_then(|at| KEY_ENDS.get(at));
    word.is_some_and(|word| word >> (index & 63) & 1 == 1)
}

/// The last three bytes of keys, by five bits of each: those that tell letters of any case.
#[expect(clippy::indexing_slicing, reason = "the compiler runs this, and checks it")]
static KEY_ENDS: [u64; 1 << 9] = {
    let mut ends = [0; 1 << 9];
    let lists: [&[&[u8]]; 2] = [&names::LAST, &secret::LAST];
    let mut at = 0;
    while at < 2 * 32 * ENDINGS {
        let (list, at_end, any) = (lists[at / 32 / ENDINGS], at / 32 % ENDINGS, at % 32);
        if at_end < list.len() {
            let (first, [two, one]) = match *list[at_end] {
                [.., three, two, one] => ((three & 31) as usize, [two, one]),
                [two, one] => (any, [two, one]),
                _ => (any, [0, 0]),
            };
            let index = first | ((two & 31) as usize) << 5 | ((one & 31) as usize) << 10;
            ends[index / 64] |= 1 << (index % 64);
        }
        at += 1;
    }
    ends
};

/// No list of them is longer.
const ENDINGS: usize = 16;

/// What may stand between a key and the sign behind it.
const BETWEEN: u8 = 1;
/// A capital letter, or what joins the words of a variable.
const CAPITAL: u8 = 2;
/// The same, or a digit.
const OF_VARIABLE: u8 = 4;

#[inline(always)]
fn kind(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or_default()
}

#[expect(clippy::indexing_slicing, reason = "the compiler runs this, and checks it")]
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut at = 0;
    while at < BEFORE_SIGN.len() {
        kinds[BEFORE_SIGN[at] as usize] |= BETWEEN;
        at += 1;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_uppercase() || byte == b'_' {
            kinds[byte as usize] |= CAPITAL | OF_VARIABLE;
        } else if byte.is_ascii_digit() {
            kinds[byte as usize] |= OF_VARIABLE;
        }
        byte += 1;
    }
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::context::names::{ends_like_a_key, four_before};
    use crate::detect::context::secret::may_announce;

    #[test]
    fn no_key_is_passed_over() {
        let letters = || (b'a'..=b'z').chain(b"_A1".iter().copied());
        for three in
            letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])))
        {
            for text in letters().map(|first| [&[first], three.as_slice()].concat()) {
                let four = four_before(&text, text.len());
                if ends_like_a_key(four) || may_announce(four) {
                    for sign in [":", " =", "\":"] {
                        let text = [&text, sign.as_bytes()].concat();
                        assert!(is_behind_key(&text, text.len() - 1), "{text:?}");
                    }
                }
            }
        }
        for (text, is) in
            [("a\" : x", true), ("id=", true), ("ab=", false), ("x ] =", true), ("ID=", true)]
        {
            let at = text.find([':', '=']).unwrap();
            assert_eq!(is_behind_key(text.as_bytes(), at), is, "{text}");
        }
        assert!(!is_behind_key(b"=", 0));
    }
}
