//! Secrets of Kubernetes: `kind: Secret` says that all values of its `data` and `stringData` are
//! some, whatever their keys are.

mod tokens;

use std::ops::Range;

use crate::detect::boundary;
use crate::detect::classes::{is_region, is_typed_secret};
use crate::detect::context::password;
use crate::detect::context::printed::cells;

/// So many times a text may be read, however many kinds are said in it.
const READ: usize = 8;
/// No object stands deeper.
const DEPTH: usize = 64;
/// No more values are read.
const VALUES: usize = 1024;
/// The shortest: of what is encoded, and of what is not.
const SHORTEST: [usize; 2] = [8, 6];
const LONGEST: usize = 16 << 10;
/// The keys, and whether their values are encoded.
const BLOCKS: [(&[u8], bool); 2] = [(b"data", true), (b"stringData", false)];

/// The values of the secret whose kind is said at `kind`. `read`: how much was read so far.
pub(in crate::detect) fn values(
    text: &[u8],
    kind: Range<usize>,
    read: &mut usize,
    out: &mut Vec<Range<usize>>,
) {
    if *read > READ * text.len() {
        return;
    }
    let mut push = |value: Range<usize>, encoded| {
        let whole = text.get(value.clone()).unwrap_or_default();
        if is_value(whole, encoded) && boundary::fits(text, &value) {
            out.push(value);
        }
    };
    // `"kind": "Secret"`, or a line of YAML.
    if text.get(kind.clone()).is_some_and(|kind| kind.starts_with(b"kind\"")) {
        if text.get(kind.end) != Some(&b'"') {
            return;
        }
        let behind = tokens::behind(text, kind.end + 1);
        let before = tokens::before(text, kind.start.saturating_sub(1));
        for part in [before, behind] {
            *read += part.read;
            BLOCKS.iter().for_each(|(name, encoded)| {
                let values = part.strings(text, name).into_iter().take(VALUES);
                values.for_each(|value| push(value, *encoded));
            });
        }
    } else if let Some(lines) = Lines::of(text, &kind) {
        *read += DEPTH + lines.object.len();
        lines.values(&mut push);
    } else {
        *read += DEPTH;
    }
}

fn is_value(value: &[u8], encoded: bool) -> bool {
    let [short, plain] = SHORTEST;
    let of_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    let template = value.windows(2).any(|two| two == b"{{" || two == b"${" || two == b"$(");
    match encoded {
        true => value.len() >= short && value.iter().all(of_base64),
        false => value.len() >= plain && !template && is_typed_secret(value) && !is_region(value),
    }
}

/// The lines of an object of YAML.
struct Lines<'t> {
    text: &'t [u8],
    object: Range<usize>,
    /// How deep its keys are.
    depth: usize,
    gutter: Gutter,
}

/// What tools put before each line.
#[derive(Clone, Copy)]
enum Gutter {
    None,
    /// Its number.
    Number,
    /// The sign of a difference.
    Sign,
}

impl Gutter {
    fn of(self, line: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Number => {
                let gap = line.iter().take(8).take_while(|b| **b == b' ').count();
                let number = cells::number(line.get(gap..).unwrap_or_default());
                if number > 0 { gap + number } else { 0 }
            }
            Self::Sign => usize::from(line.first().is_some_and(|b| b"+- ".contains(b))),
        }
    }
}

/// Spaces, and the hyphen of an item, before what stands in a line.
fn own(line: &[u8]) -> usize {
    line.iter().take_while(|b| b" -".contains(b)).count()
}

impl<'t> Lines<'t> {
    /// Of the object whose kind this is.
    fn of(text: &'t [u8], kind: &Range<usize>) -> Option<Self> {
        let head = text.get(kind.start.saturating_sub(DEPTH)..kind.start)?;
        let before = head.iter().rev().take_while(|b| **b != b'\n').count();
        let start = kind.start - before;
        let head = text.get(start..kind.start)?;
        let mut gutter = [Gutter::None, Gutter::Number, Gutter::Sign].into_iter();
        let gutter =
            gutter.find(|gutter| head.get(gutter.of(head)..).is_some_and(|h| own(h) == h.len()))?;
        let behind = text.get(kind.end..)?;
        let behind = behind.strip_prefix(b"\"").unwrap_or(behind);
        if start > 0 && text.get(start - 1) != Some(&b'\n')
            || !matches!(behind, [] | [b'\r' | b'\n' | b' ', ..])
        {
            return None;
        }
        let depth = before - gutter.of(head);
        let this = Self { text, object: start..start, depth, gutter };
        let (mut from, mut until) = (start, start);
        if !this.is_item(text.get(start..)?) {
            let lines = text.get(..start)?.split_inclusive(|b| *b == b'\n').rev();
            for line in lines.take_while(|line| !this.is_other(line)) {
                from -= line.len();
                if this.is_item(line) {
                    break;
                }
            }
        }
        let mut rest = text.get(start..)?.split_inclusive(|b| *b == b'\n');
        until += rest.next().map_or(0, <[u8]>::len);
        for line in rest.take_while(|line| !this.is_other(line) && !this.is_item(line)) {
            until += line.len();
        }
        Some(Self { object: from..until, ..this })
    }

    fn inner<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        line.get(self.gutter.of(line)..).unwrap_or_default()
    }

    /// Does another object begin, or this one end?
    fn is_other(&self, line: &[u8]) -> bool {
        let line = self.inner(line);
        let rest = line.get(own(line)..).unwrap_or_default();
        let full = !rest.trim_ascii().is_empty();
        let kind = own(line) == self.depth && rest.starts_with(b"kind:");
        line.starts_with(b"---") || (full && (own(line) < self.depth || kind))
    }

    /// Does an item of a list begin?
    fn is_item(&self, line: &[u8]) -> bool {
        let line = self.inner(line);
        own(line) == self.depth && line.get(..self.depth).is_some_and(|l| l.contains(&b'-'))
    }

    /// What stands in the blocks.
    fn values(&self, found: &mut impl FnMut(Range<usize>, bool)) {
        let (mut inside, mut keys, mut left) = (None, None, VALUES);
        let mut start = self.object.start;
        let object = self.text.get(self.object.clone()).unwrap_or_default();
        for whole in object.split_inclusive(|b| *b == b'\n') {
            let line = self.inner(whole).trim_ascii_end();
            let at = start + self.gutter.of(whole);
            start += whole.len();
            let own = own(line);
            let rest = line.get(own..).unwrap_or_default();
            if rest.is_empty() {
                continue;
            }
            if own <= self.depth {
                let is = |name: &[u8]| {
                    let behind = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix(b":"));
                    behind.is_some_and(|rest| matches!(rest.trim_ascii_start(), [] | [b'#', ..]))
                };
                inside = BLOCKS.iter().find(|(name, _)| own == self.depth && is(name));
                (keys, left) = (None, VALUES);
            } else if let Some((_, encoded)) = inside
                && left > 0
            {
                left -= 1;
                let value =
                    if own == *keys.get_or_insert(own) { value_of(rest) } else { word(rest) };
                if let Some(value) = value {
                    found(at + own + value.start..at + own + value.end, *encoded);
                }
            }
        }
    }
}

/// What a line of YAML holds behind a key.
fn value_of(line: &[u8]) -> Option<Range<usize>> {
    let colon = memchr::memmem::find(line, b": ")? + 2;
    let rest = line.get(colon..)?;
    let gap = rest.len() - rest.trim_ascii_start().len();
    let (start, rest) = (colon + gap, rest.get(gap..)?);
    let span = match rest {
        [quote @ (b'"' | b'\''), inner @ ..] => {
            let len = inner.iter().position(|b| b == quote).unwrap_or(inner.len());
            start + 1..start + 1 + len
        }
        [b'|' | b'>' | b'{' | b'[' | b'&' | b'*' | b'#', ..] => return None,
        _ => start..start + memchr::memmem::find(rest, b" #").unwrap_or(rest.len()),
    };
    (!span.is_empty() && span.len() <= LONGEST).then_some(span)
}

/// A line of a value of several lines, if it is one word that no program wrote.
fn word(line: &[u8]) -> Option<Range<usize>> {
    let end = line.len() - usize::from(line.last().is_some_and(|b| b"\"'".contains(b)));
    let word = line.get(..end)?;
    let plain = word.iter().all(|b| b.is_ascii_graphic() && !b"=:#,;{}()<>\"'".contains(b));
    (plain && password::is_password(word, true)).then_some(0..end)
}
