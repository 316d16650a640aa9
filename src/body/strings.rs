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
        let mut this =
            Self { quotes: Vec::with_capacity(blocks), escapes: Vec::with_capacity(blocks) };
        mark(source, &mut this.quotes, &mut this.escapes);
        this
    }

    /// The quote at `from` or behind it.
    pub(crate) fn end(&self, from: usize) -> Option<usize> {
        next(&self.quotes, from)
    }

    /// Where the first escape begins in `span`.
    pub(crate) fn escape(&self, span: Range<usize>) -> Option<usize> {
        next_in(&self.escapes, span)
    }
}

fn next(set: &[u64], from: usize) -> Option<usize> {
    next_in(set, from..set.len() * WIDTH)
}

/// The first bit of the span that is set.
#[inline]
fn next_in(set: &[u64], span: Range<usize>) -> Option<usize> {
    let mut index = span.start / WIDTH;
    let mut word = set.get(index)? & u64::MAX << (span.start % WIDTH);
    while word == 0 {
        index += 1;
        if index * WIDTH >= span.end {
            return None;
        }
        word = *set.get(index)?;
    }
    let place = usize::try_from(word.trailing_zeros()).unwrap_or_default();
    Some(index * WIDTH + place).filter(|&at| at < span.end)
}

#[multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn mark(source: &[u8], quotes: &mut Vec<u64>, escapes: &mut Vec<u64>) {
    // The first byte of the next block is escaped.
    let mut carry = 0;
    for at in (0..source.len()).step_by(WIDTH) {
        let block = block(source, at);
        let [quote, backslash] = match_target! {
            "x86_64+avx2" => x86::equals(&block, *b"\"\\"),
            _ => lanes::equals(&block, *b"\"\\"),
        };
        let (escaped, next) = escaped(backslash, carry);
        carry = next;
        quotes.push(quote & !escaped);
        escapes.push(backslash & !escaped);
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
                assert_eq!(strings.escape(0..end.unwrap()), escape, "{text}");
                let (next, escape) = slow(bytes, end.unwrap() + 1);
                assert_eq!(strings.end(end.unwrap() + 1), next, "{text}");
                assert_eq!(strings.escape(end.unwrap() + 1..text.len()), escape, "{text}");
            }
        }
        assert_eq!(Strings::new(b"").end(0), None);
        assert_eq!(Strings::new(b"a\\\"").end(0), None);
    }
}
