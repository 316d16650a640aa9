//! The event stream of AWS (`application/vnd.amazon.eventstream`): binary messages with
//! headers, a payload and two checksums. The framing is that of AWS's own crate.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
use aws_smithy_types::event_stream::Message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use crate::body::frame::FrameError;
use crate::body::json::Tape;

/// Total length, length of the headers, checksum of both.
const PRELUDE: usize = 12;
/// The prelude and the checksum of the whole.
const SHORTEST: usize = PRELUDE + 4;
/// Levels of the object around a model's own event.
const DEPTH: usize = 8;

/// Cuts a byte stream into messages.
#[derive(Default)]
pub struct Framer {
    buffer: BytesMut,
    limit: usize,
}

/// One message, as it came and as it was read.
pub struct Frame {
    raw: Bytes,
    message: Option<Message>,
    /// The JSON that the message is about.
    data: Option<String>,
    /// Where in the payload that stands in base64.
    wrapped: Option<Range<usize>>,
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framer({} bytes)", self.buffer.len())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.raw.len())
    }
}

impl Framer {
    /// No message may be longer than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message. One that is damaged stays where it is.
    pub fn frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((length, _)) = self.buffer.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length < SHORTEST {
            return Err(FrameError::Damaged);
        }
        if length > self.limit {
            return Err(FrameError::TooLong(self.limit));
        }
        let Some(raw) = self.buffer.get(..length) else { return Ok(None) };
        let message = read_message_from(raw).map_err(|_| FrameError::Damaged)?;
        Ok(Some(Frame::new(self.buffer.split_to(length).freeze(), message)))
    }

    /// What is left: of a message that was cut off, or is damaged.
    #[must_use]
    pub fn rest(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}

impl Frame {
    fn new(raw: Bytes, message: Message) -> Self {
        let payload = std::str::from_utf8(message.payload()).ok();
        let unwrapped = payload.and_then(|payload| unwrap(payload, message.headers().len()));
        let (data, wrapped) = match unwrapped {
            Some((data, span)) => (Some(data), Some(span)),
            None => (payload.map(str::to_owned), None),
        };
        Self { raw, message: Some(message), data, wrapped }
    }

    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The kind of the event, or of the exception.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let headers = self.message.as_ref()?.headers();
        let names = [":event-type", ":exception-type", ":error-code"];
        let named = |name| headers.iter().find(|header| header.name().as_str() == name);
        let header = names.into_iter().find_map(named)?;
        header.value().as_string().ok().map(|value| value.as_str())
    }

    /// The JSON of the event: the payload, or what stands in base64 in its `bytes`.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, str>> {
        self.data.as_deref().map(Cow::Borrowed)
    }

    /// The message with other data: lengths and checksums are made anew.
    #[must_use]
    pub fn with_data(&self, data: &str) -> Vec<u8> {
        let written = self.message.as_ref().and_then(|message| {
            let payload = match &self.wrapped {
                Some(span) => {
                    let before = message.payload().get(..span.start)?;
                    let after = message.payload().get(span.end..)?;
                    [before, STANDARD.encode(data).as_bytes(), after].concat()
                }
                None => data.as_bytes().to_vec(),
            };
            let message = Message::new_from_parts(message.headers().to_vec(), payload);
            let mut out = Vec::with_capacity(self.raw.len() + data.len());
            write_message_to(&message, &mut out).ok()?;
            Some(out)
        });
        // It was read, so it can be written; if not, the placeholders stay.
        written.unwrap_or_else(|| self.raw.to_vec())
    }
}

/// The event of a model in a `chunk`: `{"bytes":"…","p":"…"}`.
fn unwrap(payload: &str, headers: usize) -> Option<(String, Range<usize>)> {
    if headers == 0 || !payload.contains("\"bytes\"") {
        return None;
    }
    let tape = Tape::parse(payload, DEPTH).ok()?;
    let bytes = tape.field(tape.root(), "bytes")?;
    let decoded = STANDARD.decode(tape.raw(bytes)).ok()?;
    Some((String::from_utf8(decoded).ok()?, tape.span(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::event_stream::{Header, HeaderValue};

    fn message(name: &str, payload: &str) -> Vec<u8> {
        let text = |text: &str| HeaderValue::String(text.to_owned().into());
        let message = Message::new(Bytes::from(payload.to_owned()))
            .add_header(Header::new(":event-type", text(name)))
            .add_header(Header::new(":content-type", text("application/json")))
            .add_header(Header::new(":message-type", text("event")))
            .add_header(Header::new("flag", HeaderValue::Bool(true)));
        let mut out = Vec::new();
        write_message_to(&message, &mut out).unwrap();
        out
    }

    fn frames(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Option<FrameError>, Bytes) {
        let mut framer = Framer::new(1 << 16);
        let mut found = Vec::new();
        for chunk in chunks {
            framer.push(chunk);
            loop {
                match framer.frame() {
                    Ok(Some(frame)) => found.push(frame.raw().to_vec()),
                    Ok(None) => break,
                    Err(error) => return (found, Some(error), framer.rest()),
                }
            }
        }
        (found, None, framer.rest())
    }

    #[test]
    fn any_split_gives_the_same_messages() {
        let stream =
            [message("chunk", "{}"), message("x", "{\"a\":1}"), b"\0\0\0".to_vec()].concat();
        let whole = frames(&[&stream]);
        assert_eq!((whole.0.len(), whole.2.len()), (2, 3));
        for at in 0..stream.len() {
            let (a, b) = stream.split_at(at);
            assert_eq!(frames(&[a, b]), whole, "{at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(frames(&bytes), whole);
    }

    #[test]
    fn damage_is_found_and_nothing_is_lost() {
        let good = message("chunk", "{\"bytes\":\"e30=\"}");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let (found, error, rest) = frames(&[&good, &bad]);
            assert_eq!(found, std::slice::from_ref(&good), "{at}");
            // A length that grew waits for the rest of its message.
            assert!(error.is_some() || at < 4, "{at}");
            assert_eq!(rest, bad, "{at}");
        }
    }

    #[test]
    fn data_is_read_and_replaced() {
        let mut framer = Framer::new(1 << 16);
        framer.push(&message("chunk", "{\"bytes\":\"e30=\",\"p\":\"abc\"}"));
        framer.push(&message("metadata", "{\"a\":1}"));
        let frame = framer.frame().unwrap().unwrap();
        assert_eq!((frame.name(), frame.data().as_deref()), (Some("chunk"), Some("{}")));
        let again = message("chunk", "{\"bytes\":\"W10=\",\"p\":\"abc\"}");
        assert_eq!(frame.with_data("[]"), again);
        let frame = framer.frame().unwrap().unwrap();
        assert_eq!(frame.with_data("{\"a\":2}"), message("metadata", "{\"a\":2}"));
    }
}
