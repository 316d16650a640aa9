//! What a leaf of a document says, and where each part of it stands in the source.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use crate::body::escape;

/// The contents of a leaf, decoded.
pub(crate) enum Contents<'s> {
    Plain(&'s str),
    Escaped(Escaped<'s>),
}

impl<'s> Contents<'s> {
    /// The contents of a JSON string.
    pub(crate) fn json(raw: &'s str) -> Self {
        match memchr(b'\\', raw.as_bytes()) {
            Some(first) => Self::Escaped(Escaped::new(raw, first)),
            None => Self::Plain(raw),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Escaped(escaped) => &escaped.text,
        }
    }

    /// The span of the source that a span of the text came from.
    pub(crate) fn source(&self, span: &Range<usize>) -> Range<usize> {
        match self {
            Self::Plain(_) => span.clone(),
            Self::Escaped(escaped) => escaped.source(span),
        }
    }
}

/// A string without its escapes. Most hold no finding: the way back is only made
/// where one is asked for.
pub(crate) struct Escaped<'s> {
    raw: &'s str,
    text: String,
    way_back: OnceCell<escape::Unescaped>,
}

impl<'s> Escaped<'s> {
    fn new(raw: &'s str, first: usize) -> Self {
        let bytes = raw.as_bytes();
        let mut text = String::with_capacity(raw.len());
        let mut from = 0;
        for at in memchr_iter(b'\\', bytes.get(first..).unwrap_or_default()) {
            let at = first + at;
            // The second backslash of `\\` begins nothing.
            if at < from {
                continue;
            }
            text.push_str(raw.get(from..at).unwrap_or_default());
            let (symbol, len) = match bytes.get(at + 1) {
                Some(b'n') => ('\n', 2),
                Some(b'"') => ('"', 2),
                Some(b't') => ('\t', 2),
                Some(b'\\') => ('\\', 2),
                _ => escape::symbol(raw.get(at..).unwrap_or_default()),
            };
            text.push(symbol);
            from = at + len;
        }
        text.push_str(raw.get(from..).unwrap_or_default());
        Self { raw, text, way_back: OnceCell::new() }
    }

    fn source(&self, span: &Range<usize>) -> Range<usize> {
        self.way_back.get_or_init(|| escape::Unescaped::new(self.raw)).source(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_what_unescaping_gives() {
        for raw in [
            "plain é",
            r"a\nb\tc",
            r"\\\\n\\",
            r#"\"x\\\"y\/"#,
            r"\u0069-0\ud83d\ude00 \ud83d",
            r"\q\",
            r"tail\u00",
        ] {
            let contents = Contents::json(raw);
            assert_eq!(contents.text(), escape::decode(raw), "{raw}");
            let whole = 0..contents.text().len();
            assert_eq!(contents.source(&whole), 0..raw.len(), "{raw}");
        }
    }
}
