//! Where strings end in a JSON document and where escapes begin in them, as bits: one pass
//! over the whole document, 64 bytes at a time.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::match_target;

#[cfg(target_arch = "x86_64")]
use crate::detect::lanes::x86;
use crate::detect::lanes::{self, WIDTH, block};

/// Every second bit.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// Bit `n` of word `m` stands for byte `64 m + n`.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    /// Quotes that are not escaped.
    quotes: Vec<u64>,
    /// Backslashes that are not escaped.
    escapes: Vec<u64>,
}

impl Strings {
    pub(crate) fn new(source: &[u8]) -> Self {
        let blocks = source.len().div_ceil(WIDTH);
        let mut this = Self { quotes: vec![0; blocks], escapes: vec![0; blocks] };
        mark(source, &mut this.quotes, &mut this.escapes);
        this
    }

    /// The quote at `from` or behind it.
    pub(crate) fn end(&self, from: usize) -> Option<usize> {
        let mut index = from / WIDTH;
        let mut word = *self.quotes.get(index)? & u64::MAX << (from % WIDTH);
        while word == 0 {
            index += 1;
            word = *self.quotes.get(index)?;
        }
        Some(index * WIDTH + usize::try_from(word.trailing_zeros()).unwrap_or_default())
    }

    /// Where escapes begin in `span`.
    pub(crate) fn escapes(&self, span: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        bits(&self.escapes, span)
    }

    pub(crate) fn has_escape(&self, span: Range<usize>) -> bool {
        let (first, last) = (span.start / WIDTH, span.end / WIDTH);
        let words = self.escapes.get(first..self.escapes.len().min(last + 1)).unwrap_or_default();
        let [from, to] = [u64::MAX << (span.start % WIDTH), !(u64::MAX << (span.end % WIDTH))];
        match words {
            [] => false,
            [one] => one & from & to != 0,
            [one, between @ .., last] => {
                one & from != 0 || last & to != 0 || between.iter().any(|word| *word != 0)
            }
        }
    }
}

/// The bits that are set, word by word.
struct Bits<'s> {
    word: u64,
    /// The place of the first bit of the word.
    base: usize,
    rest: &'s [u64],
    end: usize,
}

impl Iterator for Bits<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.base += WIDTH;
            if self.base >= self.end {
                return None;
            }
            (self.word, self.rest) = self.rest.split_first().map(|(word, rest)| (*word, rest))?;
        }
        let at = self.base + usize::try_from(self.word.trailing_zeros()).unwrap_or_default();
        self.word &= self.word - 1;
        (at < self.end).then_some(at)
    }
}

#[inline]
fn bits(set: &[u64], span: Range<usize>) -> Bits<'_> {
    let index = span.start / WIDTH;
    let (first, rest) = set.get(index..).unwrap_or_default().split_first().unzip();
    let word = first.map_or(0, |word| word & u64::MAX << (span.start % WIDTH));
    Bits { word, base: index * WIDTH, rest: rest.unwrap_or_default(), end: span.end }
}

#[multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn mark(source: &[u8], quotes: &mut [u64], escapes: &mut [u64]) {
    // The first byte of the next block is escaped.
    let mut carry = 0;
    let (blocks, rest) = source.as_chunks();
    let last = (!rest.is_empty()).then(|| block(rest, 0));
    let places = quotes.iter_mut().zip(escapes);
    for (block, (quotes, escapes)) in blocks.iter().chain(&last).zip(places) {
        let [quote, backslash] = match_target! {
            "x86_64+avx2" => x86::equals(block, *b"\"\\"),
            _ => lanes::equals(block, *b"\"\\"),
        };
        let (escaped, next) = escaped(backslash, carry);
        carry = next;
        (*quotes, *escapes) = (quote & !escaped, backslash & !escaped);
    }
}

/// The bytes that a backslash stands before which is not escaped itself, and whether the first
/// byte of the next block is one. In a run of backslashes every second is: adding a bit at the
/// beginnings of those runs that begin at odd places carries through to their ends.
#[inline(always)]
fn escaped(backslash: u64, carry: u64) -> (u64, u64) {
    let own = backslash & !carry;
    let behind = own << 1 | carry;
    let odd_starts = own & !EVEN & !behind;
    let (sum, overflow) = odd_starts.overflowing_add(own);
    ((EVEN ^ sum << 1) & behind, u64::from(overflow))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(source: &[u8], start: usize) -> (Option<usize>, Option<usize>) {
        let mut at = start;
        let mut escape = None;
        while let Some(&byte) = source.get(at) {
            match byte {
                b'"' => return (Some(at), escape),
                b'\\' => {
                    escape = escape.or(Some(at));
                    at += 2;
                }
                _ => at += 1,
            }
        }
        (None, escape)
    }

    #[test]
    fn strings_end_where_reading_byte_by_byte_ends_them() {
        for lead in 0..70 {
            for backslashes in 0..70 {
                let text = format!(
                    "{}{}n\" {}\\u0022\"",
                    "x".repeat(lead),
                    "\\".repeat(backslashes),
                    "y".repeat(64)
                );
                let bytes = text.as_bytes();
                let strings = Strings::new(bytes);
                let (end, escape) = slow(bytes, 0);
                assert_eq!(strings.end(0), end, "{text}");
                assert_eq!(strings.escapes(0..end.unwrap()).next(), escape, "{text}");
                let (next, escape) = slow(bytes, end.unwrap() + 1);
                assert_eq!(strings.end(end.unwrap() + 1), next, "{text}");
                assert_eq!(strings.escapes(end.unwrap() + 1..text.len()).next(), escape, "{text}");
            }
        }
        assert_eq!(Strings::new(b"").end(0), None);
        assert_eq!(Strings::new(b"a\\\"").end(0), None);
    }
}
