//! Columns of account ids and secrets: the line above says what stands below, in CSV, between tabs,
//! between the bars of Markdown and of boxes, and where spaces set columns apart.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::detect::boundary::any_masked;
use crate::detect::context::bytes::{over, part};

/// No name of a column is longer.
const HEAD: usize = 64;
/// None has more words.
const WORDS: usize = 4;
/// Heads above names, and above their values.
const NAMES: [&[u8]; 6] = [b"name", b"key", b"variable", b"setting", b"parameter", b"secret"];
const VALUES: [&[u8]; 1] = [b"value"];
/// Between the cells of a table: in Markdown, and in boxes.
const BARS: [&[u8]; 4] = [b"|", "│".as_bytes(), "║".as_bytes(), "┃".as_bytes()];
/// What stands around a name in its cell.
const AROUND_NAME: &[u8] = b" \t\"'`*";
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

/// The names and the values below the line around `at`, if that is a head that names a column of
/// each. `read` as for [`below`].
pub(super) fn pairs(
    text: &[u8],
    at: usize,
    read: &mut usize,
    mut found: impl FnMut(Range<usize>, Range<usize>),
) {
    if at < *read {
        return;
    }
    let mut line = line_around(text, at);
    *read = line.end;
    let column = |named: &'static [&'static [u8]]| {
        let names = move |head: &[u8]| named.iter().any(|name| head.eq_ignore_ascii_case(name));
        Head::new(text, &line, &Wanted { names, is: |_| true, single: false })
    };
    let (Some(names), Some(values)) = (column(&NAMES), column(&VALUES)) else { return };
    let (Some(&name), Some(&value)) = (names.wanted.first(), values.wanted.first()) else { return };
    while let Some(next) = line_behind(text, &line) {
        if !is_rule(part(text, &next)) {
            let cells: Vec<_> = cells(text, next.clone(), names.sign).collect();
            let cell = |at: usize| cells.get(at).map(|cell| trimmed(text, cell.clone()));
            let (Some(name), Some(value)) = (cell(name), cell(value)) else { return };
            if cells.len() != names.count {
                return;
            }
            found(name, value);
        }
        line = next;
        *read = line.end;
    }
}

/// May this be a whole cell of a line that has others?
pub(in crate::detect) fn may_be_head(text: &[u8], span: &Range<usize>) -> bool {
    let around = |b: &&u8| AROUND_NAME.contains(b);
    let (head, tail) = (text.get(..span.start), text.get(span.end..));
    let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
    let left = head.iter().rev().take(HEAD).take_while(around).count();
    let right = tail.iter().take(HEAD).take_while(around).count();
    let apart = |gap: &[u8]| gap.contains(&b'\t') || memmem::find(gap, b"  ").is_some();
    let gaps = (head.get(head.len() - left..).unwrap_or_default(), tail.get(..right));
    let head = head.get(..head.len() - left).unwrap_or_default();
    let tail = tail.get(right..).unwrap_or_default();
    let begins = matches!(head, [] | [.., b'\n' | b'|' | b',' | b';' | 0x80..] | [.., b'\\', b'n']);
    let ends = matches!(tail, [] | [b'\n' | b'\r' | b'\\' | b'|' | b',' | b';' | 0x80.., ..]);
    (begins || apart(gaps.0)) && (ends || gaps.1.is_some_and(apart))
}

/// Where the next cell of a row begins, if a name that is the whole of its cell ends at `at`.
pub(super) fn next_cell(text: &[u8], at: usize) -> Option<usize> {
    let end = over(text, at, HEAD, AROUND_NAME);
    let bar = BARS.iter().find(|bar| text.get(end..).is_some_and(|rest| rest.starts_with(bar)))?;
    let near = text.get(at.saturating_sub(HEAD)..at)?;
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.:/-".contains(b);
    let name = near.iter().rev().take_while(of_name).count();
    let around = |b: &&u8| AROUND_NAME.contains(b);
    let before = near.get(..near.len() - name)?;
    let before = before.get(..before.len() - before.iter().rev().take_while(around).count())?;
    let begins = match before {
        [] => near.len() == at,
        _ => {
            before.ends_with(b"\n")
                || before.ends_with(br"\n")
                || BARS.iter().any(|bar| before.ends_with(bar))
        }
    };
    begins.then_some(end + bar.len())
}

/// A line that names columns.
struct Head {
    /// What separates them, if there are more than one.
    sign: Option<Sign>,
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
        let sign = Sign::of(part(text, line));
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

/// `|---|:--:|`, `+-----+`, `├───┼───┤`
fn is_rule(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let drawn =
        ["-", "─", "═", "━"].iter().any(|dash| memmem::find(line, dash.as_bytes()).is_some());
    drawn && line.iter().all(|b| b"|+-=: ".contains(b) || !b.is_ascii())
}

/// What separates the cells of a line.
#[derive(Clone, Copy)]
enum Sign {
    /// In CSV and between tabs.
    Byte(u8),
    Bar(&'static [u8]),
    /// Two spaces and more.
    Gap,
}

impl Sign {
    fn of(line: &[u8]) -> Option<Self> {
        let has = |sign: &[u8]| memmem::find(line, sign).is_some();
        let [bar, boxes @ ..] = BARS;
        // psql leaves out the outer ones.
        if line.trim_ascii_start().starts_with(bar) || has(b" | ") {
            return Some(Self::Bar(bar));
        }
        let byte = b"\t,;".iter().copied().find(|&sign| memchr(sign, line).is_some());
        let bar = || boxes.into_iter().find(|bar| has(bar)).map(Self::Bar);
        let gap = || memmem::find(line.trim_ascii(), b"  ").map(|_| Self::Gap);
        byte.map(Self::Byte).or_else(bar).or_else(gap)
    }

    /// Where the next one stands, and how long it is.
    fn next(self, text: &[u8]) -> Option<(usize, usize)> {
        match self {
            Self::Byte(byte) => memchr(byte, text).map(|at| (at, 1)),
            Self::Bar(bar) => memmem::find(text, bar).map(|at| (at, bar.len())),
            Self::Gap => {
                memmem::find(text, b"  ").map(|at| (at, over(text, at, usize::MAX, b" ") - at))
            }
        }
    }
}

/// The cells of a line. A quote at the beginning of one lets it hold what separates them.
fn cells(
    text: &[u8],
    line: Range<usize>,
    sign: Option<Sign>,
) -> impl Iterator<Item = Range<usize>> {
    let line = match sign {
        Some(Sign::Bar(bar)) => within(text, line, bar),
        Some(Sign::Gap) => within(text, line, b""),
        _ => line,
    };
    let mut from = Some(line.start);
    std::iter::from_fn(move || {
        let start = from?;
        let rest = part(text, &(start..line.end));
        let quoted = if rest.first() == Some(&b'"') { closed(rest) } else { 0 };
        let tail = rest.get(quoted..).unwrap_or_default();
        let next =
            sign.and_then(|sign| sign.next(tail)).map(|(at, len)| (start + quoted + at, len));
        from = next.map(|(at, len)| at + len);
        Some(start..next.map_or(line.end, |(at, _)| at))
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

/// Without the spaces and the bars at both ends of a line.
fn within(text: &[u8], line: Range<usize>, bar: &[u8]) -> Range<usize> {
    let inner = part(text, &line);
    let lead = inner.len() - inner.trim_ascii_start().len();
    let opens = inner.get(lead..).is_some_and(|rest| rest.starts_with(bar));
    let start = line.start + lead + if opens { bar.len() } else { 0 };
    let end = inner.trim_ascii_end();
    let end = end.strip_suffix(bar).unwrap_or(end).len() + line.start;
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
