//! The escapes of JSON strings (RFC 8259, section 7), with the way back.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Range;

use memchr::memchr;

/// A string that was unescaped, and where each part of it came from.
#[derive(Default)]
pub struct Unescaped {
    pub text: String,
    /// After each escape: the position in `text`, and in the source.
    steps: Vec<(usize, usize)>,
}

impl fmt::Debug for Unescaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unescaped({} bytes)", self.text.len())
    }
}

impl Unescaped {
    /// Unescapes what stands between the quotes. A lone surrogate or an escape
    /// that JSON does not know is replaced by U+FFFD: the source stays as it is.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let mut this = Self { text: String::with_capacity(raw.len()), steps: Vec::new() };
        let mut at = 0;
        while let Some(found) = memchr(b'\\', raw.as_bytes().get(at..).unwrap_or_default()) {
            this.text.push_str(raw.get(at..at + found).unwrap_or_default());
            at += found;
            let (symbol, len) = symbol(raw.get(at..).unwrap_or_default());
            this.text.push(symbol);
            at += len;
            this.steps.push((this.text.len(), at));
        }
        this.text.push_str(raw.get(at..).unwrap_or_default());
        this
    }

    /// The span of the source that a span of `text` came from.
    #[must_use]
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        self.source_at(span.start)..self.source_at(span.end)
    }

    fn source_at(&self, at: usize) -> usize {
        let index = self.steps.partition_point(|&(text, _)| text <= at);
        let (text, raw) = index.checked_sub(1).and_then(|i| self.steps.get(i)).unwrap_or(&(0, 0));
        raw + (at - text)
    }
}

/// Unescapes, without the way back.
#[must_use]
pub fn decode(raw: &str) -> Cow<'_, str> {
    if memchr(b'\\', raw.as_bytes()).is_none() {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(Unescaped::new(raw).text)
    }
}

/// [`decode`] to the end of `out`.
pub(crate) fn decode_onto(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some((plain, escape)) =
        memchr(b'\\', rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        let (symbol, len) = symbol(escape);
        out.push_str(plain);
        out.push(symbol);
        rest = escape.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The symbol and the length of the escape at the start of `raw`.
pub(crate) fn symbol(raw: &str) -> (char, usize) {
    let plain = |symbol| (symbol, 2);
    match raw.as_bytes().get(1) {
        Some(b'n') => plain('\n'),
        Some(b't') => plain('\t'),
        Some(b'r') => plain('\r'),
        Some(b'b') => plain('\u{8}'),
        Some(b'f') => plain('\u{c}'),
        Some(b'"') => plain('"'),
        Some(b'\\') => plain('\\'),
        Some(b'/') => plain('/'),
        Some(b'u') => unicode(raw),
        _ => (char::REPLACEMENT_CHARACTER, 1 + raw.chars().nth(1).map_or(0, char::len_utf8)),
    }
}

fn unicode(raw: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = raw.get(at..at + 4)?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(2) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if let Some(symbol) = char::from_u32(first) {
        return (symbol, 6);
    }
    let second = (raw.get(6..8) == Some("\\u")).then(|| unit(8)).flatten();
    match second {
        Some(low @ 0xdc00..=0xdfff) if first < 0xdc00 => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// Escapes what JSON demands, and no more.
pub fn encode_into(text: &str, out: &mut String) {
    for symbol in text.chars() {
        match symbol {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                write!(out, "\\u{:04x}", u32::from(control)).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
}

/// [`encode_into`] a new string.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    encode_into(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_traced_back() {
        for (raw, text) in [
            (r"a\nb", "a\nb"),
            (r"\u0069-0abc", "i-0abc"),
            (r"\ud83d\ude00x", "😀x"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\/\\\u00zz", "/\\\u{fffd}00zz"),
            (r"tail\", "tail\u{fffd}"),
            ("no escapes é", "no escapes é"),
        ] {
            let read = Unescaped::new(raw);
            assert_eq!(read.text, text, "{raw}");
            assert_eq!(read.source(&(0..text.len())), 0..raw.len(), "{raw}");
            assert_eq!(decode(raw), text);
            let mut onto = "é".to_owned();
            decode_onto(raw, &mut onto);
            assert_eq!(onto, format!("é{text}"));
        }
        let read = Unescaped::new(r"x\n\u0069-0abc\ty");
        let at = read.text.find("i-0abc").unwrap();
        assert_eq!(read.source(&(at..at + 6)), 3..14);
    }

    #[test]
    fn encode_is_the_inverse() {
        let text = "q\" b\\ n\n t\t r\r e\u{1b}[0m é 😀 \u{7f}";
        assert_eq!(decode(&encode(text)), text);
        assert_eq!(serde_json::from_str::<String>(&format!("\"{}\"", encode(text))).unwrap(), text);
    }
}
