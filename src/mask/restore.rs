//! Restoring: placeholders of this exchange become their originals again.

use std::ops::Range;

use memchr::memmem;

use crate::body::escape::{self, Unescaped};
use crate::body::json::Tape;
use crate::body::select::{self, Format, Place};
use crate::body::splice::{Swap, splice};
use crate::mask::placeholder::{self, Placeholder};
use crate::mask::table::Table;

/// What became of the placeholders of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub restored: u64,
    /// Of the right shape, but not of this exchange: left as they are.
    pub unknown: u64,
}

/// How an original is written where its placeholder stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// In a JSON string.
    Json,
    /// In JSON source that itself stands in a JSON string: `partial_json`.
    JsonInJson,
}

impl Style {
    fn write(self, original: &str) -> String {
        match self {
            Self::Plain => original.to_owned(),
            Self::Json => escape::encode(original),
            Self::JsonInJson => escape::encode(&escape::encode(original)),
        }
    }
}

/// Can there be a placeholder at all?
#[must_use]
pub fn may_hold(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"AWS_").is_some() || memmem::find(bytes, b"SECRET_").is_some()
}

/// Restores a plain text. `None`: nothing to restore.
#[must_use]
pub fn text(source: &str, table: &Table, counts: &mut Counts) -> Option<String> {
    let mut swaps = swaps(source, Style::Plain, table, counts);
    if swaps.is_empty() { None } else { splice(source, &mut swaps).ok() }
}

/// Restores a JSON document, or what claims to be one. `None`: nothing to restore.
#[must_use]
pub fn json(
    source: &str,
    format: Format,
    depth: usize,
    table: &Table,
    counts: &mut Counts,
) -> Option<String> {
    if !may_hold(source.as_bytes()) {
        return None;
    }
    let Ok(tape) = Tape::parse(source, depth) else {
        return leaf(source, table, counts);
    };
    let mut all = Vec::new();
    for leaf in select::units(&tape, format).iter().flatten() {
        if !matches!(leaf.place, Place::Text | Place::Key | Place::Delta) {
            continue;
        }
        let (raw, at) = (tape.raw(leaf.node), tape.span(leaf.node));
        let whole = Placeholder::parse(raw).filter(Placeholder::is_number);
        let number = whole.filter(|_| leaf.place != Place::Key);
        if let Some(digits) = number.and_then(|number| table.original(number.as_str())) {
            counts.restored += 1;
            all.push(Swap { span: at.start - 1..at.end + 1, with: digits.to_owned() });
        } else {
            all.extend(leaf_swaps(raw, at.start, table, counts));
        }
    }
    if all.is_empty() { None } else { splice(source, &mut all).ok() }
}

/// Restores the contents of a JSON string, as they stand between the quotes.
fn leaf(raw: &str, table: &Table, counts: &mut Counts) -> Option<String> {
    let mut swaps = leaf_swaps(raw, 0, table, counts);
    if swaps.is_empty() { None } else { splice(raw, &mut swaps).ok() }
}

fn leaf_swaps(raw: &str, at: usize, table: &Table, counts: &mut Counts) -> Vec<Swap<String>> {
    if !may_hold(raw.as_bytes()) {
        return Vec::new();
    }
    let read = Unescaped::new(raw);
    let mut found = swaps(&read.text, Style::Json, table, counts);
    for swap in &mut found {
        let span = read.source(&swap.span);
        swap.span = at + span.start..at + span.end;
    }
    found
}

fn swaps(text: &str, style: Style, table: &Table, counts: &mut Counts) -> Vec<Swap<String>> {
    if !may_hold(text.as_bytes()) {
        return Vec::new();
    }
    let known = |span: Range<usize>| {
        let with = style.write(original(text, &span, table, counts)?);
        Some(Swap { span, with })
    };
    placeholder::spans(text).into_iter().filter_map(known).collect()
}

/// The original of the placeholder at `span`, counted.
pub(crate) fn original<'t>(
    text: &str,
    span: &Range<usize>,
    table: &'t Table,
    counts: &mut Counts,
) -> Option<&'t str> {
    let original = text.get(span.clone()).and_then(|text| table.original(text));
    match original {
        Some(_) => counts.restored += 1,
        None => counts.unknown += 1,
    }
    original
}

/// An original as it stands in an event's delta.
pub(crate) fn in_delta(original: &str, source: bool) -> String {
    if source { Style::JsonInJson.write(original) } else { Style::Json.write(original) }
}
