//! Restoring: placeholders of this exchange become their originals again.

mod one;

use memchr::memmem;

use crate::body::escape;
use crate::body::json::Tape;
use crate::body::select::{self, Format, Leaf, Place};
use crate::body::splice::{Swap, splice};
use crate::mask::care::Spot;
use crate::mask::channel::Context;
use crate::mask::offsets;
use crate::mask::placeholder::Placeholder;
use crate::mask::restore::one::Text;
use crate::mask::spelling;
use crate::mask::table::Table;
use crate::mask::url::Url;

/// What became of the placeholders of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub restored: u64,
    /// Of the right shape, but not of this exchange: left as they are.
    pub unknown: u64,
    /// Known and critical, but inside the URL of a foreign host.
    pub foreign_url: u64,
    /// Known, but it might do harm in the input of a tool.
    pub tool_input: u64,
    /// Known, but the configuration says no.
    pub by_setting: u64,
    /// Blocks of types that are not known.
    pub blocks: u64,
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
    pub(crate) fn write(self, original: &str) -> String {
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

/// [`may_hold`] of the source of a JSON string, where any character may be escaped.
pub(super) fn may_hold_escaped(source: &[u8], table: &Table) -> bool {
    // Capitals, digits and `_` are U+0030 to U+005F; those of other spellings go farther.
    let lenient = table.is_lenient();
    let hides = |at: usize| match source.get(at + 4) {
        Some(b'3'..=b'5') => true,
        Some(b'2' | b'6' | b'7') => lenient,
        _ => false,
    };
    may_hold(source)
        || (lenient && spelling::may_hold(source))
        || memmem::find_iter(source, b"\\u00").any(hides)
}

/// Restores a plain text. `None`: nothing to restore.
#[must_use]
pub fn text(source: &str, table: &Table, counts: &mut Counts) -> Option<String> {
    let mut text = Text { style: Style::Plain, tool: false, end: true, table, counts };
    spliced(source, text.swaps(source, &mut Url::default()))
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
    if !may_hold_escaped(source.as_bytes(), table) {
        return None;
    }
    let Ok(tape) = Tape::parse(source, depth) else {
        let mut text = Text { style: Style::Json, tool: false, end: true, table, counts };
        return spliced(source, text.leaf_swaps(source, 0, &mut Url::default()));
    };
    let mut all = Vec::new();
    let units = select::units(&tape, format);
    counts.blocks += units.unknown();
    for leaf in units.iter().flatten() {
        place(&tape, leaf, None, table, counts, &mut all);
    }
    offsets::adjust(&tape, format, &mut all);
    spliced(source, all)
}

fn spliced(source: &str, mut swaps: Vec<Swap<String>>) -> Option<String> {
    if swaps.is_empty() { None } else { splice(source, &mut swaps).ok() }
}

/// Restores what stands whole in a leaf, or, behind `carried`, goes on in the next event.
pub(super) fn place(
    tape: &Tape<'_>,
    leaf: &Leaf,
    carried: Option<&mut Url>,
    table: &Table,
    counts: &mut Counts,
    all: &mut Vec<Swap<String>>,
) {
    let (raw, at) = (tape.raw(leaf.node), tape.span(leaf.node));
    match leaf.place.shown(table.shows_thinking()) {
        Place::Text | Place::Key | Place::Delta => {}
        Place::Source | Place::DeltaJson => {
            if may_hold_escaped(raw.as_bytes(), table) {
                let plan = Context::default().decide(raw, Spot::SOURCE, table, counts);
                all.extend(plan.swaps.into_iter().map(|swap| moved(swap, at.start)));
            }
            return;
        }
        _ => return,
    }
    let end = carried.is_none();
    let mut own = Url::new(leaf.tool);
    let url = carried.unwrap_or(&mut own);
    let mut text = Text { style: Style::Json, tool: leaf.tool, end, table, counts };
    let whole = Placeholder::parse(raw).filter(Placeholder::is_number);
    if whole.is_some() && leaf.place != Place::Key {
        if let Some(digits) = text.number(raw, url) {
            all.push(Swap { span: at.start - 1..at.end + 1, with: digits.to_owned() });
        }
    } else {
        all.extend(text.leaf_swaps(raw, at.start, url));
    }
}

fn moved(swap: Swap<String>, by: usize) -> Swap<String> {
    Swap { span: by + swap.span.start..by + swap.span.end, with: swap.with }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MasterKey, Tenant};

    #[test]
    fn an_escaped_placeholder_is_restored() {
        let scope = MasterKey::parse(b"0123456789abcdef0123456789abcdef").unwrap();
        let scope = scope.scope(&Tenant::default());
        let mut table = Table::default();
        let made = table.assign(&scope, false, "EC2", "i-0123456789abcdef0").unwrap();
        let name = made.placeholder.to_string();
        for spelled in [
            name.clone(),
            name.replacen('A', "\\u0041", 1),
            name.replace("AWS_", "AWS\\u005f"),
            name.replace("AWS_EC2", "AWS_EC\\u0032"),
        ] {
            let source =
                format!(r#"{{"content":[{{"type":"text","text":"a\u00e9 {spelled}."}}]}}"#);
            let mut counts = Counts::default();
            let back = json(&source, Format::Messages, 9, &table, &mut counts);
            let wanted = source.replace(&spelled, "i-0123456789abcdef0");
            assert_eq!(back, Some(wanted), "{spelled}");
        }
        let none = r#"{"content":[{"type":"text","text":"\u0041 \u001b[m"}]}"#;
        assert_eq!(json(none, Format::Messages, 9, &table, &mut Counts::default()), None);
    }
}
