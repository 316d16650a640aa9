//! Where the golden bodies are, and how a template of a stream is filled.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use masker::mask::document::{Form, mask};

use crate::setup::{MASKER, SCOPE};

pub(crate) fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The inputs of a directory, by name.
pub(crate) fn inputs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let input = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        !name.contains(".masked.") && !name.contains(".client.") && !name.ends_with(".planted")
    };
    let mut inputs: Vec<_> = entries.filter(input).collect();
    inputs.sort();
    inputs
}

/// Puts placeholders in; gives the values by placeholder.
pub(crate) fn filled(template: &str) -> (String, BTreeMap<String, String>) {
    let mut parts = template.split("{{");
    let mut out = parts.next().unwrap().to_owned();
    let mut values = BTreeMap::new();
    for part in parts {
        let (mark, rest) = part.split_once("}}").unwrap();
        let (value, range) = mark.split_once('|').unwrap_or((mark, ".."));
        let (placeholder, ..) = mask(&MASKER, &SCOPE, Form::Text, value).unwrap();
        assert!(!placeholder.contains(value), "{value} is not masked");
        let (from, to) = range.split_once("..").unwrap();
        let bound = |text: &str, default| text.parse().unwrap_or(default);
        out.push_str(&placeholder[bound(from, 0)..bound(to, placeholder.len())]);
        out.push_str(rest);
        values.insert(placeholder, value.to_owned());
    }
    (out, values)
}
