//! Golden streams of events: what the provider sends, what the client gets.
//!
//! In `sse/NAME.sse`, `{{VALUE}}` stands for the value's placeholder, and
//! `{{VALUE|2..9}}` for a part of it: placeholders are split over events.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::driver::{answered, forwarded};
use crate::files::{dir, filled, inputs};
use crate::planted::compare;

/// The placeholder of a value.
pub(crate) fn mask_text(value: &str) -> String {
    filled(&format!("{{{{{value}}}}}")).0
}

/// The file, what the provider sends, and a request that holds the values.
pub(crate) fn streams() -> Vec<(PathBuf, String, String)> {
    let read = |path: PathBuf| {
        let (source, values) = filled(&fs::read_to_string(&path).unwrap());
        let values: Vec<_> = values.into_values().collect();
        (path, source, values.join("\n"))
    };
    let streams: Vec<_> = inputs(&dir().join("sse")).into_iter().map(read).collect();
    assert!(streams.len() >= 6, "the streams are found");
    streams
}

fn events(stream: &str) -> Vec<Value> {
    let data = |line: &str| {
        line.strip_prefix("data:").map(|data| serde_json::from_str(data).unwrap_or(Value::Null))
    };
    stream.lines().filter_map(data).collect()
}

/// The text of each channel: block, and kind of delta.
pub(crate) fn texts(stream: &str) -> BTreeMap<(u64, String), String> {
    let mut texts = BTreeMap::new();
    for event in events(stream) {
        let index = event["index"].as_u64().unwrap_or_default();
        for field in ["text", "partial_json", "thinking", "signature"] {
            if let Some(text) = event["delta"][field].as_str() {
                let all: &mut String = texts.entry((index, field.to_owned())).or_default();
                all.push_str(text);
            }
        }
    }
    texts
}

#[test]
fn the_client_gets_what_is_stored() {
    for (path, source, request) in streams() {
        let client = answered(&mut forwarded(&request), "text/event-stream", &[source.as_bytes()]);
        compare(&path.with_extension("client.sse"), std::str::from_utf8(&client).unwrap());
    }
}

#[test]
fn all_text_is_restored_and_all_state_stays() {
    for (path, source, request) in streams() {
        let name = path.display();
        let (_, values) = filled(&fs::read_to_string(&path).unwrap());
        let client = answered(&mut forwarded(&request), "text/event-stream", &[source.as_bytes()]);
        let client = String::from_utf8(client).unwrap();
        let mut expected = texts(&source);
        for ((_, kind), text) in &mut expected {
            if kind == "text" || kind == "partial_json" {
                for (placeholder, value) in &values {
                    *text = text.replace(placeholder, value);
                }
            }
        }
        assert_eq!(texts(&client), expected, "{name}");
        assert_eq!(
            events(&client).len(),
            events(&source).len(),
            "{name}: events are neither added nor removed"
        );
        // Pings overtake what is held; all else keeps its place.
        let lines = |text: &str| {
            let line = |line: &&str| {
                !line.starts_with("data:") && !line.is_empty() && *line != "event: ping"
            };
            text.lines().filter(line).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&client), lines(&source), "{name}: other lines stay");
    }
}

#[test]
fn unknown_placeholders_stay() {
    for (path, source, _) in streams() {
        // A request that holds another value.
        let mut exchange = forwarded("i-0fffffffffffffff0");
        let client = answered(&mut exchange, "text/event-stream", &[source.as_bytes()]);
        let client = String::from_utf8(client).unwrap();
        assert_eq!(texts(&client), texts(&source), "{}", path.display());
        assert_eq!(exchange.tally.counts.restored, 0);
        assert_eq!(client.len(), source.len(), "text moves, and nothing else");
    }
}
