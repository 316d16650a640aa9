//! The column of passwords in what IAM gives to download: `User name,Password,Access key ID,…`.

use std::ops::Range;

use crate::detect::context::bytes::part;
use crate::detect::context::password::is_password;

/// No line is longer.
const LINE: usize = 1024;
/// Other columns stand before it, but no more.
const BEFORE: usize = 64;
/// As many users are read.
const ROWS: usize = 64;
/// What another column is called.
const BESIDE: [&[u8]; 3] = [b"user name,", b"access key id", b"console login link"];

/// The passwords below the head that ends at `at`.
pub(in crate::detect::context) fn below(text: &[u8], at: usize) -> Vec<Range<usize>> {
    if text.get(at) != Some(&b',') {
        return Vec::new();
    }
    let near = text.get(at.saturating_sub(BEFORE)..at).unwrap_or_default();
    if at > BEFORE && !near.contains(&b'\n') {
        return Vec::new();
    }
    let head = line_at(text, at);
    let before = part(text, &(head.start..at));
    // Of two columns the first is read, so that each row is read once.
    let first = count(before, b"assword") == 1;
    let lower = part(text, &head).to_ascii_lowercase();
    if !first || !BESIDE.iter().any(|other| count(&lower, other) > 0) {
        return Vec::new();
    }
    let column = before.iter().filter(|b| **b == b',').count();
    let mut out = Vec::new();
    let mut start = head.end + 1;
    for _ in 0..ROWS {
        let row = line_at(text, start);
        if row.is_empty() || start >= text.len() || count(part(text, &row), b"assword") > 0 {
            break;
        }
        out.extend(cell(text, &row, column));
        start = row.end + 1;
    }
    out
}

fn cell(text: &[u8], row: &Range<usize>, column: usize) -> Option<Range<usize>> {
    let mut from = row.start;
    for (at, cell) in part(text, row).split(|b| *b == b',').enumerate() {
        if at == column {
            let skip = cell.iter().take_while(|b| b"\" ".contains(b)).count();
            let drop = cell.iter().rev().take_while(|b| b"\"\r ".contains(b)).count();
            let span = from + skip..(from + cell.len()).saturating_sub(drop).max(from + skip);
            return is_password(part(text, &span), true).then_some(span);
        }
        from += cell.len() + 1;
    }
    None
}

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|window| *window == word).count()
}

/// The line around `at`.
fn line_at(text: &[u8], at: usize) -> Range<usize> {
    let head = text.get(at.saturating_sub(LINE)..at).unwrap_or_default();
    let start = at - head.iter().rev().take_while(|b| **b != b'\n').count();
    let tail = text.get(at..).unwrap_or_default();
    start..at + tail.iter().take(LINE).take_while(|b| **b != b'\n').count()
}
