//! Golden bodies: what the provider sees of each, and what comes back.

use std::collections::HashSet;

use masker::body::json::{Shape, Tape};
use masker::body::select::{self, Format, Place};
use masker::body::splice::splice;
use masker::ext_proc::request::Masked;
use masker::mask::document::{Form, unmask};
use masker::mask::schema;

use crate::driver::masked;
use crate::planted::{Golden, all, compare, holds};
use crate::setup::DEPTH;

fn text(masked: &Masked) -> String {
    String::from_utf8(masked.body.bytes()).unwrap()
}

fn mask(golden: &Golden, body: &str) -> Masked {
    masked(golden.family.path, golden.family.media, body)
}

#[test]
fn the_provider_sees_what_is_stored() {
    for golden in all() {
        compare(&golden.masked, &text(&mask(&golden, &golden.source)));
    }
}

#[test]
fn no_planted_value_is_left_and_the_rest_stays() {
    for golden in all() {
        let name = &golden.name;
        let masked = mask(&golden, &golden.source);
        let body = &*text(&masked);
        for value in &golden.values {
            assert!(
                holds(&golden.source, value) || golden.has_base64(),
                "{name}: {value} is not planted"
            );
            // What is never touched may hold it: it is taken out first.
            let rest =
                golden.kept.iter().fold(body.to_owned(), |rest, kept| rest.replace(kept, ""));
            assert!(!holds(&rest, value), "{name}: {value} is left in {rest}");
        }
        for kept in &golden.kept {
            let there = if kept == "*" { body == golden.source } else { body.contains(kept) };
            assert!(there, "{name}: {kept} is gone from {body}");
        }
    }
}

#[test]
fn unmasking_gives_the_body_back() {
    for golden in all() {
        let name = &golden.name;
        let masked = mask(&golden, &golden.source);
        let Some(format) = golden.family.format else {
            // As text: no masked span of these holds an escape.
            let (back, _) = unmask(Form::Text, &text(&masked), DEPTH, &masked.table);
            assert_eq!(back, golden.source, "{name}");
            continue;
        };
        let (back, _) = unmask(Form::Json(format), &text(&masked), DEPTH, &masked.table);
        let source = widened(&golden.source, format);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        // serde_json refuses lone surrogates; they are compared as bytes below.
        if !golden.source.contains("\\ud83di-") && !golden.has_base64() {
            assert_eq!(value(&back), value(&source), "{name}");
        }
        let escapes = ["messages/escapes.json", "messages/json_in_json.json", "other/secrets.json"];
        if !escapes.contains(&name.as_str()) && !golden.has_base64() {
            assert_eq!(back, source, "{name}");
        }
    }
}

/// The body with schemas that admit placeholders: that is not undone.
fn widened(source: &str, format: Format) -> String {
    let mut swaps = Vec::new();
    schema::widen(&Tape::parse(source, DEPTH).unwrap(), format, &mut swaps, DEPTH).unwrap();
    splice(source, &mut swaps).unwrap()
}

#[test]
fn masking_twice_changes_nothing() {
    for golden in all() {
        let once = mask(&golden, &golden.source);
        let twice = mask(&golden, &text(&once));
        assert_eq!(text(&twice), text(&once), "{}", golden.name);
        assert!(twice.table.is_empty(), "{}: {:?}", golden.name, twice.table);
    }
}

/// Paths of a Messages body that no rewriting may change, written down by hand:
/// the selection is not asked.
const NEVER: &[&str] = &[
    "model",
    "id",
    "role",
    "type",
    "metadata",
    "thinking",
    "tool_choice",
    "mcp_servers",
    "usage",
    "messages[].role",
    "messages[].content[].type",
    "messages[].content[].id",
    "messages[].content[].tool_use_id",
    "messages[].content[].name",
    "messages[].content[].signature",
    "messages[].content[].thinking",
    "messages[].content[].cache_control",
    "messages[].content[].file_id",
    "messages[].content[].content[].encrypted_content",
    "messages[].content[].citations[].encrypted_index",
    "system[].type",
    "system[].cache_control",
    "tools[].name",
    "tools[].type",
    "content[].id",
    "content[].name",
    "content[].type",
];

#[test]
fn masked_json_differs_only_in_selected_strings() {
    for golden in all() {
        let Some(format) = golden.family.format else { continue };
        let masked = mask(&golden, &golden.source);
        let masked = text(&masked);
        let (before, after) = (parse(&golden.source), parse(&masked));
        let units = select::units(&before, format);
        let text_places =
            [Place::Text, Place::Key, Place::Number, Place::Base64, Place::Source, Place::Delta];
        let leaves = units.iter().flatten().filter(|leaf| text_places.contains(&leaf.place));
        let selected: HashSet<_> = leaves.map(|leaf| before.span(leaf.node).start).collect();
        let pairs = flat(&before, format).into_iter().zip(flat(&after, format));
        assert_eq!(flat(&before, format).len(), flat(&after, format).len(), "{}", golden.name);
        for ((path, at, old), (_, _, new)) in pairs {
            let never = format == Format::Messages
                && golden.name != "messages/repeated_keys.json"
                && NEVER
                    .iter()
                    .any(|never| path == *never || path.starts_with(&format!("{never}.")));
            assert!(old == new || (selected.contains(&at) && !never), "{}: {path}", golden.name);
        }
    }
}

fn parse(source: &str) -> Tape<'_> {
    Tape::parse(source, DEPTH).unwrap()
}

/// Every key and scalar: its path, where it stands, and its source.
fn flat(tape: &Tape<'_>, _: Format) -> Vec<(String, usize, String)> {
    let mut out = Vec::new();
    let mut open = vec![(String::new(), tape.root())];
    while let Some((path, node)) = open.pop() {
        match tape.shape(node) {
            Shape::Object => {
                for (key, value) in tape.fields(node) {
                    let dot = if path.is_empty() { "" } else { "." };
                    out.push((path.clone(), tape.span(key).start, tape.raw(key).to_owned()));
                    open.push((format!("{path}{dot}{}", tape.text(key)), value));
                }
            }
            Shape::Array => open.extend(tape.items(node).map(|item| (format!("{path}[]"), item))),
            _ => out.push((path, tape.span(node).start, tape.raw(node).to_owned())),
        }
    }
    out
}
