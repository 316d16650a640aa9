//! Streams of every format, written and read without masker.

use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How the events of a stream are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Framing {
    Sse,
    /// The same, of lines that end in CRLF, with comments, two lines of data, and escapes for
    /// all that is not ASCII, in surrogate pairs.
    OddSse,
    Array,
    /// Binary messages whose payload is the event, with its name in a header.
    Messages,
    /// Binary messages whose payload holds the event in base64.
    Chunks,
}

impl Framing {
    pub(crate) fn media(self) -> &'static str {
        match self {
            Self::Sse | Self::OddSse => "text/event-stream",
            Self::Array => "application/json",
            Self::Messages | Self::Chunks => "application/vnd.amazon.eventstream",
        }
    }

    /// Writes events; the name of one is its field `@`.
    pub(crate) fn write(self, events: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let mut event = event.clone();
            let name = event.as_object_mut().and_then(|event| event.remove("@"));
            let name = name.as_ref().and_then(Value::as_str).unwrap_or("chunk");
            match self {
                Self::Sse => out.extend(format!("data: {event}\n\n").into_bytes()),
                Self::OddSse => {
                    let text = ascii(&event.to_string());
                    let (head, tail) = text.split_at(1);
                    let event = format!(": c\r\n\r\nid: 1\r\ndata:{head}\r\ndata: {tail}\r\n\r\n");
                    out.extend(event.into_bytes());
                }
                Self::Array => {
                    out.extend(if index == 0 { "[".bytes() } else { "\r\n,\n".bytes() });
                    out.extend(event.to_string().into_bytes());
                }
                Self::Messages => out.extend(message(name, &event.to_string())),
                Self::Chunks => {
                    let bytes = STANDARD.encode(event.to_string());
                    out.extend(message("chunk", &json!({"bytes": bytes, "p": "abc"}).to_string()));
                }
            }
        }
        match self {
            Self::Sse | Self::OddSse => out.extend(b"data: [DONE]\n\n"),
            Self::Array => out.extend(b"]\n"),
            Self::Messages | Self::Chunks => {}
        }
        out
    }

    /// Reads events; a wrong length or checksum is a panic.
    pub(crate) fn read(self, mut bytes: &[u8]) -> Vec<Value> {
        match self {
            Self::Sse | Self::OddSse => {
                let text = std::str::from_utf8(bytes).unwrap().replace("\r\n", "\n");
                let data = |event: &str| -> Option<Value> {
                    let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
                    let data = lines.collect::<Vec<_>>().join("\n");
                    serde_json::from_str(&data).ok()
                };
                text.split("\n\n").filter_map(data).collect()
            }
            Self::Array => serde_json::from_slice(bytes).unwrap(),
            Self::Messages | Self::Chunks => {
                let mut events = Vec::new();
                while !bytes.is_empty() {
                    let message = read_message_from(&mut bytes).unwrap();
                    let event: Value = serde_json::from_slice(message.payload()).unwrap();
                    events.push(match (self, event["bytes"].as_str()) {
                        (Self::Chunks, Some(bytes)) => {
                            serde_json::from_slice(&STANDARD.decode(bytes).unwrap()).unwrap()
                        }
                        _ => event,
                    });
                }
                events
            }
        }
    }
}

/// JSON of ASCII alone.
fn ascii(json: &str) -> String {
    let mut out = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
            _ => out += &format!("\\u{unit:04x}"),
        }
    }
    out
}

pub(crate) fn message(name: &str, payload: &str) -> Vec<u8> {
    let exception = name.ends_with("Exception");
    let (key, kind) =
        if exception { (":exception-type", "exception") } else { (":event-type", "event") };
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_owned().into_bytes())
        .add_header(header(key, name))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", kind));
    let mut out = Vec::new();
    write_message_to(&message, &mut out).unwrap();
    out
}
