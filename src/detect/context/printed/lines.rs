//! The values in what a command printed: as text, separated by tabs, or as JSON.

use std::ops::Range;

use crate::detect::boundary::holds_masked;
use crate::detect::context::printed::Column;

/// Where a value stands.
pub(super) type Cell = Range<usize>;

/// Secrets that nobody chose or made by chance are as long.
const SECRET: std::ops::RangeInclusive<usize> = 6..=256;
/// What is printed instead of one.
const NONE: [&[u8]; 6] = [b"undefined", b"(null)", b"<nil>", b"nothing", b"missing", b"default"];

/// What Claude Code and Codex write around what a command printed.
const SHOWN: (&str, &str) = ("<bash-stdout>", "</bash-stdout>");
const OUTPUT: &str = "\nOutput:\n";
/// The lines before it are short.
const HEAD: usize = 256;

/// What a command printed, without what an agent writes around it.
pub(super) fn inner(answer: &str) -> Cell {
    if let Some(rest) = answer.strip_prefix(SHOWN.0) {
        let len = rest.find(SHOWN.1).unwrap_or(rest.len());
        return SHOWN.0.len()..SHOWN.0.len() + len;
    }
    let head = answer.as_bytes().get(..HEAD).unwrap_or(answer.as_bytes());
    let output = memchr::memmem::find(head, OUTPUT.as_bytes());
    output.map_or(0, |at| at + OUTPUT.len())..answer.len()
}

/// Calls `found` with the values of each line, and the column that each is in.
pub(super) fn cells(text: &[u8], columns: &[Column], found: &mut impl FnMut(Cell, &Column)) {
    let mut start = 0;
    // In JSON, items of a list inside of a list are the columns.
    let mut item = 0;
    for line in text.split(|b| *b == b'\n') {
        let trimmed = trim(text, start..start + line.len());
        let whole = text.get(trimmed.clone()).unwrap_or_default();
        start += line.len() + 1;
        match (whole, columns) {
            ([b'[' | b']' | b'{' | b'}'], _) => item = 0,
            ([b'[', ..], [column]) => quoted(text, &trimmed, &mut |cell| found(cell, column)),
            ([b'"', .., b'"'], [column]) if column.alias.is_none() => {
                found(trimmed.start + 1..trimmed.end - 1, column);
            }
            ([b'"', .., b'"'], _) if columns.iter().any(|column| column.alias.is_some()) => {
                field(text, &trimmed, columns, found);
            }
            ([b'"', .., b'"'], _) => {
                if let Some(column) = columns.get(item) {
                    found(trimmed.start + 1..trimmed.end - 1, column);
                }
                item += 1;
            }
            (_, [column]) => {
                let words =
                    |span: &Cell| !text.get(span.clone()).is_some_and(|c| c.contains(&b' '));
                split(text, &trimmed, |b| b == b'\t').filter(words).for_each(|cell| {
                    found(cell, column);
                });
            }
            _ => {
                item += 1;
                let tabs: Vec<_> = split(text, &trimmed, |b| b == b'\t').collect();
                let spaces = || split(text, &trimmed, |b| b == b' ').filter(|c| !c.is_empty());
                let cells = if tabs.len() > 1 { tabs } else { spaces().collect() };
                if cells.len() == columns.len() {
                    cells.into_iter().zip(columns).for_each(|(cell, column)| found(cell, column));
                }
            }
        }
    }
}

/// The only word of a text.
pub(super) fn word(text: &[u8]) -> Option<Cell> {
    let trimmed = trim(text, 0..text.len());
    let (from, to) = match text.get(trimmed.clone())? {
        [quote @ (b'"' | b'\''), .., end] if quote == end => (trimmed.start + 1, trimmed.end - 1),
        _ => (trimmed.start, trimmed.end),
    };
    let word = text.get(from..to)?;
    let one = word.len() <= *SECRET.end() && word.iter().all(u8::is_ascii_graphic);
    (one && !word.is_empty()).then_some(from..to)
}

/// May the whole answer of a command that prints a secret be one?
pub(super) fn may_be_secret(word: &[u8]) -> bool {
    let opens = word.first().is_some_and(|b| b"{[<$(/-".contains(b));
    SECRET.contains(&word.len())
        && !opens
        && !holds_masked(word)
        && !word.starts_with(b"arn:")
        && !NONE.iter().any(|none| word.eq_ignore_ascii_case(none))
}

/// Without the spaces around it, and without a comma at the end.
fn trim(text: &[u8], span: Cell) -> Cell {
    let line = text.get(span.clone()).unwrap_or_default();
    let start = span.start + line.len() - line.trim_ascii_start().len();
    let line = line.trim_ascii();
    let line = line.strip_suffix(b",").unwrap_or(line);
    start..start + line.len()
}

fn split(text: &[u8], span: &Cell, separates: impl Fn(u8) -> bool) -> impl Iterator<Item = Cell> {
    let mut start = span.start;
    let line = text.get(span.clone()).unwrap_or_default();
    line.split(move |b| separates(*b)).map(move |cell| {
        let at = start;
        start += cell.len() + 1;
        at..at + cell.len()
    })
}

/// What stands in quotes on a line: `["a","b"]`.
fn quoted(text: &[u8], span: &Cell, found: &mut impl FnMut(Cell)) {
    split(text, span, |b| b == b'"').skip(1).step_by(2).for_each(found);
}

/// `"alias": "value"`
fn field(text: &[u8], span: &Cell, columns: &[Column], found: &mut impl FnMut(Cell, &Column)) {
    let mut parts = split(text, span, |b| b == b'"').skip(1).step_by(2);
    let (Some(key), Some(value)) = (parts.next(), parts.next()) else { return };
    let key = text.get(key);
    if let Some(column) = columns.iter().find(|column| column.alias.as_deref() == key) {
        found(value, column);
    }
}
