//! A text in pieces: the marks of each, and which words and signs are worth a look.

use std::cell::Cell;

use multiversion::multiversion;
use multiversion::target::match_target;

use crate::detect::boundary::begins_again;
use crate::detect::context::names::{BEFORE_SIGN, ends_like_a_key, four_before};
use crate::detect::context::secret::may_announce;
#[cfg(target_arch = "x86_64")]
use crate::detect::lanes::x86;
use crate::detect::lanes::{self, Masks, WIDTH, block};
use crate::detect::literals::{Heads, four};
use crate::detect::marks::places::Places;
use crate::detect::marks::row::{BLOCKS, Sets};
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
pub(crate) fn each_word(text: &[u8], heads: &Heads, hit: impl FnMut(usize)) {
    let mut words = Vec::new();
    pick_words(text, heads, &mut words);
    words.into_iter().for_each(hit);
}

#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
fn pick_words(text: &[u8], heads: &Heads, found: &mut Vec<usize>) {
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
        let rest = text.get(from..).unwrap_or_default();
        places.add(0, begins, |at| heads.may_hold(four(rest, at)));
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
    let masks = |at| {
        let block = block(text, at);
        match_target! {
            "x86_64+avx512f+avx512bw+avx512vl" => x86::avx512(&block),
            "x86_64+avx2" => x86::avx2(&block),
            _ => Masks::portable(&block),
        }
    };
    let first = chunk.next == 0;
    let (before, here) = match first {
        true => (Masks::default(), masks(0)),
        false => (chunk.sets.get(BLOCKS), chunk.sets.get(BLOCKS + 1)),
    };
    chunk.sets.set(0, &before);
    chunk.sets.set(1, &here);
    let blocks = (text.len() - chunk.next).div_ceil(WIDTH).min(BLOCKS);
    for index in 1..=BLOCKS {
        let at = chunk.next + index * WIDTH;
        let behind = if index <= blocks { masks(at) } else { Masks::default() };
        chunk.sets.set(index + 1, &behind);
    }
    chunk.marks.fill(&chunk.sets);
    chunk.from = chunk.next;
    chunk.next += blocks * WIDTH;
    (chunk.words.len, chunk.keys.len) = (0, 0);
    let rest = text.get(chunk.from..).unwrap_or_default();
    for (index, &words) in chunk.marks.words.0.iter().enumerate() {
        chunk.words.add(index * WIDTH, words, |at| heads.may_hold(four(rest, at)));
    }
    for (index, &keys) in chunk.marks.keys.0.iter().enumerate() {
        chunk.keys.add(index * WIDTH, keys, |at| is_behind_key(text, chunk.from + at));
    }
    if chunk.marks.escaped.any() {
        chunk.begin_again(text, heads);
    }
}

/// May a key end before the sign that stands here? Keys that name something end in few ways, and
/// a quote or a space may follow: almost all other signs are passed over.
#[inline(always)]
fn is_behind_key(text: &[u8], at: usize) -> bool {
    let between = |places| {
        let byte = at.checked_sub(places).and_then(|at| text.get(at)).copied();
        byte.and_then(|byte| BETWEEN.get(usize::from(byte))).copied().unwrap_or_default()
    };
    let apart = between(1);
    let end = at.saturating_sub(usize::from(apart));
    let four = four_before(text, end);
    (apart && between(2)) | ends_like_a_key(four) | may_announce(four)
}

/// What may stand between a key and the sign behind it.
#[expect(clippy::indexing_slicing, reason = "the compiler runs this, and checks it")]
static BETWEEN: [bool; 256] = {
    let mut kinds = [false; 256];
    let mut at = 0;
    while at < BEFORE_SIGN.len() {
        kinds[BEFORE_SIGN[at] as usize] = true;
        at += 1;
    }
    kinds
};
