//! The strings of a unit without their escapes, one behind the other, and where each part
//! came from. The memory is used again for the next unit.

use std::ops::Range;

use simdutf8::basic::from_utf8;

use crate::body::escape;
use crate::body::json::{Node, Tape};
use crate::body::select::Leaf;
use crate::body::splice::Misfit;

/// As many bytes are copied at once: a copy of known size needs no call.
const PIECE: usize = 64;
/// What has no escapes and is longer is not copied.
const LONG: usize = 4 << 10;
/// No more room is made before it is needed.
const FIRST: usize = 32 << 10;
/// Stands before each text: a part of none.
const APART: u8 = 0;

#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Up to `len`; behind it is room.
    bytes: Vec<u8>,
    len: usize,
    /// Behind each escape: the place in its text, and in its source.
    steps: Vec<(usize, usize)>,
}

/// Where the contents of a string are.
#[derive(Clone, Debug)]
pub(crate) enum Contents {
    /// In the source: it is long and has no escapes.
    Source(Range<usize>),
    Decoded {
        source: Range<usize>,
        text: Range<usize>,
        steps: Range<usize>,
    },
}

impl Decoded {
    fn clear(&mut self) {
        self.len = 0;
        self.steps.clear();
    }

    /// Takes the strings of a unit in place of those of the last.
    pub(crate) fn all(&mut self, tape: &Tape<'_>, strings: &[&Leaf]) -> Vec<Contents> {
        self.clear();
        strings.iter().map(|leaf| self.add(tape, leaf.node)).collect()
    }

    fn add(&mut self, tape: &Tape<'_>, node: Node) -> Contents {
        let source = tape.span(node);
        let mut escapes = tape.strings().escapes(source.clone());
        let mut escape = escapes.next();
        if escape.is_none() && source.len() > LONG {
            return Contents::Source(source);
        }
        // It never gets shorter: what is taken away would be zeroed again.
        let room = self.len + 1 + source.len() + PIECE;
        if self.bytes.len() < room {
            // For most documents once is enough.
            let all = tape.source().len().min(FIRST);
            self.bytes.resize(room.max(2 * self.bytes.len()).max(all), 0);
        }
        let (start, first_step) = (self.len + 1, self.steps.len());
        let mut to = Writer { bytes: self.bytes.get_mut(self.len..).unwrap_or_default(), len: 0 };
        to.push(APART);
        let mut from = source.start;
        while let Some(at) = escape {
            // Of a `\ud83d\ude00` the second was read with the first.
            if at >= from {
                from = source.end.min(at + to.until(tape.source(), from, at));
                self.steps.push((to.len - 1, from - source.start));
            }
            escape = escapes.next();
        }
        to.copy(tape.source().as_bytes(), from..source.end);
        self.len += to.len;
        let steps = first_step..self.steps.len();
        Contents::Decoded { source, text: start..self.len, steps }
    }

    /// All texts. What was cut between characters fits no source.
    pub(crate) fn text(&self) -> Result<&str, Misfit> {
        from_utf8(self.bytes.get(..self.len).ok_or(Misfit)?).map_err(|_| Misfit)
    }

    pub(crate) fn steps(&self, of: &Contents) -> &[(usize, usize)] {
        match of {
            Contents::Source(_) => &[],
            Contents::Decoded { steps, .. } => self.steps.get(steps.clone()).unwrap_or_default(),
        }
    }
}

impl Contents {
    /// The text, in the source or in what was decoded.
    pub(crate) fn text<'t>(&self, source: &'t str, decoded: &'t str) -> &'t str {
        let text = match self {
            Self::Source(span) => source.get(span.clone()),
            Self::Decoded { text, .. } => decoded.get(text.clone()),
        };
        text.unwrap_or_default()
    }

    /// What the text is a part of, with others if they are [beside](Self::is_beside) it.
    pub(crate) fn within<'t>(&self, source: &'t str, decoded: &'t str) -> (&'t str, Range<usize>) {
        match self {
            Self::Source(span) => (source, span.clone()),
            Self::Decoded { text, .. } => (decoded, text.clone()),
        }
    }

    /// Was the other decoded right behind this?
    pub(crate) fn is_beside(&self, next: &Self) -> bool {
        matches!((self, next), (Self::Decoded { .. }, Self::Decoded { .. }))
    }

    /// Where the string begins in the source.
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Source(source) | Self::Decoded { source, .. } => source.start,
        }
    }
}

/// What a letter behind a backslash stands for, of the frequent ones; else 0.
#[expect(clippy::indexing_slicing, reason = "the compiler runs this, and checks it")]
static SYMBOLS: [u8; 256] = {
    let mut symbols = [0; 256];
    symbols[b'n' as usize] = b'\n';
    symbols[b't' as usize] = b'\t';
    symbols[b'"' as usize] = b'"';
    symbols[b'\\' as usize] = b'\\';
    symbols
};

/// Writes to where there is room enough.
struct Writer<'b> {
    bytes: &'b mut [u8],
    len: usize,
}

impl Writer<'_> {
    /// Adds what stands from `from` on before the escape at `at`, and what that stands for.
    /// Returns its length.
    #[inline(always)]
    fn until(&mut self, source: &str, mut from: usize, at: usize) -> usize {
        if at - from > PIECE {
            self.copy(source.as_bytes(), from..at - PIECE);
            from = at - PIECE;
        }
        let len = at - from;
        let with = source.as_bytes().get(from..).and_then(<[u8]>::first_chunk::<{ PIECE + 2 }>);
        let room = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut);
        if let (Some(with), Some(room)) = (with, room)
            && let (Some(part), Some(&letter)) = (with.first_chunk::<PIECE>(), with.get(len + 1))
            && let Some(&symbol @ 1..) = SYMBOLS.get(usize::from(letter))
        {
            let room: &mut [u8; PIECE + 1] = room;
            if let Some(first) = room.first_chunk_mut() {
                *first = *part;
            }
            if let Some(slot) = room.get_mut(len) {
                *slot = symbol;
            }
            self.len += len + 1;
            return 2;
        }
        self.rare(source, from, at)
    }

    #[inline(never)]
    fn rare(&mut self, source: &str, from: usize, at: usize) -> usize {
        self.copy(source.as_bytes(), from..at);
        let (symbol, len) = escape::symbol(source.get(at..).unwrap_or_default());
        let mut buffer = [0; 4];
        for byte in symbol.encode_utf8(&mut buffer).bytes() {
            self.push(byte);
        }
        len
    }

    #[inline(always)]
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
        }
        self.len += 1;
    }

    /// Most parts are short: the end of a loop over pieces could not be foretold.
    #[inline(always)]
    fn copy(&mut self, source: &[u8], span: Range<usize>) {
        let from = source.get(span.start..).and_then(<[u8]>::first_chunk::<PIECE>);
        let room = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut);
        match (from, room) {
            (Some(from), Some(room)) if span.len() <= PIECE => *room = *from,
            _ => self.copy_exactly(source.get(span.clone()).unwrap_or_default()),
        }
        self.len += span.len();
    }

    /// What is long, or stands at the end of the source.
    #[inline(never)]
    fn copy_exactly(&mut self, part: &[u8]) {
        if let Some(to) = self.bytes.get_mut(self.len..self.len + part.len()) {
            to.copy_from_slice(part);
        }
    }
}

/// The place in the source of a place in the text.
pub(crate) fn source_at(steps: &[(usize, usize)], at: usize) -> usize {
    let behind = steps.partition_point(|&(text, _)| text <= at);
    let last = behind.checked_sub(1).and_then(|last| steps.get(last));
    let &(text, source) = last.unwrap_or(&(0, 0));
    source + (at - text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_decoded_and_every_place_is_found_again() {
        let strings = [
            "plain é",
            r"a\nb\tc",
            r"\\\\n\\",
            r#"\"x\\\"y\/"#,
            r"\u0069-0\ud83d\ude00 \ud83d",
            r"tail é\u00e9\q",
            &format!(r"{}\n{}\t", "long ".repeat(20), "é".repeat(40)),
        ];
        let source = format!("[\"{}\"]", strings.join("\",\""));
        let tape = Tape::parse(&source, 4).unwrap();
        let mut decoded = Decoded::default();
        for _ in 0..2 {
            decoded.clear();
            let nodes: Vec<_> = tape.items(tape.root()).collect();
            let all: Vec<_> = nodes.iter().map(|&node| decoded.add(&tape, node)).collect();
            let texts = decoded.text().unwrap();
            for (raw, contents) in strings.iter().zip(&all) {
                let text = contents.text(&source, texts);
                assert_eq!(text, escape::decode(raw), "{raw}");
                let slow = escape::Unescaped::new(raw);
                for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
                    let place = source_at(decoded.steps(contents), at);
                    assert_eq!(place, slow.source(&(at..at)).start, "{raw} {at}");
                }
                assert!(source.get(contents.start()..).unwrap().starts_with(raw));
            }
        }
    }
}
