//! A JSON array that comes piece by piece, as Gemini streams it: each item by itself.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::body::frame::FrameError;

/// Cuts an array into its items, each with what stands before it. A document that is no
/// array is one item.
#[derive(Default)]
pub struct Framer {
    buffer: BytesMut,
    limit: usize,
    /// Up to here it is read.
    seen: usize,
    state: State,
    /// Where the item begins.
    start: usize,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Before the document.
    #[default]
    Before,
    /// Before an item, or the end of the array.
    Between,
    Item {
        depth: usize,
        string: bool,
        escaped: bool,
        /// Of an array.
        listed: bool,
    },
    After,
}

/// One item, and the brackets and commas before it.
pub struct Item {
    raw: Bytes,
    at: Range<usize>,
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framer({} bytes)", self.buffer.len())
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({} bytes)", self.raw.len())
    }
}

impl Framer {
    /// No item may be longer than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole item.
    pub fn item(&mut self) -> Result<Option<Item>, FrameError> {
        while let Some(&byte) = self.buffer.get(self.seen) {
            self.seen += 1;
            let before = self.state;
            self.state = self.step(byte);
            if let (State::Item { .. }, State::Between | State::After) = (before, self.state) {
                // The end of a number or word is not part of it.
                let end = if is_close(byte) || byte == b'"' { self.seen } else { self.seen - 1 };
                let raw = self.buffer.split_to(end).freeze();
                self.seen -= end;
                return Ok(Some(Item { at: self.start..raw.len(), raw }));
            }
        }
        if self.buffer.len() > self.limit {
            return Err(FrameError::TooLong(self.limit));
        }
        Ok(None)
    }

    fn step(&mut self, byte: u8) -> State {
        match self.state {
            State::Before | State::Between if byte.is_ascii_whitespace() => self.state,
            State::Before if byte == b'[' => State::Between,
            State::Between if byte == b',' => State::Between,
            State::Between if byte == b']' => State::After,
            State::Before | State::Between => {
                self.start = self.seen - 1;
                let listed = matches!(self.state, State::Between);
                let depth = usize::from(matches!(byte, b'{' | b'['));
                State::Item { depth, string: byte == b'"', escaped: false, listed }
            }
            State::Item { depth, string, escaped, listed } => {
                let over = if listed { State::Between } else { State::After };
                let item = |depth, string, escaped| State::Item { depth, string, escaped, listed };
                match byte {
                    _ if escaped => item(depth, string, false),
                    b'\\' if string => item(depth, string, true),
                    b'"' if string && depth == 0 => over,
                    b'"' => item(depth, !string, false),
                    _ if string => self.state,
                    b'{' | b'[' => item(depth + 1, false, false),
                    b'}' | b']' if depth == 1 => over,
                    // A number or word at the end of the array.
                    b']' if depth == 0 => State::After,
                    b'}' | b']' => item(depth.saturating_sub(1), false, false),
                    b',' if depth == 0 => over,
                    _ => self.state,
                }
            }
            State::After => State::After,
        }
    }

    /// What is left: the end of the array, or an item that was cut off.
    #[must_use]
    pub fn rest(&mut self) -> Bytes {
        self.seen = 0;
        self.buffer.split().freeze()
    }
}

fn is_close(byte: u8) -> bool {
    matches!(byte, b'}' | b']')
}

impl Item {
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, str>> {
        let data = self.raw.get(self.at.clone())?;
        std::str::from_utf8(data).ok().map(Cow::Borrowed)
    }

    /// The item with other data; what stands before it stays.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Vec<u8> {
        let before = self.raw.get(..self.at.start).unwrap_or_default();
        [before, data.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(chunks: &[&[u8]]) -> (Vec<String>, String) {
        let mut framer = Framer::new(100);
        let mut found = Vec::new();
        for chunk in chunks {
            framer.push(chunk);
            while let Some(item) = framer.item().unwrap() {
                assert!(item.raw().ends_with(item.data().unwrap().as_bytes()));
                found.push(item.data().unwrap().into_owned());
            }
        }
        (found, String::from_utf8(framer.rest().to_vec()).unwrap())
    }

    #[test]
    fn any_split_gives_the_same_items() {
        for (document, expected, rest) in [
            (
                "[{\"a\":\"}\\\"]\"}\n,\r\n{\"b\":[1,{}]}]\n",
                vec!["{\"a\":\"}\\\"]\"}", "{\"b\":[1,{}]}"],
                "]\n",
            ),
            ("[]", vec![], "[]"),
            (" {\"error\":{}} ", vec!["{\"error\":{}}"], " "),
            ("[{}, {\"a\":", vec!["{}"], ", {\"a\":"),
            ("[\"a,]\", [1]]", vec!["\"a,]\"", "[1]"], "]"),
            ("[{}] [{}]", vec!["{}"], "] [{}]"),
        ] {
            let whole = items(&[document.as_bytes()]);
            assert_eq!(whole.0, expected, "{document}");
            assert_eq!(whole.1, rest, "{document}");
            for at in 0..document.len() {
                let (a, b) = document.as_bytes().split_at(at);
                assert_eq!(items(&[a, b]), whole, "{document} {at}");
            }
        }
    }

    #[test]
    fn an_item_without_end_is_refused() {
        let mut framer = Framer::new(10);
        framer.push(b"[{\"a\":\"0123456789");
        assert_eq!(framer.item().unwrap_err(), FrameError::TooLong(10));
    }
}
