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
    /// Where the first line begins that is not read: everything before holds no end of an
    /// event.
    read: usize,
    /// Up to here there is no end of that line.
    seen: usize,
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

    /// The bytes that wait: the next event, and what follows.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Has nobody looked for the end of the next event yet?
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.seen == 0 && self.whole == 0
    }

    /// Is the next event whole?
    pub fn is_whole(&mut self) -> Result<bool, TooLong> {
        if self.whole == 0 {
            while let Some((blank, next)) = self.line() {
                (self.read, self.seen) = (next, next);
                if blank {
                    self.whole = next;
                    break;
                }
            }
        }
        match self.whole {
            0 if self.buffer.len() > self.limit => Err(TooLong(self.limit)),
            0 => Ok(false),
            _ => Ok(true),
        }
    }

    /// The next whole event.
    pub fn event(&mut self) -> Result<Option<Event>, TooLong> {
        Ok(self.is_whole()?.then(|| Event::new(self.take(self.whole))))
    }

    /// Takes bytes that are known to end an event.
    pub fn take(&mut self, len: usize) -> Bytes {
        self.forget();
        self.buffer.split_to(len.min(self.buffer.len())).freeze()
    }

    /// Drops bytes that are known to end an event.
    pub fn skip(&mut self, len: usize) {
        self.forget();
        self.buffer.advance(len.min(self.buffer.len()));
    }

    fn forget(&mut self) {
        (self.read, self.seen, self.whole) = (0, 0, 0);
    }

    /// What is left at the end of the stream: an event that was cut off.
    #[must_use]
    pub fn rest(&mut self) -> Option<Event> {
        let raw = self.take(self.buffer.len());
        (!raw.is_empty()).then(|| Event::new(raw))
    }

    /// Is the line at `read` blank, and where does the next begin? `None`: it has no end yet.
    fn line(&mut self) -> Option<(bool, usize)> {
        let rest = self.buffer.get(self.seen..)?;
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            self.seen = self.buffer.len();
            return None;
        };
        let len = match (rest.get(end), rest.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => end + 2,
            // A line feed may follow.
            (Some(b'\r'), None) => {
                self.seen += end;
                return None;
            }
            _ => end + 1,
        };
        Some((self.seen + end == self.read, self.seen + len))
    }
}

/// One event, with its fields found.
pub struct Event {
    raw: Bytes,
    /// The first line of `data`.
    first: Option<Line>,
    /// The others.
    more: Vec<Line>,
}

/// A line of `data`: where it stands, and where its value does.
struct Line {
    whole: Range<usize>,
    value: Range<usize>,
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
        let (mut first, mut more) = (None, Vec::new());
        let mut at = 0;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            if let Some(value) = line.strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                let line = Line { whole: at..at + end, value: at + end - value.len()..at + end };
                match first {
                    None => first = Some(line),
                    Some(_) => more.push(line),
                }
            }
            at += end + 1;
        }
        Self { raw, first, more }
    }

    /// An event that is known to have one line of data, from `data` to the blank line.
    #[must_use]
    pub(crate) fn single(raw: Bytes, data: usize) -> Self {
        let end = raw.len().saturating_sub(2);
        let line = Line { whole: data..end, value: data..end };
        Self { raw, first: Some(line), more: Vec::new() }
    }

    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Where the data stands, if it is one line.
    #[must_use]
    pub(crate) fn line(&self) -> Option<Range<usize>> {
        self.first.as_ref().filter(|_| self.more.is_empty()).map(|line| line.value.clone())
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.first.iter().chain(&self.more)
    }

    /// The data, its lines joined. `None`: there is none, or it is not UTF-8.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, str>> {
        let value = |line: &Line| std::str::from_utf8(self.raw.get(line.value.clone())?).ok();
        let first = self.first.as_ref()?;
        if self.more.is_empty() {
            return value(first).map(Cow::Borrowed);
        }
        let lines: Option<Vec<_>> = self.lines().map(value).collect();
        Some(Cow::Owned(lines?.join("\n")))
    }

    /// The event with other data; its other lines stay.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        let mut at = 0;
        for (index, line) in self.lines().enumerate() {
            // Everything before this line's value, or before the line when it goes.
            let upto = if index == 0 { line.value.start } else { line.whole.start };
            out.extend_from_slice(self.raw.get(at..upto).unwrap_or_default());
            at = line.whole.end;
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
