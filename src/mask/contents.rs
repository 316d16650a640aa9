//! What a leaf of a document says, and where each part of it stands in the source.

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

    /// The way from the text back to the source.
    pub(crate) fn way_back(&self) -> WayBack<'s> {
        match self {
            Self::Plain(raw) => WayBack { raw, escapes: false, text_at: 0, raw_at: 0 },
            Self::Escaped(escaped) => WayBack::new(escaped.raw),
        }
    }
}

/// A string without its escapes.
pub(crate) struct Escaped<'s> {
    raw: &'s str,
    text: String,
}

/// Tells where in the source a place of the text is. It only goes forward: most leaves
/// hold no finding, and of the others each byte is read once.
pub(crate) struct WayBack<'s> {
    raw: &'s str,
    escapes: bool,
    /// Places that are one, behind an escape or at the beginning.
    text_at: usize,
    raw_at: usize,
}

impl<'s> WayBack<'s> {
    /// The way back to the contents of a JSON string.
    pub(crate) fn new(raw: &'s str) -> Self {
        Self { raw, escapes: true, text_at: 0, raw_at: 0 }
    }

    /// The span of the source that a span of the text came from. Spans are asked for in
    /// their order.
    pub(crate) fn source(&mut self, span: &Range<usize>) -> Range<usize> {
        self.place(span.start)..self.place(span.end)
    }

    fn place(&mut self, text_at: usize) -> usize {
        let rest = |at| self.raw.get(at..).unwrap_or_default();
        while self.escapes
            && let Some(plain) = memchr(b'\\', rest(self.raw_at).as_bytes())
            && self.text_at + plain < text_at
        {
            let (symbol, len) = escape::symbol(rest(self.raw_at + plain));
            self.text_at += plain + symbol.len_utf8();
            self.raw_at += plain + len;
        }
        self.raw_at + text_at.saturating_sub(self.text_at)
    }
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
        Self { raw, text }
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
            let whole = contents.text();
            assert_eq!(contents.way_back().source(&(0..whole.len())), 0..raw.len(), "{raw}");
            let slow = escape::Unescaped::new(raw);
            let mut way_back = contents.way_back();
            for (at, symbol) in whole.char_indices() {
                let span = at..at + symbol.len_utf8();
                assert_eq!(way_back.source(&span), slow.source(&span), "{raw} {span:?}");
            }
        }
    }
}
