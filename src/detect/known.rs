//! Names that a document has taught so far: masked wherever they stand alone.
//!
//! A filter over the first five bytes passes over most words, so that the cost
//! does not grow with the number of names.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use crate::detect::boundary::{before, ends_escape, left, right};
use crate::detect::{Finding, Kind, Rank};

/// Shorter names are words.
const SHORTEST: usize = 5;
/// An escape that a word begins with is not longer: `u001b`, or `32m` of a color.
const ESCAPE: usize = 8;
/// Bits of the filter for each name, at least.
const BITS_PER_NAME: usize = 16;
const FIRST_BITS: usize = 1 << 12;

#[derive(Clone, Default)]
pub struct Known {
    names: HashMap<Box<str>, Kind>,
    /// Longest first.
    lengths: Vec<usize>,
    filter: Vec<u64>,
    /// A bit for each byte that a name begins with: most words end here.
    first: [u64; 4],
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Known({} names)", self.names.len())
    }
}

impl Known {
    /// Remembers a name. False if it is too weak to be masked alone, or known.
    pub fn learn(&mut self, name: &str, kind: Kind) -> bool {
        if !is_strong(name) || self.names.contains_key(name) {
            return false;
        }
        self.names.insert(name.into(), kind);
        let byte = name.bytes().next().unwrap_or_default();
        if let Some(word) = self.first.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
        if let Err(at) = self.lengths.binary_search_by(|len| name.len().cmp(len)) {
            self.lengths.insert(at, name.len());
        }
        if self.names.len() * BITS_PER_NAME > self.filter.len() * 64 {
            let bits = (self.filter.len() * 64 * 4).max(FIRST_BITS);
            self.filter = vec![0; bits / 64];
            for name in self.names.keys() {
                mark(&mut self.filter, name);
            }
        } else {
            mark(&mut self.filter, name);
        }
        true
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> Option<Kind> {
        self.names.get(name).copied()
    }

    /// Adds the known names that stand in the gaps between `taken`, which is sorted.
    pub fn find(&self, text: &str, taken: &[Range<usize>], out: &mut Vec<Finding>) {
        if self.is_empty() {
            return;
        }
        let bytes = text.as_bytes();
        let mut taken = taken.iter().peekable();
        let mut from = 0;
        // Where the word around `at` begins; none outside of words.
        let mut word = None;
        for (at, &byte) in bytes.iter().enumerate() {
            let inside = word.is_some();
            if byte.is_ascii_alphanumeric() {
                word = word.or(Some(at));
            } else {
                word = None;
            }
            if !self.begins_with(byte)
                || at < from
                || (inside && word.is_some_and(|word| !begins_again(bytes, word, at)))
                || !self.may_begin(bytes, at)
            {
                continue;
            }
            while taken.peek().is_some_and(|span| span.end <= at) {
                taken.next();
            }
            let end = taken.peek().map_or(bytes.len(), |span| span.start);
            if let Some((len, kind)) = self.name_at(text, at, end) {
                from = at + len;
                out.push(Finding { span: at..from, kind, rank: Rank::Known, teach: false });
            }
        }
    }

    /// Does any name begin with this byte?
    fn begins_with(&self, byte: u8) -> bool {
        let word = self.first.get(usize::from(byte >> 6)).copied().unwrap_or_default();
        word >> (byte & 63) & 1 == 1
    }

    fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        let Some(head) = bytes.get(at..at + SHORTEST) else { return false };
        let (word, bit) = place(head, self.filter.len());
        self.filter.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The longest name at `at` that ends no later than `end`.
    fn name_at(&self, text: &str, at: usize, end: usize) -> Option<(usize, Kind)> {
        self.lengths.iter().filter(|&&len| at + len <= end).find_map(|&len| {
            let name = text.get(at..at + len)?;
            let kind = *self.names.get(name)?;
            (left(text, at) && right(text, at + len)).then_some((len, kind))
        })
    }
}

/// A word that begins with an escape holds a second beginning behind it.
fn begins_again(bytes: &[u8], word: usize, at: usize) -> bool {
    at - word <= ESCAPE
        && matches!(before(bytes, word), Some(b'\\' | b'%' | b'[' | b';'))
        && ends_escape(bytes, at)
}

/// Can this name be masked without a key or an ARN around it?
fn is_strong(name: &str) -> bool {
    let special = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase() || b"-_.".contains(&b);
    name.len() >= SHORTEST && name.bytes().any(special)
}

fn mark(filter: &mut [u64], name: &str) {
    if let Some(head) = name.as_bytes().get(..SHORTEST) {
        let (word, bit) = place(head, filter.len());
        if let Some(word) = filter.get_mut(word) {
            *word |= bit;
        }
    }
}

/// The bit for a beginning, by multiplicative hashing. `words` is a power of two.
fn place(head: &[u8], words: usize) -> (usize, u64) {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(head) {
        *to = *from;
    }
    let hash = u64::from_le_bytes(first).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = usize::try_from(hash >> 38).unwrap_or_default() & words.wrapping_sub(1);
    (word, 1 << ((hash >> 32) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Known {
        let mut known = Known::default();
        for name in names {
            assert!(known.learn(name, Kind(7)), "{name}");
        }
        known
    }

    #[test]
    fn weak_names_are_not_learned() {
        let mut known = Known::default();
        for name in ["", "app", "a-1", "users", "production"] {
            assert!(!known.learn(name, Kind(0)), "{name}");
        }
        for name in ["my-app", "Users", "prod1", "a.b.c", "123456789012"] {
            assert!(known.learn(name, Kind(0)), "{name}");
            assert!(!known.learn(name, Kind(0)), "{name} again");
            assert_eq!(known.contains(name), Some(Kind(0)));
        }
    }

    #[test]
    fn names_are_found_where_they_stand_alone() {
        let known = known(&["prod-data", "prod-data-lake", "MyRole", "123456789012"]);
        for (text, found) in [
            ("prod-data", vec!["prod-data"]),
            ("prod-data-lake x", vec!["prod-data-lake"]),
            ("prod-data-x prod-dataset", vec!["prod-data"]),
            ("xprod-data MyRoles", vec![]),
            ("\"MyRole\":/MyRole/", vec!["MyRole", "MyRole"]),
            ("\\nMyRole\\\\n123456789012", vec!["MyRole", "123456789012"]),
            ("%2FMyRole \u{1b}[1;32mMyRole", vec!["MyRole", "MyRole"]),
            ("é MyRole입니다", vec!["MyRole"]),
        ] {
            let mut out = Vec::new();
            known.find(text, &[], &mut out);
            let spans: Vec<_> = out.iter().map(|f| text.get(f.span.clone()).unwrap()).collect();
            assert_eq!(spans, found, "{text}");
        }
    }

    #[test]
    fn what_is_taken_stays() {
        let mut out = Vec::new();
        known(&["MyRole"]).find("MyRole MyRole MyRole", &[0..6, 9..11], &mut out);
        assert_eq!(out.iter().map(|f| (f.span.start, f.span.end)).collect::<Vec<_>>(), [(14, 20)]);
    }

    #[test]
    fn many_names_are_all_found() {
        let names: Vec<String> = (0..5000).map(|n| format!("name-{n:05}")).collect();
        let mut known = Known::default();
        for name in &names {
            assert!(known.learn(name, Kind(1)));
        }
        let mut out = Vec::new();
        known.find(&names.join(" "), &[], &mut out);
        assert_eq!(out.len(), names.len());
    }
}
