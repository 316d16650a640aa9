//! What must hold for any input.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use masker::body::json::Tape;
use masker::body::select::Format;
use masker::body::splice::splice;
use masker::mask::document::{Form, mask, placeholders, unmask};
use masker::mask::masker::{Masker, Refusal};
use masker::mask::resent::Resent;
use masker::mask::restore::Counts;
use masker::mask::schema;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use serde::de::IgnoredAny;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::dice::Dice;
use crate::files;
use crate::mutate::index;
use crate::setup::{DEPTH, MASKER, SCOPE, masker};

/// It replays the parts of inputs that it saw in inputs before.
static REMEMBERS: LazyLock<Masker> =
    LazyLock::new(|| Masker { resent: Resent::new(1 << 20), ..masker() });

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    Text,
    Json,
    Stream,
}

impl Target {
    pub(crate) const ALL: [Self; 3] = [Self::Text, Self::Json, Self::Stream];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Stream => "stream",
        }
    }

    /// What does not hold.
    pub(crate) fn check(self, input: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(input);
        match self {
            Self::Text => document(Form::Text, &text),
            Self::Json => {
                let formats = [
                    Format::Messages,
                    Format::Batch,
                    Format::BatchResult,
                    Format::Event,
                    Format::Chat,
                    Format::Responses,
                    Format::ResponsesEvent,
                    Format::Line,
                    Format::Gemini,
                    Format::Converse,
                    Format::ConverseEvent,
                    Format::CountTokens,
                    Format::Invoke,
                    Format::Other,
                ];
                formats.into_iter().try_for_each(|format| json(format, &text))
            }
            Self::Stream => stream(input),
        }
    }
}

fn equal(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}:\n{found:?}\n{expected:?}"))
}

/// Masked, or refused because of a limit.
fn masked(form: Form, source: &str) -> Result<Option<(String, Table)>, String> {
    let again = mask(&REMEMBERS, &SCOPE, form, source);
    match mask(&MASKER, &SCOPE, form, source) {
        Ok((masked, table, _)) => {
            let (again, remembered, _) = again.map_err(|refusal| refusal.to_string())?;
            equal("with what was masked before", &again, &masked)?;
            equal("its mappings", &mappings(&remembered), &mappings(&table))?;
            Ok(Some((masked, table)))
        }
        Err(Refusal::Depth(_) | Refusal::Findings(_)) => Ok(None),
        Err(refusal) => Err(refusal.to_string()),
    }
}

fn mappings(table: &Table) -> String {
    let mut made: Vec<_> = table.made().map(|made| made.placeholder.as_str()).collect();
    made.sort_unstable();
    made.join(" ")
}

/// Does the source itself hold a placeholder that masking it makes?
fn foretold(source: &str, table: &Table) -> bool {
    placeholders(source).iter().any(|own| table.original(own.as_str()).is_some())
}

fn document(form: Form, source: &str) -> Result<(), String> {
    let Some((once, table)) = masked(form, source)? else { return Ok(()) };
    let Some((twice, _)) = masked(form, &once)? else { return Err("refused once masked".into()) };
    equal("masked twice", &twice, &once)?;
    if foretold(source, &table) {
        return Ok(());
    }
    let (back, _) = unmask(form, &once, DEPTH, &table);
    equal("restored", &back, source)
}

/// `serde_json` judges what is JSON, without looking into strings.
fn is_json(source: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(source).is_ok()
}

fn json(format: Format, source: &str) -> Result<(), String> {
    let form = Form::Json(format);
    let Some((once, table)) = masked(form, source)? else { return Ok(()) };
    if !is_json(source) {
        // It may become JSON: a private key over several lines is none.
        return document(Form::Text, source);
    }
    if !is_json(&once) {
        return Err(format!("{format:?}: not JSON any more: {once}"));
    }
    let Some((twice, _)) = masked(form, &once)? else { return Err("refused once masked".into()) };
    equal("masked twice", &twice, &once)?;
    // A masked text in base64 stays masked, and so does what is escaped otherwise.
    if foretold(source, &table) || source.contains("base64") {
        return Ok(());
    }
    let (back, _) = unmask(form, &once, DEPTH, &table);
    // Schemas admit placeholders, and that is not undone.
    let mut swaps = Vec::new();
    if let Ok(tape) = Tape::parse(source, DEPTH) {
        schema::widen(&tape, format, &mut swaps, DEPTH).map_err(|_| "schemas do not fit")?;
    }
    let source = splice(source, &mut swaps).map_err(|_| "schemas do not fit")?;
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (Some(before), Some(after)) = (value(&source), value(&back)) else { return Ok(()) };
    equal("restored", &after.to_string(), &before.to_string())
}

/// The values of all golden streams, under the placeholders that they hold.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut values = BTreeMap::new();
    for path in files::inputs(&files::dir().join("sse")) {
        values.extend(files::filled(&fs::read_to_string(path).unwrap()).1);
    }
    let text: Vec<String> = values.into_values().collect();
    let (_, table, _) = mask(&MASKER, &SCOPE, Form::Text, &text.join("\n")).unwrap();
    table
});

fn restored(pieces: &[&[u8]]) -> Result<Vec<u8>, String> {
    let (mut stream, mut counts) = (Stream::new(Format::Event, 1 << 20, DEPTH), Counts::default());
    let mut out = Vec::new();
    for piece in pieces {
        let more = stream.push(piece, &TABLE, &mut counts);
        out.extend(more.map_err(|_| "an event is too long")?);
    }
    out.extend(stream.finish(&TABLE, &mut counts));
    Ok(out)
}

fn stream(input: &[u8]) -> Result<(), String> {
    let whole = restored(&[input])?;
    // Where it is split depends on the input alone, so that it fails again.
    let hash: [u8; 32] = Sha256::digest(input).into();
    let mut dice = Dice::new(u64::from_le_bytes(*hash.first_chunk().unwrap()));
    let (head, tail) = input.split_at(index(&mut dice, input.len() + 1));
    let size = 1 + index(&mut dice, 40);
    let pieces: Vec<&[u8]> = input.chunks(size).collect();
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    for split in [&[head, tail][..], &pieces, &bytes] {
        let found = restored(split)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if found != whole {
            equal("split", &text(&found), &text(&whole))?;
            return Err("split: bytes that are no text differ".to_owned());
        }
    }
    Ok(())
}
