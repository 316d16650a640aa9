//! The values in what a command printed: text with tabs, tables, JSON, YAML, CSV.

use std::ops::Range;

use crate::detect::boundary::{control, holds_masked};
use crate::detect::context::names::{plain, single};
use crate::detect::context::printed::strings::strings;
use crate::detect::context::printed::table;
use crate::detect::context::printed::{Column, Columns, Holds};
use crate::detect::deep::ESCAPE;

/// Where a value stands.
pub(super) type Cell = Range<usize>;

/// Secrets that nobody chose or made by chance are as long.
const SECRET: std::ops::RangeInclusive<usize> = 6..=256;
/// What is printed instead of one.
const NONE: [&[u8]; 6] = [b"undefined", b"(null)", b"<nil>", b"nothing", b"missing", b"default"];

/// Cells behind the name of a list: an item, and its date.
const LISTED: usize = 2;
/// What follows the name of what is listed: `tables`, `TableNames`, `queueUrls`.
const LISTS: [&[u8]; 7] = [b"s", b"es", b"names", b"ids", b"arns", b"urls", b"identifiers"];
/// What messages say instead of a secret.
const MESSAGES: [&str; 16] = [
    "error",
    "not found",
    "no such",
    "denied",
    "cannot",
    "can't",
    "could not",
    "failed",
    "unable",
    "invalid",
    "usage",
    "no output",
    "empty",
    "expired",
    "does not",
    "not set",
];

/// Calls `found` with the values of each line, and the column that each is in.
pub(super) fn each(text: &[u8], columns: &Columns, found: &mut impl FnMut(Cell, &Column)) {
    let mut sorted: Vec<&Column> = columns.all.iter().collect();
    sorted.sort_by_key(|column| &column.alias);
    let head = plain(&columns.operation);
    let mut reader = Reader {
        text,
        columns,
        sorted,
        head,
        item: 0,
        objects: false,
        aliases: false,
        below: false,
    };
    reader.objects = lines(text).any(|line| {
        let line = text.get(line).unwrap_or_default();
        line.starts_with(b"{") || line.ends_with(b"{")
    });
    reader.aliases = columns.all.iter().any(|column| column.alias.is_some());
    for line in lines(text) {
        reader.line(&line, found);
    }
}

struct Reader<'t> {
    text: &'t [u8],
    columns: &'t Columns,
    /// As text has them: the values of objects by the order of their keys.
    sorted: Vec<&'t Column>,
    /// What tables have in their first line.
    head: Vec<u8>,
    /// In JSON, items of a list inside of a list are the columns.
    item: usize,
    /// The answer holds objects: what stands alone on a line is of a list in one of them.
    objects: bool,
    aliases: bool,
    /// Below the key of what is listed.
    below: bool,
}

impl<'t> Reader<'t> {
    fn line(&mut self, line: &Cell, found: &mut impl FnMut(Cell, &'t Column)) {
        let whole = self.text.get(line.clone()).unwrap_or_default();
        match whole {
            _ if self.columns.whole => self.listed(line, found),
            [] => {}
            [b'[' | b']' | b'{' | b'}'] => self.item = 0,
            [b'"' | b'[' | b'{', ..] => self.json(line, found),
            [b'|', inner @ .., b'|'] => {
                let inner = line.start + 1..line.start + 1 + inner.len();
                self.row(split(self.text, &inner, b'|'), found);
            }
            _ if self.aliases && self.field(line, found) => {}
            [b'-', b' ', ..] => self.row(vec![trim(self.text, line.start + 2..line.end)], found),
            _ => {
                self.item += 1;
                let tabs = split(self.text, line, b'\t');
                let one = tabs.len() > 1 || self.columns.all.len() == 1;
                let words = || split(self.text, line, b' ').into_iter().filter(|c| !c.is_empty());
                self.row(if one { tabs } else { words().collect() }, found);
            }
        }
    }

    /// The cells of a row of text.
    fn row(&self, cells: Vec<Cell>, found: &mut impl FnMut(Cell, &'t Column)) {
        match self.sorted.as_slice() {
            [column] if !matches!(column.holds, Holds::Account(_)) => {
                cells.into_iter().filter(|cell| self.is_value(cell)).for_each(|c| found(c, column));
            }
            all if cells.len() == all.len() && cells.iter().any(|cell| self.is_value(cell)) => {
                cells.into_iter().zip(all).for_each(|(cell, column)| found(cell, column));
            }
            all => {
                // An account is known by its shape, wherever it stands.
                let account = all.iter().find(|column| matches!(column.holds, Holds::Account(_)));
                let Some(own) = account else { return };
                let words = cells.iter().flat_map(|cell| split(self.text, cell, b' '));
                words.for_each(|word| found(word, own));
            }
        }
    }

    /// Neither prose nor the head of a table.
    fn is_value(&self, cell: &Cell) -> bool {
        let value = self.text.get(cell.clone()).unwrap_or_default();
        let head = || !self.head.is_empty() && plain(value).ends_with(&self.head);
        let alias =
            || self.aliases && self.sorted.iter().any(|c| c.alias.as_deref() == Some(value));
        !value.is_empty() && !value.contains(&b' ') && !head() && !alias()
    }

    /// `alias: value`, as YAML has it.
    fn field(&self, line: &Cell, found: &mut impl FnMut(Cell, &'t Column)) -> bool {
        let whole = self.text.get(line.clone()).unwrap_or_default();
        let item = if whole.starts_with(b"- ") { 2 } else { 0 };
        let Some(colon) = memchr::memmem::find(whole, b": ") else { return false };
        let key = line.start + item..line.start + colon;
        let of_key = |b: &u8| b.is_ascii_alphanumeric() || b"_-\"'".contains(b);
        if !self.text.get(key.clone()).is_some_and(|key| key.iter().all(of_key)) {
            return false;
        }
        if let Some(column) = self.column(&key) {
            found(trim(self.text, line.start + colon + 2..line.end), column);
        }
        true
    }

    fn json(&mut self, line: &Cell, found: &mut impl FnMut(Cell, &'t Column)) {
        let Columns { all, .. } = self.columns;
        let strings = strings(self.text, line);
        if strings.iter().any(|(_, key)| *key) {
            for pair in strings.windows(2) {
                if let [(key, true), (value, false)] = pair
                    && let Some(column) = self.column(key)
                {
                    found(value.clone(), column);
                }
            }
            return;
        }
        if self.objects && !self.aliases {
            return;
        }
        match (all.as_slice(), strings.as_slice()) {
            ([column], values) => values.iter().for_each(|(value, _)| found(value.clone(), column)),
            (_, [(value, _)]) => {
                if let Some(column) = all.get(self.item) {
                    found(value.clone(), column);
                }
                self.item += 1;
            }
            // A list, or a line of CSV.
            (_, values) if values.len() == all.len() => {
                values
                    .iter()
                    .zip(all)
                    .for_each(|((value, _), column)| found(value.clone(), column));
            }
            _ => {}
        }
    }

    /// A line of a whole answer: `"clusters": [`, `clusters:`, or `CLUSTERS` before a tab.
    fn listed(&mut self, line: &Cell, found: &mut impl FnMut(Cell, &'t Column)) {
        let [column] = self.columns.all.as_slice() else { return };
        let mut values = Vec::new();
        match self.text.get(line.clone()).unwrap_or_default() {
            [b'"' | b'[' | b'{', ..] => {
                for (cell, key) in strings(self.text, line) {
                    match key {
                        true => self.below = self.lists(&cell),
                        false if self.below => values.push(cell),
                        false => {}
                    }
                }
            }
            // Not the first key of an object.
            [b'-', b' ', inner @ ..] if self.below => {
                let value = trim(self.text, line.start + 2..line.end);
                values.extend((!inner.ends_with(b":")).then_some(value));
            }
            [b'|', .., b'|'] => match table::cells(self.text, line).as_slice() {
                [cell] if self.lists(cell) => self.below = true,
                [cell] if self.below => values.push(cell.clone()),
                _ => {}
            },
            [.., b':'] => self.below = self.lists(&(line.start..line.end - 1)),
            _ => {
                // Of a list each has its own row, or one with its date; of others there is more.
                let mut cells = split(self.text, line, b'\t').into_iter();
                if cells.next().is_some_and(|key| self.lists(&key)) && cells.len() <= LISTED {
                    values.extend(cells);
                }
            }
        }
        values.into_iter().filter(|cell| self.is_value(cell)).for_each(|cell| found(cell, column));
    }

    /// Is this the key of what the operation lists? `TABLENAMES` of `list-tables`.
    fn lists(&self, key: &Cell) -> bool {
        let key = plain(self.text.get(key.clone()).unwrap_or_default());
        key.strip_prefix(single(&self.head)).is_some_and(|rest| LISTS.contains(&rest))
    }

    /// The column with this key.
    fn column(&self, key: &Cell) -> Option<&'t Column> {
        let key = self.text.get(key.clone());
        self.columns
            .all
            .iter()
            .find(|column| column.alias.is_some() && column.alias.as_deref() == key)
    }
}

/// The only word of each line, without quotes and colors; and whether it is one.
pub(super) fn words(text: &[u8]) -> Vec<(Cell, bool)> {
    let fence = |line: &Cell| text.get(line.clone()).is_some_and(|l| l.starts_with(b"```"));
    let full = lines(text).filter(|line| !line.is_empty() && !fence(line));
    full.map(|line| word(text, &line).map_or((line.start..line.start, false), |cell| (cell, true)))
        .collect()
}

/// The length of the number of a line, as tools put it before each: `1→`, or `1` and a tab.
pub(in crate::detect::context) fn number(line: &[u8]) -> usize {
    let digits = line.iter().take(7).take_while(|b| b.is_ascii_digit()).count();
    let rest = line.get(digits..).unwrap_or_default();
    let sign = [b"\t".as_slice(), "→".as_bytes()].into_iter().find(|sign| rest.starts_with(sign));
    sign.filter(|_| digits > 0).map_or(0, |sign| digits + sign.len())
}

fn word(text: &[u8], line: &Cell) -> Option<Cell> {
    let mut span = unnumbered(text, line);
    let colored = text.get(span.clone())?;
    if let Some(at) = memchr::memchr(ESCAPE, colored) {
        span.end = span.start + at;
    }
    if let [quote @ (b'"' | b'\''), .., end] = text.get(span.clone())?
        && quote == end
    {
        span = span.start + 1..span.end - 1;
    }
    let word = text.get(span.clone())?;
    let one = word.len() <= *SECRET.end() && word.iter().all(u8::is_ascii_graphic);
    (one && !word.is_empty()).then_some(span)
}

/// One word, without the quotes and colors around it.
pub(super) fn bare(text: &[u8], cell: &Cell) -> Option<Cell> {
    let whole = trim(text, cell.clone());
    let plain = |b: &u8| !b.is_ascii_whitespace() && !b.is_ascii_control();
    let other = || text.get(whole.clone()).is_some_and(|word| word.iter().all(plain));
    word(text, &whole).or_else(|| (!whole.is_empty() && other()).then(|| whole.clone()))
}

/// Without the number and the colors that stand before a line.
pub(super) fn unnumbered(text: &[u8], line: &Cell) -> Cell {
    let mut span = line.start + number(text.get(line.clone()).unwrap_or_default())..line.end;
    while let Some(len) = text.get(span.clone()).and_then(control) {
        span.start += len;
    }
    span
}

/// A secret of several words, or of other letters than ASCII's: all that a text holds. Messages
/// have signs that no phrase has.
pub(super) fn phrase(text: &[u8]) -> Option<Cell> {
    let mut full = lines(text).filter(|line| !line.is_empty());
    let (line, None) = (full.next()?, full.next()) else { return None };
    let whole = std::str::from_utf8(text.get(line.clone())?).ok()?;
    let plain = whole.to_ascii_lowercase();
    let says = |word: &&str| plain.contains(*word);
    let message = whole.contains(": ") || whole.ends_with('.') || MESSAGES.iter().any(says);
    let one = !whole.contains(char::is_control) && !whole.starts_with(['{', '[', '<', '`']);
    (one && !message && whole.len() <= *SECRET.end()).then_some(line)
}

/// May the answer of a command that prints a secret be one?
pub(super) fn may_be_secret(word: &[u8]) -> bool {
    let bracketed =
        matches!(word, [b'{', .., b'}'] | [b'[', .., b']'] | [b'<', .., b'>'] | [b'$' | b'/', ..]);
    SECRET.contains(&word.len())
        && !bracketed
        && !holds_masked(word)
        && !word.starts_with(b"arn:")
        && !NONE.iter().any(|none| word.eq_ignore_ascii_case(none))
}

/// All lines, without the spaces around them and the comma behind.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Cell> {
    let mut start = 0;
    text.split(|b| *b == b'\n').map(move |line| {
        let at = start;
        start += line.len() + 1;
        trim(text, at..at + line.len())
    })
}

fn trim(text: &[u8], span: Cell) -> Cell {
    let line = text.get(span.clone()).unwrap_or_default();
    let start = span.start + line.len() - line.trim_ascii_start().len();
    let line = line.trim_ascii();
    let line = line.strip_suffix(b",").unwrap_or(line);
    start..start + line.len()
}

pub(super) fn split(text: &[u8], span: &Cell, sign: u8) -> Vec<Cell> {
    let mut start = span.start;
    let line = text.get(span.clone()).unwrap_or_default();
    let cells = line.split(|b| *b == sign).map(|cell| {
        let at = start;
        start += cell.len() + 1;
        trim(text, at..at + cell.len())
    });
    cells.collect()
}
