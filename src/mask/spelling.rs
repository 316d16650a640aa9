//! Placeholders as models spell them: in lower case, with Markdown's backslashes, in a URL's
//! or HTML's escapes, with hyphens, with an `O` for a `0`.
//!
//! Only what this exchange knows is looked for: twelve symbols of a keyed hash do not occur
//! by accident, and so nothing is restored wrongly. The boundary is that of all placeholders:
//! a neighboring letter or digit forbids. A number's placeholder that is misspelled is
//! restored as text.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::detect::boundary;
use crate::mask::placeholder::{self, Placeholder};
use crate::mask::table::Table;

/// What may stand for `_`; of a backslash any number up to [`BACKSLASHES`].
const SEPARATORS: [&str; 10] =
    ["_", "-", "%5F", "%2D", "%255F", "&#95;", "&#x5F;", "&lowbar;", "&UnderBar;", "&#45;"];
/// JSON in JSON doubles Markdown's backslash.
const BACKSLASHES: usize = 4;
/// No spelling is longer: forty symbols, of which some take more bytes.
const REACH: usize = 128;

/// With what a spelling begins.
static HEADS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let prefixes = ["aws", "secret"].into_iter();
    let heads = prefixes.flat_map(|prefix| {
        let separators = SEPARATORS.into_iter().chain(["\\"]);
        separators.map(move |separator| format!("{prefix}{separator}"))
    });
    AhoCorasick::builder().ascii_case_insensitive(true).build(heads).ok()
});

/// The placeholders of one exchange, each in the one form that all its spellings have.
#[derive(Debug)]
pub(super) struct Spellings(Vec<(Box<str>, Placeholder)>);

impl Spellings {
    pub(super) fn new<'p>(known: impl Iterator<Item = &'p Placeholder>) -> Self {
        let folded = |own: &Placeholder| {
            let name: String = own.as_str().bytes().map(|b| char::from(fold(b))).collect();
            (name.into_boxed_str(), own.clone())
        };
        let mut names: Vec<_> = known.map(folded).collect();
        names.sort_unstable();
        // Two that are spelled alike cannot be told apart.
        let mut unique: Vec<(Box<str>, Placeholder)> = Vec::with_capacity(names.len());
        let mut alike = false;
        for (name, own) in names {
            let again = unique.last().is_some_and(|(last, _)| *last == name);
            if alike && !again {
                unique.pop();
            }
            alike = again;
            if !again {
                unique.push((name, own));
            }
        }
        if alike {
            unique.pop();
        }
        Self(unique)
    }

    /// Reads the placeholder with which `text` begins.
    fn read(&self, text: &[u8]) -> Read<'_> {
        let mut open = self.0.as_slice();
        let (mut at, mut symbols) = (0, 0);
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let (symbol, len) = match unit(rest) {
                Unit::Symbol(symbol, len) => (symbol, len),
                Unit::Part => return Read::Part,
                Unit::Other => return Read::No,
            };
            let is = |(name, _): &(Box<str>, _)| name.as_bytes().get(symbols).copied();
            let from = open.partition_point(|name| is(name) < Some(symbol));
            let upto = open.partition_point(|name| is(name) <= Some(symbol));
            open = open.get(from..upto).unwrap_or_default();
            (at, symbols) = (at + len, symbols + 1);
            match open.first() {
                None => return Read::No,
                Some((name, own)) if name.len() == symbols => {
                    let free = text.get(at).is_none_or(|b| !b.is_ascii_alphanumeric());
                    return if free { Read::Whole(at, own) } else { Read::No };
                }
                Some(_) => {}
            }
        }
    }

    /// The placeholder that is spelled so.
    pub(super) fn name(&self, spelled: &str) -> Option<&Placeholder> {
        match self.read(spelled.as_bytes()) {
            Read::Whole(len, own) if len == spelled.len() => Some(own),
            _ => None,
        }
    }

    /// May all of this text still become one?
    fn is_open(&self, tail: &[u8]) -> bool {
        match self.read(tail) {
            Read::Part => true,
            Read::Whole(len, _) => len == tail.len(),
            Read::No => false,
        }
    }
}

enum Read<'s> {
    /// A placeholder, in so many bytes.
    Whole(usize, &'s Placeholder),
    /// Everything up to the end of the text may be the beginning of one.
    Part,
    No,
}

enum Unit {
    Symbol(u8, usize),
    Part,
    Other,
}

/// The symbol that stands first, and its bytes.
fn unit(rest: &[u8]) -> Unit {
    match rest {
        [] => Unit::Part,
        [b'\\', ..] => {
            let slashes = rest.iter().take_while(|&&b| b == b'\\').count();
            match rest.get(slashes) {
                _ if slashes > BACKSLASHES => Unit::Other,
                None => Unit::Part,
                Some(b'_' | b'-') => Unit::Symbol(b'_', slashes + 1),
                Some(_) => Unit::Other,
            }
        }
        [b'_' | b'-', ..] => Unit::Symbol(b'_', 1),
        [b'%' | b'&', ..] => {
            for separator in SEPARATORS.map(str::as_bytes) {
                let len = separator.len().min(rest.len());
                if rest.get(..len).is_some_and(|head| {
                    separator.get(..len).is_some_and(|own| own.eq_ignore_ascii_case(head))
                }) {
                    return if len == separator.len() {
                        Unit::Symbol(b'_', len)
                    } else {
                        Unit::Part
                    };
                }
            }
            Unit::Other
        }
        [byte, ..] if byte.is_ascii_alphanumeric() => Unit::Symbol(fold(*byte), 1),
        _ => Unit::Other,
    }
}

/// One symbol for all that look alike, as in Crockford's base32.
fn fold(byte: u8) -> u8 {
    match byte.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    }
}

/// May a text hold a placeholder, however it is spelled?
pub(super) fn may_hold(text: &[u8]) -> bool {
    HEADS.as_ref().is_some_and(|heads| heads.is_match(text))
}

/// The spans of all placeholders in a text, known or not, and of all spellings of known ones.
pub(super) fn spans(text: &str, table: &Table) -> Vec<Range<usize>> {
    let own = placeholder::spans(text).into_iter().map(|span| table.reading(text, span));
    let mut spans: Vec<_> = own.collect();
    let (Some(heads), true) = (HEADS.as_ref(), table.is_lenient()) else { return spans };
    let exact = spans.len();
    let mut from = 0;
    for head in heads.find_iter(text) {
        let start = head.start();
        let taken = spans.get(..exact).unwrap_or_default();
        let next = taken.partition_point(|span| span.end <= start);
        let bound = taken.get(next).map_or(text.len(), |span| span.start);
        if start < from || start >= bound || !boundary::left(text, start) {
            continue;
        }
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        if let Some(Read::Whole(len, _)) = table.spellings().map(|known| known.read(rest))
            && start + len <= bound
        {
            from = start + len;
            spans.push(start..from);
        }
    }
    spans.sort_unstable_by_key(|span| span.start);
    spans
}

/// Where the text that may still become a placeholder begins, however it is spelled.
pub(super) fn open_tail(text: &str, table: &Table) -> Option<usize> {
    let exact = placeholder::open_tail(text);
    if !table.is_lenient() {
        return exact;
    }
    let bytes = text.as_bytes();
    let symbol = |b: &&u8| b.is_ascii_alphanumeric() || b"_-\\%&#;".contains(b);
    let symbols = bytes.iter().rev().take(REACH).take_while(symbol).count();
    let spelled = (bytes.len() - symbols..exact.unwrap_or(bytes.len())).find(|&start| {
        let tail = bytes.get(start..).unwrap_or_default();
        // Most texts end in no such word: the spellings are not even made.
        matches!(tail.first(), Some(b'a' | b'A' | b's' | b'S'))
            && boundary::left(text, start)
            && table.spellings().is_some_and(|known| known.is_open(tail))
    });
    spelled.or(exact)
}
