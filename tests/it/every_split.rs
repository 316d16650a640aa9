//! Golden streams of all formats, cut and cut off at every byte.
//!
//! The first line of `streams/NAME.events` is the path and the framings; each other is an
//! event, with its name before it where the framing has names. `NAME.client.events` is what
//! the client gets. Marks are those of `golden_streams`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::driver::Answers;
use crate::files::{dir, filled, inputs};
use crate::planted::compare;
use crate::wire::Framing;

struct Golden {
    name: String,
    path: PathBuf,
    framing: Framing,
    answers: Answers,
    events: Vec<(String, String)>,
    values: BTreeMap<String, String>,
}

/// A stream, in each of its framings.
fn goldens(wanted: &str) -> Vec<Golden> {
    let path = dir().join("streams").join(wanted).with_extension("events");
    let (source, values) = filled(&fs::read_to_string(&path).unwrap());
    let (head, events) = source.split_once('\n').unwrap();
    let (endpoint, framings) = head.split_once(' ').unwrap();
    let request = values.values().cloned().collect::<Vec<_>>().join("\n");
    let event = |line: &str| {
        let (name, data) = line.split_at(line.find('{').unwrap());
        let name = if name.is_empty() { "chunk" } else { name.trim() };
        (name.to_owned(), data.to_owned())
    };
    let events: Vec<_> = events.lines().map(event).collect();
    let framed = |framing: Framing| Golden {
        name: format!("{wanted} {framing:?}"),
        path: path.clone(),
        framing,
        answers: Answers::new(endpoint, framing.media(), &request),
        events: events.clone(),
        values: values.clone(),
    };
    framings.split(' ').map(framing).map(framed).collect()
}

fn framing(name: &str) -> Framing {
    match name {
        "sse" => Framing::Sse,
        "odd" => Framing::OddSse,
        "array" => Framing::Array,
        "messages" => Framing::Messages,
        "chunks" => Framing::Chunks,
        other => panic!("{other}"),
    }
}

/// An event, whatever of it is escaped. Half a surrogate pair is no text.
fn event(data: &str) -> Value {
    let data = data.replace("\\ud83d", "<high>").replace("\\ude00", "<low>");
    serde_json::from_str(&data.replace('😀', "<high><low>")).unwrap()
}

/// The texts of the same place in events that follow each other, put together.
fn texts(events: &[String]) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for data in events {
        let event = event(data);
        walk(&event, &kind(&event), &mut texts);
    }
    texts
}

/// What tells texts in the same place apart.
fn kind(object: &Value) -> String {
    let Some(object) = object.as_object() else { return String::new() };
    let tells = |key: &str| {
        matches!(key, "type" | "jsonPath")
            || (key.ends_with("ndex") && !key.starts_with("start") && !key.starts_with("end"))
    };
    let own = object.iter().filter(|(key, value)| tells(key) && !value.is_object());
    own.map(|(key, value)| format!("/{key}={value}")).collect()
}

fn walk(value: &Value, place: &str, texts: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) => *texts.entry(place.to_owned()).or_default() += text,
        Value::Array(items) => {
            items.iter().for_each(|item| walk(item, &format!("{place}{}", kind(item)), texts));
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let key =
                    if value.is_object() { format!("{key}{}", kind(value)) } else { key.clone() };
                walk(value, &format!("{place}/{key}"), texts);
            }
        }
        _ => {}
    }
}

impl Golden {
    fn frames(&self) -> Vec<Vec<u8>> {
        self.framing.frames(&self.events)
    }

    /// Events with placeholders in the place of values.
    fn masked(&self, events: &[String]) -> Vec<String> {
        let mask = |event: &String| {
            let values = self.values.iter();
            values.fold(event.clone(), |event, (masked, value)| event.replace(value, masked))
        };
        events.iter().map(mask).collect()
    }
}

fn any_cut_gives_the_same(wanted: &str) {
    for golden in goldens(wanted) {
        let stream = golden.frames().concat();
        let whole = golden.answers.restored(&[&stream]);
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            assert!(golden.answers.restored(&[head, tail]) == whole, "{} {at}", golden.name);
        }
        for size in [1, 2, 3, 7, 64] {
            let pieces: Vec<_> = stream.chunks(size).collect();
            assert!(golden.answers.restored(&pieces) == whole, "{} by {size}", golden.name);
        }
    }
}

/// What came whole is restored as far as it came, and the rest passes as it is.
fn any_end_loses_nothing(wanted: &str) {
    for golden in goldens(wanted) {
        let (mut whole, mut restored) = (Vec::new(), Vec::new());
        for (index, frame) in golden.frames().iter().enumerate() {
            for at in 0..frame.len() {
                let rest = &frame[..at];
                let client = golden.answers.restored(&[&whole, rest]);
                let expected = [&restored, rest].concat();
                assert!(client == expected, "{} event {index}, byte {at}", golden.name);
            }
            whole.extend(frame);
            restored = golden.answers.restored(&[&whole]);
            let (data, client) = (golden.framing.data(&whole), golden.framing.data(&restored));
            assert_eq!(client.len(), data.len(), "{} {index}", golden.name);
            assert_eq!(texts(&golden.masked(&client)), texts(&data), "{} {index}", golden.name);
        }
    }
}

macro_rules! streams {
    ($($name:ident)*) => {
        const NAMED: &[&str] = &[$(stringify!($name)),*];
        $(
        mod $name {
            #[test]
            fn any_cut_gives_the_same() {
                super::any_cut_gives_the_same(stringify!($name));
            }

            #[test]
            fn any_end_loses_nothing() {
                super::any_end_loses_nothing(stringify!($name));
            }
        }
        )*
    };
}

streams! {
    chat_texts chat_calls chat_error completions
    responses_texts responses_reasoning responses_calls responses_failed
    gemini_texts gemini_calls gemini_error
    converse_texts converse_calls converse_exception
    invoke_texts invoke_calls invoke_nova
}

#[test]
fn every_stream_is_tried() {
    let mut named = NAMED.to_vec();
    named.sort_unstable();
    let files = inputs(&dir().join("streams"));
    let files: Vec<_> =
        files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(files, named);
}

#[test]
fn the_client_gets_what_is_stored() {
    for golden in NAMED.iter().flat_map(|name| goldens(name)) {
        let client = golden.answers.restored(&[&golden.frames().concat()]);
        let client = golden.framing.data(&client);
        let stored = golden.path.with_extension("client.events");
        // Written otherwise, it says the same.
        if matches!(golden.framing, Framing::OddSse | Framing::Array) {
            let stored = fs::read_to_string(stored).unwrap();
            let events: Vec<_> = client.iter().map(|data| event(data)).collect();
            assert_eq!(events, stored.lines().map(event).collect::<Vec<_>>(), "{}", golden.name);
        } else {
            compare(&stored, &(client.join("\n") + "\n"));
        }
        assert_eq!(client.len(), golden.events.len(), "{}", golden.name);
    }
}
