//! Text that itself holds escapes: JSON in JSON, at any depth, and colors of a terminal.
//!
//! `\u0069-0abc…` and `arn:…:role\/app` are found by decoding one more level,
//! leniently, and mapping what is found back. So is what a control sequence cuts, as
//! `grep --color` does. The value is the outer spelling.

use std::ops::Range;

use memchr::memmem;

use crate::detect::boundary::control;

/// Seven levels of JSON in JSON need 127 backslashes before a quote.
pub(super) const LEVELS: usize = 6;

/// As many backslashes stand before an escape in JSON in JSON at most.
pub(super) const ESCAPES: usize = 127;

/// Begins a control sequence.
pub(in crate::detect) const ESCAPE: u8 = 0x1b;
const CONTROL: &[u8] = &[ESCAPE, b'['];

/// A text with one level of escapes decoded.
pub(super) struct Decoded {
    pub text: String,
    /// Where a run begins, inside and outside; runs are copied byte for byte.
    runs: Vec<(usize, usize)>,
}

/// Decodes one level, if an escape may hide a character of an identifier.
pub(super) fn decode(text: &str) -> Option<Decoded> {
    let bytes = text.as_bytes();
    let escapes: [&[u8]; 3] = [b"\\u", b"\\/", CONTROL];
    if escapes.iter().all(|escape| memmem::find(bytes, escape).is_none()) {
        return None;
    }
    let mut decoded = Decoded { text: String::with_capacity(text.len()), runs: vec![(0, 0)] };
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(plain) = memchr::memchr2(b'\\', ESCAPE, rest.as_bytes()) else {
            decoded.text.push_str(rest);
            break;
        };
        decoded.text.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        let rest = text.get(at..).unwrap_or_default();
        let (with, len) = match control(rest.as_bytes()) {
            Some(len) => (None, len),
            None => {
                let own = if rest.starts_with('\\') { '\\' } else { char::from(ESCAPE) };
                let (character, len) = escape(rest).unwrap_or((own, 1));
                (Some(character), len)
            }
        };
        decoded.stand(with, at);
        at += len;
        decoded.runs.push((decoded.text.len(), at));
    }
    Some(decoded)
}

impl Decoded {
    pub(super) fn with_capacity(len: usize) -> Self {
        Self { text: String::with_capacity(len), runs: vec![(0, 0)] }
    }

    /// Copies a part of the text outside. What is left out before it begins at `end`.
    pub(super) fn copy(&mut self, text: &str, end: usize, part: Range<usize>) {
        self.runs.extend([(self.text.len(), end), (self.text.len(), part.start)]);
        self.text.push_str(text.get(part).unwrap_or_default());
    }

    /// Behind what was copied, a part of the text outside that begins at `from` becomes this.
    pub(super) fn stand(&mut self, with: Option<char>, from: usize) {
        self.runs.push((self.text.len(), from));
        self.text.extend(with);
    }

    /// The span outside that a span inside was decoded from.
    pub(super) fn outer(&self, span: &Range<usize>) -> Range<usize> {
        let before = self.runs.partition_point(|&(inner, _)| inner < span.end);
        // Where nothing stands for a control sequence, what is before it ends before it.
        let end = match self.runs.get(before) {
            Some(&(inner, outer)) if inner == span.end => outer,
            _ => self.map(before, span.end),
        };
        let after = self.runs.partition_point(|&(inner, _)| inner <= span.start);
        self.map(after, span.start)..end
    }

    /// A place inside the run before this one.
    fn map(&self, next: usize, inside: usize) -> usize {
        let run = next.checked_sub(1).and_then(|at| self.runs.get(at));
        run.map_or(inside, |&(inner, outer)| outer + (inside - inner))
    }
}

/// The backslashes at the beginning, but for the last: behind them an escape stands, at any depth.
pub(super) fn deeper(rest: &[u8]) -> usize {
    rest.iter().take(ESCAPES).take_while(|b| **b == b'\\').count().saturating_sub(1)
}

/// [`escape`] of bytes that may end anywhere.
pub(super) fn escape_at(text: &[u8]) -> Option<(char, usize)> {
    let near = text.get(..12).unwrap_or(text);
    let valid = near.iter().take_while(|b| b.is_ascii()).count();
    let rest = std::str::from_utf8(near.get(..valid)?).ok()?;
    rest.starts_with('\\').then(|| escape(rest)).flatten()
}

/// The character that an escape at the beginning stands for, and its length.
fn escape(rest: &str) -> Option<(char, usize)> {
    let mut bytes = rest.strip_prefix('\\')?.bytes();
    let character = match bytes.next()? {
        b'u' => return unicode(rest),
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'/' => '/',
        b'"' => '"',
        b'\\' => '\\',
        _ => return None,
    };
    Some((character, 2))
}

fn unicode(rest: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = rest.get(from..from + 4)?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(())?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(2)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, 6));
    }
    (rest.get(6..8)? == "\\u").then_some(())?;
    let mut pair = char::decode_utf16([first, unit(8)?]);
    Some((pair.next()?.ok()?, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_map_back() {
        for (text, inside, outside) in [
            (r"\u0069-0abc", "i-0abc", r"\u0069-0abc"),
            (r"a \u0069-0\u0061bc z", "i-0abc", r"\u0069-0\u0061bc"),
            (r"role\/app\u002dx", "role/app-x", r"role\/app\u002dx"),
            (r"\ud83d\ude00 x\u0079z", "xyz", r"x\u0079z"),
            (r"\\u0069-0", r"\u0069-0", r"\\u0069-0"),
            (r"é\/\q\ud83d x", "q\\ud83d", r"q\ud83d"),
            ("\x1b[1mar\x1b[m\x1b[Kn:a\x1b[0m x", "arn:a", "ar\x1b[m\x1b[Kn:a"),
            ("a\x1b[1m\x1b[Kbc \x1b7d", "bc \x1b7d", "bc \x1b7d"),
        ] {
            let decoded = decode(text).expect("holds an escape");
            let start = decoded.text.find(inside).expect(text);
            let outer = decoded.outer(&(start..start + inside.len()));
            assert_eq!(text.get(outer), Some(outside), "{text}");
        }
        assert!(decode(r"plain \n text").is_none());
    }
}
