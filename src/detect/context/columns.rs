//! Columns of account ids and secrets: the line above says what stands below, in CSV, between tabs,
//! between the bars of Markdown and of boxes, and where spaces set columns apart.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use crate::detect::boundary::any_masked;
use crate::detect::context::bytes::{ends_with, line, line_start, over, part};

/// No name of a column is longer.
const HEAD: usize = 64;
/// No row is longer.
const ROW: usize = 1024;
/// None has more words.
const WORDS: usize = 4;
/// How heads above names end, and above their values.
const NAMES: [&[u8]; 9] = [
    b"name",
    b"key",
    b"variable",
    b"setting",
    b"parameter",
    b"secret",
    b"property",
    b"option",
    b"env",
];
const VALUES: [&[u8]; 2] = [b"value", b"values"];
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
    /// Another head may follow. Not where rows may be called like heads: what is masked in one
    /// would make it none.
    pub again: bool,
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
    let Some(mut head) = Head::new(text, &line, &wanted.names, wanted.single) else { return };
    while let Some(next) = line_behind(text, &line) {
        // A row may be called like a head, but holds what is looked for.
        let other = || Head::new(text, &next, &wanted.names, wanted.single);
        match head.row(text, &next, wanted.is, &mut found) {
            Row::Holds => {}
            row => match other().filter(|_| wanted.again) {
                Some(other) => head = other,
                None if row == Row::Ends => return,
                None => {}
            },
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
        let names = move |head: &[u8]| named.iter().any(|name| ends_with(head, name));
        Head::new(text, &line, &names, false)
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

/// May this end a cell of a line that has others?
pub(in crate::detect) fn may_be_head(text: &[u8], span: &Range<usize>) -> bool {
    let (head, tail) = (text.get(..span.start), text.get(span.end..));
    let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b" _-".contains(b);
    let name = head.iter().rev().take(HEAD).take_while(of_name).count();
    let named = head.get(..head.len() - name).unwrap_or_default();
    let head = without(named);
    let right = tail.iter().take(HEAD).take_while(|b| AROUND_NAME.contains(b)).count();
    let (gap, tail) = tail.split_at_checked(right).unwrap_or_default();
    let apart = |gap: &[u8]| gap.contains(&b'\t') || memmem::find(gap, b"  ").is_some();
    let bar = |text: &[u8], is: fn(&[u8], &[u8]) -> bool| BARS.iter().any(|bar| is(text, bar));
    let begins = matches!(head, [] | [.., b'\n' | b',' | b';'] | [.., b'\\', b'n'])
        || bar(head, |head, bar| head.ends_with(bar));
    let ends = matches!(tail, [] | [b'\n' | b'\r' | b'\\' | b',' | b';', ..])
        || bar(tail, |tail, bar| tail.starts_with(bar));
    (begins || apart(named.get(head.len()..).unwrap_or_default())) && (ends || apart(gap))
}

/// The next cell of a row between bars, if a name that is the whole of its cell ends at `at`.
pub(super) fn next_cell(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = over(text, at, HEAD, AROUND_NAME);
    let rest = text.get(end..)?;
    let bar = BARS.iter().find(|bar| rest.starts_with(bar)).filter(|_| spaced(text, end))?;
    let start = line_start(text.get(at.saturating_sub(ROW)..at)?) + at.saturating_sub(ROW);
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.:/-".contains(b);
    let head = text.get(start..at)?;
    let name = head.iter().rev().take_while(of_name).count();
    let before = without(head.get(..head.len() - name)?);
    let near = rest.get(..ROW).unwrap_or(rest);
    let near = near.get(bar.len()..line(near).0)?;
    // All of the row stands between bars: in code, few lines do.
    let opens = BARS.iter().any(|bar| head.trim_ascii_start().starts_with(bar));
    let closes = BARS.iter().any(|bar| near.trim_ascii_end().ends_with(bar));
    let begins = BARS.iter().any(|bar| before.ends_with(bar));
    let len = BARS.iter().filter_map(|bar| memmem::find(near, bar)).min()?;
    let cell = end + bar.len()..end + bar.len() + len;
    (opens && begins && closes && spaced(text, cell.end)).then(|| trimmed(text, cell))
}

/// Does a space stand before this?
fn spaced(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|at| text.get(at)) == Some(&b' ')
}

/// Without what stands around a name at its end.
fn without(head: &[u8]) -> &[u8] {
    let drop = head.iter().rev().take(HEAD).take_while(|b| AROUND_NAME.contains(b)).count();
    head.get(..head.len() - drop).unwrap_or_default()
}

/// What a line is to the table above it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    /// A row with what is looked for.
    Holds,
    Fits,
    Ends,
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
    /// If the line names a column of `names`. `single`: it need not name others.
    fn new(
        text: &[u8],
        line: &Range<usize>,
        names: &impl Fn(&[u8]) -> bool,
        single: bool,
    ) -> Option<Self> {
        let sign = Sign::of(part(text, line));
        let heads = || cells(text, line.clone(), sign).map(|cell| part(text, &trimmed(text, cell)));
        if (sign.is_none() && !single) || !heads().all(is_head) {
            return None;
        }
        let named = |(at, head): (usize, &[u8])| names(head).then_some(at);
        let wanted: Vec<_> = heads().enumerate().filter_map(named).collect();
        (!wanted.is_empty()).then(|| Self { sign, count: heads().count(), wanted })
    }

    /// What a line is below this head.
    fn row(
        &self,
        text: &[u8],
        line: &Range<usize>,
        is: fn(&[u8]) -> bool,
        mut found: impl FnMut(Range<usize>),
    ) -> Row {
        if is_rule(part(text, line)) {
            return Row::Fits;
        }
        let cells = || cells(text, line.clone(), self.sign);
        let mut any = false;
        if cells().count() != self.count {
            return Row::Ends;
        }
        for (_, cell) in cells().enumerate().filter(|(at, _)| self.wanted.binary_search(at).is_ok())
        {
            let cell = trimmed(text, cell);
            if is(part(text, &cell)) {
                any = true;
                found(cell);
            }
        }
        match (any, self.sign) {
            (true, _) => Row::Holds,
            (false, Some(_)) => Row::Fits,
            // Of a single column, what is none ends it.
            (false, None) => Row::Ends,
        }
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
    /// Tabs, as many as fill the column.
    Tabs,
}

impl Sign {
    fn of(line: &[u8]) -> Option<Self> {
        let has = |sign: &[u8]| memmem::find(line, sign).is_some();
        let [bar, boxes @ ..] = BARS;
        // psql leaves out the outer ones.
        if line.trim_ascii_start().starts_with(bar) || has(b" | ") {
            return Some(Self::Bar(bar));
        }
        if has(b"\t\t") {
            return Some(Self::Tabs);
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
            Self::Tabs => {
                memchr(b'\t', text).map(|at| (at, over(text, at, usize::MAX, b"\t") - at))
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
    let mut rest = inner.get(lead..).unwrap_or_default().trim_ascii_end();
    let mut start = line.start + lead;
    // The AWS CLI nests tables between two bars.
    while let Some(next) = rest.strip_prefix(bar).filter(|_| !bar.is_empty()) {
        (rest, start) = (next, start + bar.len());
    }
    while let Some(next) = rest.strip_suffix(bar).filter(|_| !bar.is_empty()) {
        rest = next;
    }
    start..start + rest.len()
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
    line_from(text, line_start(text.get(..at).unwrap_or_default()))
}

fn line_from(text: &[u8], start: usize) -> Range<usize> {
    start..start + line(text.get(start..).unwrap_or_default()).0
}

/// The line behind this one.
pub(super) fn line_behind(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    match text.get(line.end..)? {
        [b'\n', ..] => Some(line_from(text, line.end + 1)),
        [b'\\', b'n', ..] => Some(line_from(text, line.end + 2)),
        _ => None,
    }
}
