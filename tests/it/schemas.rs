//! Every string that the vendors' SDKs know, and what masker does with it: the table that
//! `scripts/schemas.py` keeps. A field without a decision fails.

use std::fs;

use masker::body::json::Tape;
use masker::body::select::{self, Format, Guarded, Leaf, Opaque, Piece, Place};
use serde_json::Value;

use crate::files::dir;
use crate::setup::DEPTH;

/// The formats of the table, and whether it is an event's.
const FORMATS: &[(&str, Format, bool)] = &[
    ("messages-request", Format::Messages, false),
    ("messages-answer", Format::Messages, false),
    ("messages-event", Format::Event, true),
    ("chat-request", Format::Chat, false),
    ("chat-answer", Format::Chat, false),
    ("chat-event", Format::Chat, true),
    ("completions-answer", Format::Chat, false),
    ("responses-request", Format::Responses, false),
    ("responses-answer", Format::Responses, false),
    ("responses-event", Format::ResponsesEvent, true),
    ("gemini-request", Format::Gemini, false),
    ("gemini-answer", Format::Gemini, false),
    ("gemini-event", Format::Gemini, true),
    ("converse-request", Format::Converse, false),
    ("converse-answer", Format::Converse, false),
    ("converse-event", Format::ConverseEvent, true),
];

/// What is done with the string `@` of a document.
fn decision(table: &str, sample: &str) -> &'static str {
    let (_, format, event) = FORMATS.iter().find(|(name, ..)| *name == table).unwrap();
    let mut sample: Value = serde_json::from_str(sample).unwrap();
    let name = sample.as_object_mut().unwrap().remove("@name");
    let sample = sample.to_string();
    let tape = Tape::parse(&sample, DEPTH).unwrap();
    let marked = |leaf: &Leaf| tape.raw(leaf.node) == "@";
    if !event {
        let units = select::units(&tape, *format);
        let leaf = units.iter().flatten().find(|leaf| marked(leaf));
        return word(leaf.map(|leaf| leaf.place), table.ends_with("request"));
    }
    let pieces = select::pieces(&tape, *format, name.as_ref().and_then(Value::as_str));
    let places = pieces.iter().filter_map(|piece| match piece {
        Piece::Leaf(leaf) | Piece::Delta { leaf, .. } => Some(*leaf),
        Piece::End(_) | Piece::Unknown => None,
    });
    match places.into_iter().find(marked).map(|leaf| leaf.place) {
        Some(Place::Delta) => "restore, goes on",
        Some(Place::DeltaJson) => "restore as JSON, goes on",
        place => word(place, false),
    }
}

/// Has the document a block of a type that is not known?
fn is_unknown(table: &str, sample: &str) -> bool {
    let (_, format, event) = FORMATS.iter().find(|(name, ..)| *name == table).unwrap();
    let mut sample: Value = serde_json::from_str(sample).unwrap();
    let name = sample.as_object_mut().unwrap().remove("@name");
    let sample = sample.to_string();
    let tape = Tape::parse(&sample, DEPTH).unwrap();
    if !event {
        return select::units(&tape, *format).unknown() > 0;
    }
    let pieces = select::pieces(&tape, *format, name.as_ref().and_then(Value::as_str));
    pieces.iter().any(|piece| matches!(piece, Piece::Unknown))
}

#[test]
fn every_block_of_the_sdks_is_known_and_others_are_not() {
    let table = fs::read_to_string(dir().join("schemas.tsv")).unwrap();
    for line in table.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let &[name, field, _, sample] = cells.as_slice() else { panic!("{line}") };
        assert!(!is_unknown(name, sample), "{name} {field}: {sample}");
    }
    for (name, sample) in [
        (
            "messages-request",
            r#"{"messages":[{"role":"user","content":[{"type":"new","a":"@"}]}]}"#,
        ),
        ("messages-answer", r#"{"type":"message","content":[{"type":"new"}]}"#),
        (
            "messages-event",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"new"}}"#,
        ),
        ("chat-request", r#"{"messages":[{"role":"user","content":[{"type":"new"}]}]}"#),
        ("responses-request", r#"{"input":[{"type":"new"}]}"#),
        (
            "responses-answer",
            r#"{"object":"response","output":[{"type":"message","content":[{"type":"new"}]}]}"#,
        ),
        ("gemini-request", r#"{"contents":[{"parts":[{"new":{}}]}]}"#),
        ("converse-request", r#"{"messages":[{"role":"user","content":[{"new":{}}]}]}"#),
    ] {
        assert!(is_unknown(name, sample), "{name} {sample}");
    }
}

fn word(place: Option<Place>, request: bool) -> &'static str {
    match place.expect("every string is a leaf") {
        Place::Text | Place::Key | Place::Number | Place::Delta if request => "mask",
        Place::Text | Place::Key | Place::Number | Place::Delta => "restore",
        Place::Source | Place::DeltaJson if request => "mask as JSON",
        Place::Source | Place::DeltaJson => "restore as JSON",
        Place::Base64 if request => "mask in base64",
        Place::Base64 => "keep, base64",
        Place::State | Place::Thought => "keep, state",
        Place::Guarded(Guarded::Url) if request => "refuse, URL",
        Place::Guarded(Guarded::Url) => "keep, URL",
        Place::Guarded(Guarded::Credential) => "keep, credential",
        Place::Guarded(Guarded::Metadata) => "keep, metadata",
        Place::Guarded(Guarded::Name) => "keep, name",
        Place::Guarded(Guarded::Id) => "keep, id",
        Place::Opaque(Opaque::Image) => "keep, image",
        Place::Opaque(Opaque::Audio) => "keep, sound",
        Place::Opaque(Opaque::Video) => "keep, video",
        Place::Opaque(Opaque::Document) => "keep, document",
        Place::Opaque(Opaque::File) => "keep, file",
    }
}

#[test]
fn every_field_of_the_sdks_is_decided() {
    let path = dir().join("schemas.tsv");
    let table = fs::read_to_string(&path).unwrap();
    let bless = std::env::var_os("MASKER_BLESS").is_some();
    let mut written = String::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let &[name, field, decided, sample] = cells.as_slice() else { panic!("{line}") };
        let found = decision(name, sample);
        assert!(bless || decided == found, "{name} {field}: {decided}, but masker does: {found}");
        written += &format!("{name}\t{field}\t{found}\t{sample}\n");
    }
    assert!(table.lines().count() > 2000, "the table is found");
    if bless {
        fs::write(&path, written).unwrap();
    }
}
