//! Account ids that what stands around them tells: below the key `accounts`, in columns, in
//! lines of flow logs.

use std::ops::Range;

use memchr::memchr;

use crate::detect::boundary::{left_of, right_of};
use crate::detect::context::bytes::over;
use crate::detect::context::columns::{self, Wanted, line_around, line_behind};
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::shape::{Shape, is_account};
use crate::detect::context::{Context, Name};

/// How keys end that hold accounts by their names, without separators.
const MAPS: [&[u8]; 4] = [b"accounts", b"accountids", b"accountmap", b"accountmapping"];
/// Longer lists are read so far.
const ENTRIES: usize = 4096;
/// The shortest id of a network interface.
const INTERFACE: usize = 8;
/// `1234-5678-9012`
const GROUPED: usize = 14;
/// Spaces and quotes between a key and its value.
const BETWEEN: usize = 64;
/// Spaces and line breaks between two entries.
const BREAKS: usize = 256;

impl Context {
    /// The word `account`, which may stand in the head of a table or in a key.
    pub(crate) fn accounts(&self, text: &[u8], at: usize, out: &mut Findings) {
        let Some(rule) = self.rules.iter().find(|rule| rule.value == Shape::Account) else {
            return;
        };
        let (kind, alone) = (rule.kind, true);
        let names = |head: &[u8]| rule.has_label(&Name::new(head));
        let all = &mut out.all;
        let wanted = Wanted { names, is: is_account, single: true, again: true };
        columns::below(text, at, &wanted, &mut out.columns, |span| {
            all.push(Named { span, kind, alone });
        });
        if at >= out.lists {
            out.lists = map(text, at, |span| all.push(Named { span, kind, alone }));
        }
    }
}

/// `… 481726350914 eni-0123456789abcdef0 …` of a flow log, and `481726350914:/aws/lambda/x`,
/// as CloudWatch names a group of logs.
pub(super) fn is_evident(text: &[u8], span: &Range<usize>) -> bool {
    let rest = text.get(span.end..).unwrap_or_default();
    let interface = |rest: &[u8]| {
        let digits = rest.iter().take(INTERFACE).take_while(|b| b.is_ascii_hexdigit()).count();
        digits == INTERFACE
    };
    match rest {
        [b' ' | b'\t', b'e', b'n', b'i', b'-', rest @ ..] => interface(rest),
        _ => rest.starts_with(b":/aws/"),
    }
}

/// Is this the whole of a text in quotes?
pub(super) fn is_quoted(text: &[u8], span: &Range<usize>) -> bool {
    let before = span.start.checked_sub(1).and_then(|at| text.get(at));
    before == Some(&b'"') && matches!(text.get(span.end), Some(b'"' | b'\\'))
}

/// `accounts:` and, in braces or below it, names with their ids. Gives how far it was read.
fn map(text: &[u8], at: usize, found: impl FnMut(Range<usize>)) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    let len = rest.iter().take(Name::LONGEST).take_while(of_key).count();
    let key = Name::new(rest.get(..len).unwrap_or_default());
    if !MAPS.iter().any(|ending| key.as_bytes().ends_with(ending)) {
        return at;
    }
    let sign = over(text, at + len, BETWEEN, b"\\\"'` ");
    let from = match text.get(sign..) {
        Some([b'=', b'>', ..]) => sign + 2,
        Some([b':' | b'=', ..]) => sign + 1,
        _ => return at,
    };
    let from = over(text, from, BETWEEN, b" ");
    match text.get(from..) {
        Some([b'{', ..]) => entries(text, from + 1, true, found),
        Some([b'[', ..]) => entries(text, from + 1, false, found),
        Some([b'\n' | b'\r' | b'|', ..] | [b'\\', b'n', ..]) => indented(text, at, found),
        _ => at,
    }
}

/// `{"prod": "481726350914", "dev": "…"}`, also as HCL writes it, and lists of them. A value of
/// another kind ends it.
fn entries(text: &[u8], from: usize, keyed: bool, mut found: impl FnMut(Range<usize>)) -> usize {
    let mut at = from;
    for _ in 0..ENTRIES {
        let start = skip_breaks(text, at);
        let value = if keyed { behind_key(text, start) } else { Some(start) };
        let Some(span) = value.and_then(|from| account(text, from)) else { break };
        at = over(text, span.end, BETWEEN, b"\\\"'`");
        found(span);
    }
    at
}

fn behind_key(text: &[u8], start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-./ ".contains(b);
    let len = rest.iter().take(Name::LONGEST).take_while(of_key).count();
    let sign = over(text, start + len, BETWEEN, b"\\\"'` ");
    match text.get(sign..)? {
        [b'=', b'>', ..] => Some(sign + 2),
        [b':' | b'=', ..] if len > 0 => Some(sign + 1),
        _ => None,
    }
}

/// Lines that stand further to the right than their key: `prod: "481726350914"`, and the items of
/// a list, `- "481726350914"`.
fn indented(text: &[u8], at: usize, mut found: impl FnMut(Range<usize>)) -> usize {
    let mut line = line_around(text, at);
    let depth = indent(text, &line);
    let mut first = None;
    for _ in 0..ENTRIES {
        let Some(next) = line_behind(text, &line) else { break };
        let inner = indent(text, &next);
        let whole = text.get(next.clone()).unwrap_or_default();
        let item = whole.trim_ascii_start().starts_with(b"- ");
        if whole.trim_ascii().is_empty() || inner < depth || (inner == depth && !item) {
            break;
        }
        let value = if item { Some(inner + 1) } else { memchr(b':', whole).map(|sign| sign + 1) };
        let value = value.filter(|_| inner == *first.get_or_insert(inner));
        // `- prod: 481726350914`
        let named = || Some(next.start + memchr(b':', whole).filter(|_| item)? + 1);
        let found_in = |from| account(text, next.start + from);
        let span = value.and_then(found_in).or_else(|| account(text, named()?));
        if item && span.is_none() {
            break;
        }
        if let Some(span) = span {
            found(span);
        }
        line = next;
    }
    line.end
}

fn indent(text: &[u8], line: &Range<usize>) -> usize {
    let line = text.get(line.clone()).unwrap_or_default();
    line.iter().take_while(|b| **b == b' ').count()
}

/// The account id that is the whole of a value.
fn account(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = over(text, from, BETWEEN, b"\\\"'` ");
    let near = text.get(start..text.len().min(start + GROUPED)).unwrap_or_default();
    let of_id = |b: &&u8| b.is_ascii_digit() || **b == b'-';
    let span = start..start + near.iter().take_while(of_id).count();
    let whole = is_account(text.get(span.clone())?) && left_of(text, span.start);
    let ends = text.get(span.end).is_none_or(|b| b" \t\r\n,}\"'`\\#".contains(b));
    (whole && ends && right_of(text, span.end)).then_some(span)
}

/// Behind what separates entries: commas, spaces, line breaks, also escaped.
fn skip_breaks(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..).filter(|_| at < from + BREAKS) {
        at += match rest {
            [b'\\', b'n' | b't' | b'r', ..] => 2,
            [b' ' | b'\t' | b'\r' | b'\n' | b',' | b'\\' | b'"' | b'\'', ..] => 1,
            _ => break,
        };
    }
    at
}
