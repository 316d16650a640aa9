//! Server-sent events: framing by the WHATWG specification, section 9.2.
//!
//! An event is the bytes up to and with its blank line, kept as they came.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr2;
use thiserror::Error;

/// Cuts a byte stream into events.
#[derive(Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Everything before is read already: it holds no end of an event.
    read: usize,
    /// The length of the next event; 0, if it is not known to be whole.
    whole: usize,
    /// The longest event that is waited for.
    limit: usize,
}

#[derive(Debug, Error, PartialEq, Eq)]
#[error("an event is longer than {0} bytes")]
pub struct TooLong(pub usize);

impl Framer {
    /// No event may be longer than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The bytes of the next whole event, which stays.
    pub fn peek(&mut self) -> Result<Option<&[u8]>, TooLong> {
        if self.whole == 0 {
            while let Some((blank, next)) = self.line() {
                self.read = next;
                if blank {
                    self.whole = next;
                    break;
                }
            }
        }
        match self.whole {
            0 if self.buffer.len() > self.limit => Err(TooLong(self.limit)),
            0 => Ok(None),
            whole => Ok(self.buffer.get(..whole)),
        }
    }

    /// The next whole event.
    pub fn event(&mut self) -> Result<Option<Event>, TooLong> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let raw = self.buffer.split_to(self.whole).freeze();
        (self.read, self.whole) = (0, 0);
        Ok(Some(Event::new(raw)))
    }

    /// Drops the event that was peeked at.
    pub fn skip(&mut self) {
        self.buffer.advance(self.whole);
        (self.read, self.whole) = (0, 0);
    }

    /// What is left at the end of the stream: an event that was cut off.
    #[must_use]
    pub fn rest(&mut self) -> Option<Event> {
        (self.read, self.whole) = (0, 0);
        let raw = self.buffer.split().freeze();
        (!raw.is_empty()).then(|| Event::new(raw))
    }

    /// Is the line at `read` blank, and where does the next begin? `None`: it has no end yet.
    fn line(&self) -> Option<(bool, usize)> {
        let rest = self.buffer.get(self.read..)?;
        let end = memchr2(b'\n', b'\r', rest)?;
        let len = match (rest.get(end), rest.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => end + 2,
            // A line feed may follow.
            (Some(b'\r'), None) => return None,
            _ => end + 1,
        };
        Some((end == 0, self.read + len))
    }
}

/// One event, with its fields found.
pub struct Event {
    raw: Bytes,
    /// Lines of `data`: the line, and its value.
    data: Vec<(Range<usize>, Range<usize>)>,
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framer({} bytes)", self.buffer.len())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({} bytes)", self.raw.len())
    }
}

impl Event {
    fn new(raw: Bytes) -> Self {
        let mut data = Vec::new();
        let mut at = 0;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            if let Some(value) = line.strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                data.push((at..at + end, at + end - value.len()..at + end));
            }
            at += end + 1;
        }
        Self { raw, data }
    }

    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The data, its lines joined. `None`: there is none, or it is not UTF-8.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, str>> {
        let line = |span: &Range<usize>| std::str::from_utf8(self.raw.get(span.clone())?).ok();
        match self.data.as_slice() {
            [] => None,
            [(_, only)] => line(only).map(Cow::Borrowed),
            lines => {
                let lines: Option<Vec<_>> = lines.iter().map(|(_, value)| line(value)).collect();
                Some(Cow::Owned(lines?.join("\n")))
            }
        }
    }

    /// The event with other data; its other lines stay.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        let mut at = 0;
        for (index, (line, value)) in self.data.iter().enumerate() {
            // Everything before this line's value, or before the line when it goes.
            let upto = if index == 0 { value.start } else { line.start };
            out.extend_from_slice(self.raw.get(at..upto).unwrap_or_default());
            at = line.end;
            if index == 0 {
                out.extend_from_slice(data.replace('\n', "\ndata: ").as_bytes());
            } else {
                at += self.raw.get(at..).map_or(0, line_end_len);
            }
        }
        out.extend_from_slice(self.raw.get(at..).unwrap_or_default());
        out
    }
}

fn line_end_len(rest: &[u8]) -> usize {
    match rest {
        [b'\r', b'\n', ..] => 2,
        [_, ..] => 1,
        [] => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::new(1000);
        let mut found = Vec::new();
        for chunk in chunks {
            framer.push(chunk);
            while let Some(event) = framer.event().unwrap() {
                found.push(String::from_utf8(event.raw().to_vec()).unwrap());
            }
        }
        found.extend(framer.rest().map(|event| String::from_utf8(event.raw.to_vec()).unwrap()));
        found
    }

    #[test]
    fn any_split_gives_the_same_events() {
        let stream = "event: a\ndata: 1\n\n: comment\r\n\r\ndata:2\rdata: 3\r\rdata: cut";
        let whole = events(&[stream.as_bytes()]);
        assert_eq!(whole.len(), 4, "{whole:?}");
        assert_eq!(whole.concat(), stream);
        for at in 0..stream.len() {
            let (a, b) = stream.as_bytes().split_at(at);
            assert_eq!(events(&[a, b]), whole, "{at}");
        }
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(events(&bytes), whole);
    }

    #[test]
    fn data_is_read_and_replaced() {
        let event = Event::new(Bytes::from_static(
            b"event: x\r\ndata: {\"a\":\r\nid: 7\r\ndata: 1}\r\n\r\n",
        ));
        assert_eq!(event.data().unwrap(), "{\"a\":\n1}");
        let with = String::from_utf8(event.with_data("new")).unwrap();
        assert_eq!(with, "event: x\r\ndata: new\r\nid: 7\r\n\r\n");
        assert_eq!(Event::new(Bytes::from_static(b": ping\n\n")).data(), None);
        assert_eq!(Event::new(Bytes::from_static(b"data:x\n\n")).with_data("y"), b"data:y\n\n");
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut framer = Framer::new(10);
        framer.push(b"data: 0123456789");
        assert_eq!(framer.event().unwrap_err(), TooLong(10));
    }
}
