//! Columns of account ids and passwords: the line above says what stands below, in CSV, between tabs and
//! between the bars of Markdown.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::detect::boundary::any_masked;
use crate::detect::context::bytes::part;
/// No name of a column is longer.
const HEAD: usize = 64;
/// None has more words.
const WORDS: usize = 4;
/// What stands around a value in its cell.
const AROUND: &[u8] = b" \t\r\"'`*=";

/// What is looked for in columns.
pub(super) struct Wanted<N> {
    /// Does a column with this head hold it?
    pub names: N,
    pub is: fn(&[u8]) -> bool,
    /// A column without others will do.
    pub single: bool,
}

/// What is wanted below the line around `at`, if that is a head that names a column of it.
/// `read` is up to where lines are read already: each is read once.
pub(super) fn below<N: Fn(&[u8]) -> bool>(
    text: &[u8],
    at: usize,
    wanted: &Wanted<N>,
    read: &mut usize,
    mut found: impl FnMut(Range<usize>),
) {
    if at < *read {
        return;
    }
    let mut line = line_around(text, at);
    *read = line.end;
    let Some(mut head) = Head::new(text, &line, wanted) else { return };
    while let Some(next) = line_behind(text, &line) {
        if let Some(other) = Head::new(text, &next, wanted) {
            head = other;
        } else if !head.row(text, &next, wanted.is, &mut found) {
            return;
        }
        line = next;
        *read = line.end;
    }
}

/// A line that names columns.
struct Head {
    /// What separates them, if there are more than one.
    sign: Option<u8>,
    count: usize,
    /// Which of them hold what is wanted.
    wanted: Vec<usize>,
}

impl Head {
    fn new<N: Fn(&[u8]) -> bool>(
        text: &[u8],
        line: &Range<usize>,
        wanted: &Wanted<N>,
    ) -> Option<Self> {
        let sign = sign(part(text, line));
        let heads = || cells(text, line.clone(), sign).map(|cell| part(text, &trimmed(text, cell)));
        if (sign.is_none() && !wanted.single) || !heads().all(is_head) {
            return None;
        }
        let named = |(at, head): (usize, &[u8])| (wanted.names)(head).then_some(at);
        let wanted: Vec<_> = heads().enumerate().filter_map(named).collect();
        (!wanted.is_empty()).then(|| Self { sign, count: heads().count(), wanted })
    }

    /// Does this line belong to the table?
    fn row(
        &self,
        text: &[u8],
        line: &Range<usize>,
        is: fn(&[u8]) -> bool,
        mut found: impl FnMut(Range<usize>),
    ) -> bool {
        if is_rule(part(text, line)) {
            return true;
        }
        let cells = || cells(text, line.clone(), self.sign);
        let mut any = false;
        if cells().count() != self.count {
            return false;
        }
        for (_, cell) in cells().enumerate().filter(|(at, _)| self.wanted.contains(at)) {
            let cell = trimmed(text, cell);
            if is(part(text, &cell)) {
                any = true;
                found(cell);
            }
        }
        // Of a single column, what is none ends it.
        any || self.sign.is_some()
    }
}

/// `AccountId`, `Account ID`, `bill/PayerAccountId`: not a sentence, not a value.
fn is_head(cell: &[u8]) -> bool {
    let of_head = |b: &u8| b.is_ascii_alphanumeric() || b" _-./:()#%".contains(b);
    cell.len() <= HEAD
        && cell.iter().filter(|b| **b == b' ').count() < WORDS
        && cell.first().is_some_and(u8::is_ascii_alphabetic)
        && cell.iter().all(of_head)
        // Before it was masked, it was something else.
        && !any_masked(cell)
}

/// `|---|:--:|`, `+-----+`
fn is_rule(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.contains(&b'-') && line.iter().all(|b| b"|+-=: ".contains(b))
}

/// What separates the cells of a line.
fn sign(line: &[u8]) -> Option<u8> {
    // psql leaves out the outer ones.
    let bars = line.trim_ascii_start().starts_with(b"|") || memmem::find(line, b" | ").is_some();
    let signs = if bars { b"|".as_slice() } else { b"\t,;".as_slice() };
    signs.iter().copied().find(|&sign| memchr(sign, line).is_some())
}

/// The cells of a line. A quote at the beginning of one lets it hold what separates them.
fn cells(text: &[u8], line: Range<usize>, sign: Option<u8>) -> impl Iterator<Item = Range<usize>> {
    let line = if sign == Some(b'|') { within_bars(text, line) } else { line };
    let mut from = Some(line.start);
    std::iter::from_fn(move || {
        let start = from?;
        let rest = part(text, &(start..line.end));
        let quoted = if rest.first() == Some(&b'"') { closed(rest) } else { 0 };
        let tail = rest.get(quoted..).unwrap_or_default();
        let len = sign.and_then(|sign| memchr(sign, tail)).map(|len| quoted + len);
        from = len.map(|len| start + len + 1);
        Some(start..len.map_or(line.end, |len| start + len))
    })
}

/// Behind the quote that closes a cell; two quotes are one inside of it.
fn closed(cell: &[u8]) -> usize {
    let mut quotes = memchr_iter(b'"', cell).skip(1);
    while let Some(at) = quotes.next() {
        if cell.get(at + 1) != Some(&b'"') {
            return at + 1;
        }
        quotes.next();
    }
    0
}

/// Without the bars at both ends of a line.
fn within_bars(text: &[u8], line: Range<usize>) -> Range<usize> {
    let inner = part(text, &line);
    let lead = inner.len() - inner.trim_ascii_start().len();
    let start = line.start + if inner.get(lead) == Some(&b'|') { lead + 1 } else { 0 };
    let end = inner.trim_ascii_end();
    let end = end.strip_suffix(b"|").unwrap_or(end).len() + line.start;
    start..end.max(start)
}

fn trimmed(text: &[u8], cell: Range<usize>) -> Range<usize> {
    let around = |b: &&u8| AROUND.contains(b);
    let inner = part(text, &cell);
    let skip = inner.iter().take_while(around).count();
    let inner = inner.get(skip..).unwrap_or_default();
    let len = inner.len() - inner.iter().rev().take_while(around).count();
    cell.start + skip..cell.start + skip + len
}

/// The line around `at`; a line break may be escaped.
pub(super) fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let head = text.get(..at).unwrap_or_default();
    let start = memrchr(b'\n', head).map_or(0, |at| at + 1);
    let escaped = memmem::rfind(head.get(start..).unwrap_or_default(), br"\n");
    let start = escaped.map_or(start, |len| start + len + 2);
    line_from(text, start)
}

fn line_from(text: &[u8], start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.get(..memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
    let len = memmem::find(rest, br"\n").unwrap_or(rest.len());
    start..start + len
}

/// The line behind this one.
pub(super) fn line_behind(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    match text.get(line.end..)? {
        [b'\n', ..] => Some(line_from(text, line.end + 1)),
        [b'\\', b'n', ..] => Some(line_from(text, line.end + 2)),
        _ => None,
    }
}
