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
        let named = |event: &Value| {
            let mut event = event.clone();
            let name = event.as_object_mut().and_then(|event| event.remove("@"));
            let name = name.as_ref().and_then(Value::as_str).unwrap_or("chunk");
            (name.to_owned(), event.to_string())
        };
        self.frames(&events.iter().map(named).collect::<Vec<_>>()).concat()
    }

    /// Writes events, of which each has a name and data, and gives what cannot be cut without
    /// cutting an event.
    pub(crate) fn frames(self, events: &[(String, String)]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for (index, (name, data)) in events.iter().enumerate() {
            match self {
                Self::Sse => out.push(format!("data: {data}\n\n").into_bytes()),
                Self::OddSse => {
                    let text = ascii(data);
                    let (head, tail) = text.split_at(1);
                    out.push(b": c\r\n\r\n".to_vec());
                    let event = format!("id: 1\r\ndata:{head}\r\ndata: {tail}\r\n\r\n");
                    out.push(event.into_bytes());
                }
                Self::Array => {
                    let before = if index == 0 { "[" } else { "\r\n,\n" };
                    out.push(format!("{before}{data}").into_bytes());
                }
                Self::Messages => out.push(message(name, data)),
                Self::Chunks => {
                    let bytes = STANDARD.encode(data);
                    out.push(message("chunk", &json!({"bytes": bytes, "p": "abc"}).to_string()));
                }
            }
        }
        match self {
            Self::Sse | Self::OddSse => out.push(b"data: [DONE]\n\n".to_vec()),
            Self::Array => out.push(b"]\n".to_vec()),
            Self::Messages | Self::Chunks => {}
        }
        out
    }

    /// The data of each event.
    pub(crate) fn data(self, mut bytes: &[u8]) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match self {
            Self::Sse | Self::OddSse => {
                let data = |event: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
                    lines.collect::<Vec<_>>().join("\n")
                };
                let all = text(bytes).replace("\r\n", "\n");
                let all = all.split("\n\n").map(data).map(|data| data.trim().to_owned());
                all.filter(|data| !data.is_empty() && data != "[DONE]").collect()
            }
            Self::Array => {
                let all = text(bytes);
                let all = all.strip_prefix('[').unwrap_or_default();
                let all = all.strip_suffix("]\n").unwrap_or(all);
                let all = all.split("\r\n,\n").map(str::to_owned);
                all.filter(|data| !data.is_empty()).collect()
            }
            Self::Messages | Self::Chunks => {
                let mut events = Vec::new();
                while !bytes.is_empty() {
                    let message = read_message_from(&mut bytes).unwrap();
                    let data = text(message.payload());
                    let inner = (self == Self::Chunks).then(|| {
                        let event: Value = serde_json::from_str(&data).unwrap();
                        text(&STANDARD.decode(event["bytes"].as_str().unwrap()).unwrap())
                    });
                    events.push(inner.unwrap_or(data));
                }
                events
            }
        }
    }

    /// Reads events; a wrong length or checksum is a panic.
    pub(crate) fn read(self, bytes: &[u8]) -> Vec<Value> {
        self.data(bytes).iter().map(|data| serde_json::from_str(data).unwrap()).collect()
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
