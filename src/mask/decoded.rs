//! The strings of a unit without their escapes, one behind the other, and where each part
//! came from. The memory is used again for the next unit.

use std::ops::Range;

use simdutf8::basic::from_utf8;

use crate::body::escape;
use crate::body::json::{Node, Tape};
use crate::body::splice::Misfit;

/// As many bytes are copied at once: a copy of known size needs no call.
const PIECE: usize = 32;

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
    /// In the source: it has no escapes.
    Source(Range<usize>),
    Decoded {
        source: Range<usize>,
        text: Range<usize>,
        steps: Range<usize>,
    },
}

impl Decoded {
    /// For the next unit.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.steps.clear();
    }

    pub(crate) fn add(&mut self, tape: &Tape<'_>, node: Node) -> Contents {
        let source = tape.span(node);
        let Some(first) = tape.strings().escape(source.clone()) else {
            return Contents::Source(source);
        };
        let (start, first_step) = (self.len, self.steps.len());
        // It never gets shorter: what is taken away would be zeroed again.
        let room = start + source.len() + PIECE;
        if self.bytes.len() < room {
            self.bytes.resize(room.max(2 * self.bytes.len()), 0);
        }
        let mut from = source.start;
        let mut escape = Some(first);
        while let Some(at) = escape {
            self.copy(tape.source().as_bytes(), from..at);
            let len = self.symbol(tape.source(), at);
            from = source.end.min(at + len);
            self.steps.push((self.len - start, from - source.start));
            escape = tape.strings().escape(from..source.end);
        }
        self.copy(tape.source().as_bytes(), from..source.end);
        let steps = first_step..self.steps.len();
        Contents::Decoded { source, text: start..self.len, steps }
    }

    /// Adds what the escape at `at` stands for, and returns its length.
    fn symbol(&mut self, source: &str, at: usize) -> usize {
        let one = match source.as_bytes().get(at + 1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(&same @ (b'"' | b'\\')) => same,
            _ => {
                let (symbol, len) = escape::symbol(source.get(at..).unwrap_or_default());
                let mut buffer = [0; 4];
                for byte in symbol.encode_utf8(&mut buffer).bytes() {
                    self.push(byte);
                }
                return len;
            }
        };
        self.push(one);
        2
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
        }
        self.len += 1;
    }

    fn copy(&mut self, source: &[u8], span: Range<usize>) {
        for at in span.clone().step_by(PIECE) {
            let from = source.get(at..).and_then(<[u8]>::first_chunk::<PIECE>);
            let to = self.bytes.get_mut(self.len + at - span.start..);
            match (from, to.and_then(<[u8]>::first_chunk_mut)) {
                (Some(from), Some(to)) => *to = *from,
                _ => {
                    let rest = source.get(at..span.end).unwrap_or_default();
                    self.copy_exactly(self.len + at - span.start, rest);
                    break;
                }
            }
        }
        self.len += span.len();
    }

    /// At the end of the source.
    #[cold]
    fn copy_exactly(&mut self, at: usize, rest: &[u8]) {
        if let Some(to) = self.bytes.get_mut(at..at + rest.len()) {
            to.copy_from_slice(rest);
        }
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

    /// Where the string begins in the source.
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Source(source) | Self::Decoded { source, .. } => source.start,
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
