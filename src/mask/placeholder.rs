//! Placeholders and their grammar.
//!
//! ```text
//! placeholder = ("AWS" / "SECRET") "_" kind "_" tag
//! kind        = 1*20( A-Z / 0-9 / "_" ), beginning with A-Z
//! tag         = letter 11symbol          ; Crockford base32: no I, L, O, U
//! ```
//!
//! No segment of a kind is `AWS`, so that `AWS_` always begins a reading anew.
//! A neighboring ASCII letter or digit forbids a placeholder on either side.
//! The tag is the first run of twelve symbols between underscores, so that a
//! text holds at most one reading.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

use crate::detect::boundary;

/// Symbols of a tag: Crockford's base32.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// A tag begins with one of these.
const LETTERS: &[u8; 22] = b"ABCDEFGHJKMNPQRSTVWXYZ";
const TAG: usize = 12;
const KIND_MAX: usize = 20;
/// No placeholder is longer: `SECRET_`, a kind, `_`, a tag.
pub const LONGEST: usize = 7 + KIND_MAX + 1 + TAG;
/// And none is shorter: `AWS_`, a letter, `_`, a tag.
pub(crate) const SHORTEST: usize = 4 + 1 + 1 + TAG;

const PREFIXES: [&str; 2] = ["AWS_", "SECRET_"];
static FINDERS: LazyLock<[memmem::Finder<'static>; 2]> =
    LazyLock::new(|| PREFIXES.map(memmem::Finder::new));

/// A text that stands for a value: `AWS_EC2_7F3K9Q2MX4TB` has the tag `7F3K…`
/// only in prose; real tags begin with a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placeholder(Box<str>);

impl Placeholder {
    /// The placeholder of a kind for an HMAC.
    #[must_use]
    pub(crate) fn new(secret: bool, kind: &str, mac: &[u8; 32]) -> Self {
        let prefix = if secret { "SECRET_" } else { "AWS_" };
        let mut text = String::with_capacity(prefix.len() + kind.len() + 1 + TAG);
        text.push_str(prefix);
        text.push_str(kind);
        text.push('_');
        let [first, second, rest @ ..] = mac;
        let letter = usize::from(u16::from_be_bytes([*first, *second])) % LETTERS.len();
        text.extend(LETTERS.get(letter).map(|&b| char::from(b)));
        let mut bits = 0_u64;
        for &byte in rest.iter().take(8) {
            bits = bits << 8 | u64::from(byte);
        }
        for index in 1..TAG {
            let symbol = (bits >> (64 - 5 * index)) & 31;
            let symbol = usize::try_from(symbol).unwrap_or_default();
            text.extend(SYMBOLS.get(symbol).map(|&b| char::from(b)));
        }
        Self(text.into_boxed_str())
    }

    /// The whole of `text` as a placeholder.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (len_at(text, 0)? == text.len()).then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it of this kind?
    pub(crate) fn is_of(&self, secret: bool, kind: &str) -> bool {
        let rest = self.0.strip_prefix(if secret { "SECRET_" } else { "AWS_" });
        let tag = rest.and_then(|rest| rest.strip_prefix(kind));
        tag.is_some_and(|tag| tag.len() == 1 + TAG)
    }

    /// Is this the placeholder of a number, which loses its quotes when restored?
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.0.starts_with(NUMBER_PREFIX)
    }
}

/// The kind of a JSON number that is an account id.
pub const NUMBER_KIND: &str = "ACCOUNT_NUMBER";
pub(crate) const NUMBER_PREFIX: &str = "AWS_ACCOUNT_NUMBER_";

impl Borrow<str> for Placeholder {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands at the end of a text that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// A placeholder of this length.
    Whole(usize),
    /// Everything up to the end of the text may be the beginning of one.
    Part,
    No,
}

/// The spans of all placeholders in `text`, in order.
pub fn spans(text: &str) -> Vec<Range<usize>> {
    // Each prefix is looked for once: a text full of one must not make the
    // search for the other begin anew.
    let [mut first, mut second] =
        FINDERS.each_ref().map(|finder| finder.find_iter(text.as_bytes()).peekable());
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let next = match (first.peek(), second.peek()) {
            (Some(a), Some(b)) if b < a => second.next(),
            (Some(_), _) => first.next(),
            (None, _) => second.next(),
        };
        let Some(start) = next else { return found };
        if start < from {
            continue;
        }
        if let Some(len) = len_at(text, start) {
            found.push(start..start + len);
            from = start + len;
        }
    }
}

/// The length of the placeholder that begins at `start`, with free neighbors.
fn len_at(text: &str, start: usize) -> Option<usize> {
    if !boundary::left(text, start) {
        return None;
    }
    match read(text.as_bytes().get(start..)?) {
        Read::Whole(len) => Some(len),
        Read::Part | Read::No => None,
    }
}

/// Where the text that may still become a placeholder begins, if more follows:
/// everything from here on is held back.
#[must_use]
pub fn open_tail(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // One more for the neighbor that decides; and all of it in the symbols of placeholders.
    let symbols = bytes.iter().rev().take(LONGEST + 1).take_while(|b| is_symbol(**b)).count();
    (text.len() - symbols..text.len()).find(|&start| {
        let open = bytes.get(start..).is_some_and(|tail| match read(tail) {
            Read::Part => true,
            Read::Whole(len) => len == tail.len(),
            Read::No => false,
        });
        open && boundary::left(text, start)
    })
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

fn read(tail: &[u8]) -> Read {
    let mut part = false;
    for prefix in PREFIXES {
        let prefix = prefix.as_bytes();
        if let Some(rest) = tail.strip_prefix(prefix) {
            return match read_kind(rest) {
                Read::Whole(len) => Read::Whole(prefix.len() + len),
                other => other,
            };
        }
        part |= prefix.starts_with(tail);
    }
    if part { Read::Part } else { Read::No }
}

/// Reads `kind "_" tag`.
fn read_kind(rest: &[u8]) -> Read {
    if rest.first().is_some_and(|b| !b.is_ascii_uppercase()) {
        return Read::No;
    }
    for (at, &byte) in rest.iter().enumerate() {
        if at > KIND_MAX {
            return Read::No;
        }
        if rest.get(at..).is_some_and(|rest| rest.starts_with(b"AWS_")) {
            return Read::No;
        }
        if byte == b'_' && at > 0 {
            match read_tag(rest.get(at + 1..).unwrap_or_default()) {
                Read::Whole(len) => return Read::Whole(at + 1 + len),
                Read::Part => return Read::Part,
                Read::No => {}
            }
        }
        if !is_symbol(byte) {
            return Read::No;
        }
    }
    Read::Part
}

fn read_tag(rest: &[u8]) -> Read {
    let symbols = rest.iter().take(TAG).take_while(|b| SYMBOLS.contains(b)).count();
    if rest.first().is_some_and(|b| !LETTERS.contains(b)) {
        return Read::No;
    }
    match rest.get(symbols) {
        _ if symbols == TAG && rest.get(TAG).is_none_or(|b| !b.is_ascii_alphanumeric()) => {
            Read::Whole(TAG)
        }
        None if symbols < TAG => Read::Part,
        _ => Read::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: &str = "AWS_EC2_BF3K9Q2MX4TB";

    #[test]
    fn made_placeholders_are_read_back() {
        for byte in 0..=255_u8 {
            for (secret, kind) in [(false, "EC2"), (false, "S3_BUCKET"), (true, "GITHUB_TOKEN")] {
                let made = Placeholder::new(secret, kind, &[byte; 32]);
                assert_eq!(Placeholder::parse(made.as_str()), Some(made.clone()), "{made}");
            }
        }
    }

    #[test]
    fn neighbors_decide() {
        for (text, found) in [
            (P.to_owned(), 1),
            (format!("x{P}"), 0),
            (format!("{P}x"), 0),
            (format!("_{P}_old-{P}.{P}/{P}"), 4),
            (format!("{P}{P}"), 0),
            ("AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION AWS_EC2_".to_owned(), 0),
            (format!("\\n{P}\\\\t{P}\u{1b}[0m{P}"), 3),
            ("AWS_EC2_1F3K9Q2MX4TB".to_owned(), 0),
            ("SECRET_JWT_BF3K9Q2MX4TB".to_owned(), 1),
            (format!("AWS_{P}"), 1),
            (format!("AWS_FOO_{P}"), 1),
        ] {
            assert_eq!(spans(&text).len(), found, "{text}");
        }
    }

    #[test]
    fn every_beginning_is_held_and_nothing_else() {
        for end in 1..=P.len() {
            assert_eq!(open_tail(&format!("see {}", P.split_at(end).0)), Some(4), "{end}");
        }
        for text in ["", "see it", "AWS region", &format!("{P} "), &format!("{P}x"), "lAWS"] {
            assert_eq!(open_tail(text), None, "{text}");
        }
        let longest = format!("SECRET_{}_{}", "K".repeat(KIND_MAX), "T".repeat(TAG));
        assert_eq!((longest.len(), open_tail(&longest)), (LONGEST, Some(0)));
        let shortest = format!("AWS_K_{}", "T".repeat(TAG));
        assert_eq!((shortest.len(), spans(&shortest).first()), (SHORTEST, Some(&(0..SHORTEST))));
    }
}
