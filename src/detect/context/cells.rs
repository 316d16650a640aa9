//! Tables of AWS's command line: keys beside their values, and heads above columns.

use std::ops::Range;

use crate::detect::context::bytes::part;
use crate::detect::context::named::{Before, Findings, Named};
use crate::detect::context::names::{Key, Names};
use crate::detect::context::value;

impl Names {
    /// The bar behind a key: `|  FunctionName  |  VALUE  |`
    pub(super) fn cells(&self, text: &[u8], bar: usize, before: &Before<'_>, out: &mut Findings) {
        let line = line_at(text, bar);
        if !part(text, &line).trim_ascii_start().starts_with(b"|") {
            return;
        }
        let rule = line_at(text, line.end + 1);
        let first = line_at(text, rule.end + 1);
        let same = bars(part(text, &first)) == bars(part(text, &line));
        if same && is_rule(part(text, &rule)) && are_heads(text, &line) {
            self.columns(text, &line, rule.end + 1, out);
        } else {
            let cell = cells(text, &(bar..line.end)).next();
            cell.into_iter().for_each(|cell| push(text, cell, before.word, before.key, out));
        }
    }

    /// Rows below a line of heads, up to the end of the table.
    fn columns(&self, text: &[u8], heads: &Range<usize>, first: usize, out: &mut Findings) {
        let keys: Vec<_> = cells(text, heads)
            .map(|cell| (part(text, &cell), self.key(part(text, &cell))))
            .collect();
        out.aws |= keys.iter().any(|(_, key)| key.is_some_and(|key| key.alone));
        let mut row = line_at(text, first);
        let count = bars(part(text, heads));
        while bars(part(text, &row)) == count {
            for (cell, (head, key)) in cells(text, &row).zip(&keys) {
                if let Some(key) = key {
                    push(text, cell, head, *key, out);
                }
            }
            row = line_at(text, row.end + 1);
        }
        out.table = row.start;
    }
}

fn push(text: &[u8], cell: Range<usize>, head: &[u8], key: Key, out: &mut Findings) {
    let Key { kind, alone, .. } = key;
    // As Markdown sets code, and what is bold.
    let inner = part(text, &cell);
    let set = |b: &&u8| b"`*".contains(b);
    let (skip, drop) =
        (inner.iter().take_while(set).count(), inner.iter().rev().take_while(set).count());
    let cell = cell.start + skip..cell.end.saturating_sub(drop).max(cell.start + skip);
    if value::run(text, cell.start).end < cell.end {
        return;
    }
    let name = value::name(text, cell, head);
    out.all.extend(name.map(|span| Named { span, kind, alone }));
}

/// No table is wider.
const LINE: usize = 1024;

/// The line around `at`.
fn line_at(text: &[u8], at: usize) -> Range<usize> {
    let head = text.get(at.saturating_sub(LINE)..at).unwrap_or_default();
    let start = at - head.iter().rev().take_while(|b| **b != b'\n').count();
    let tail = text.get(at..).unwrap_or_default();
    start..at + tail.iter().take(LINE).take_while(|b| **b != b'\n').count()
}

fn is_rule(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"+-") || line.trim_ascii_start().starts_with(b"|+-")
}

fn bars(line: &[u8]) -> usize {
    line.iter().filter(|b| **b == b'|').count()
}

/// Do these cells look like the names of columns?
fn are_heads(text: &[u8], line: &Range<usize>) -> bool {
    cells(text, line).all(|cell| {
        let head = part(text, &cell);
        head.first().is_some_and(u8::is_ascii_uppercase)
            && head.iter().all(u8::is_ascii_alphanumeric)
    })
}

/// What stands between the bars of a line, without spaces. A table in a table has two at each end.
fn cells(text: &[u8], line: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut rest = line.clone();
    let cells = std::iter::from_fn(move || {
        let open = part(text, &rest).iter().position(|b| *b == b'|')? + rest.start;
        let close = part(text, &(open + 1..rest.end)).iter().position(|b| *b == b'|')? + open + 1;
        rest.start = close;
        Some(open + 1..close)
    });
    cells.filter(|cell| !cell.is_empty()).map(move |cell| trimmed(text, cell))
}

fn trimmed(text: &[u8], cell: Range<usize>) -> Range<usize> {
    let inner = part(text, &cell);
    let skip = inner.len() - inner.trim_ascii_start().len();
    cell.start + skip..cell.start + skip + inner.trim_ascii().len()
}
