//! The value that stands behind a key: in quotes, plain, in a list, in an element.

use std::ops::Range;

use memchr::memmem;

use crate::detect::context::bytes::{line_start, over};
use crate::detect::context::code::unwrapped;
use crate::detect::context::named::{Before, Findings, Named};
use crate::detect::context::names::{Key, may_end, plain};
use crate::detect::context::password::{described, place};
use crate::detect::context::terraform::arrow;
use crate::detect::context::value;

/// Spaces and quotes between a key and its value.
const BETWEEN: usize = 24;
/// Longer lists are read so far.
const ITEMS: usize = 256;
/// No item is longer.
const LINE: usize = 256;
/// What may stand behind a value without quotes, in code, markup and sentences.
const ENDS: &[u8] = b"\\\"'`|;&),<>]}*!?~";
/// Tags of YAML before a text.
const TAGS: [&[u8]; 2] = [b"!str ", b"!!str "];
/// No parameter of CloudFormation with a default is longer.
const PARAMETER: usize = 240;

/// What manuals call a bucket.
const EXAMPLES: [&[u8]; 10] =
    [b"my", b"your", b"our", b"some", b"example", b"sample", b"test", b"demo", b"name", b"foo"];

/// `FunctionName`, as in AWS's own data.
pub(super) fn is_pascal(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().all(u8::is_ascii_alphanumeric)
}

/// `<FunctionName>VALUE</FunctionName>`
pub(super) fn xml(text: &[u8], from: usize, before: &Before<'_>, out: &mut Findings) {
    let opened = before.start.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'<');
    let span = value::run(text, from);
    if !opened || text.get(span.end..span.end + 2) != Some(b"</") {
        return;
    }
    let Key { kind, alone, .. } = before.key;
    let name = value::name(text, span, before.word);
    out.all.extend(name.map(|span| Named { span, kind, alone }));
}

/// `"FunctionName": "VALUE"`, `function_name = "VALUE"`, `FunctionName: VALUE`
pub(super) fn assigned(text: &[u8], from: usize, before: &Before<'_>, out: &mut Findings) {
    let Key { kind, alone, list, .. } = before.key;
    let start = elsewhere(text, from)
        .unwrap_or_else(|| described(text, over(text, from, BETWEEN, b" \t*")));
    let start = place::behind_prefix(text, unwrapped(text, start));
    let alone = alone || (before.quoted && is_pascal(before.word));
    let mut push = |span, sure| {
        let name = value::name(text, span, before.word);
        out.all.extend(name.map(|span| {
            let value = text.get(span.clone()).unwrap_or_default();
            Named { span, kind, alone: alone || sure || is_bucket(before.word, value) }
        }));
    };
    if let Some((span, _)) = quoted(text, start, before.key) {
        // Of a plan, `"old" -> "new"`: nobody else writes so.
        let new = arrow(text, span.end).map(|open| run_for(before.key, text, open));
        let sure = new.is_some();
        [Some(span), new].into_iter().flatten().for_each(|span| push(span, sure));
    } else if text.get(start) == Some(&b'[') {
        let mut at = start + 1;
        while let Some((span, end)) =
            quoted(text, over(text, at, BETWEEN, b" \t\r\n,\\"), before.key)
        {
            push(span, false);
            at = end;
        }
    } else if let Some(default) = default(text, start, before) {
        push(default, is_pascal(before.word));
    } else if let Some(first) = next_line(text, start) {
        block(text, first, before, |span| push(span, false));
    } else if !list {
        let span = value::run(text, start);
        if is_plain(text, &span, before) || is_setting(text, &span, before) {
            push(span, false);
        }
    }
}

/// `bucket_name == "VALUE"`: any word may be compared, so that it must look like a name.
pub(super) fn compared(text: &[u8], from: usize, before: &Before<'_>, out: &mut Findings) {
    let start = over(text, from, BETWEEN, b" ");
    let Some((span, _)) = quoted(text, start, before.key) else { return };
    let Key { kind, alone, .. } = before.key;
    let name = value::name(text, span, before.word);
    let name = name.filter(|span| text.get(span.clone()).is_some_and(value::is_distinct));
    out.all.extend(name.map(|span| Named { span, kind, alone }));
}

/// Where a value begins that stands behind its type, behind an anchor or a tag of YAML, or in the
/// lines below.
fn elsewhere(text: &[u8], from: usize) -> Option<usize> {
    if text.get(from.checked_sub(1)?) != Some(&b':') {
        return None;
    }
    let start = over(text, from, BETWEEN, b" \t");
    let rest = text.get(start..)?;
    let tag = TAGS.iter().find(|tag| rest.starts_with(tag));
    let anchor = || Some(place::behind_anchor(text, start)).filter(|at| *at > start);
    tag.map(|tag| start + tag.len()).or_else(|| place::elsewhere(text, from)).or_else(anchor)
}

/// What a parameter of CloudFormation is unless it is given, whose block begins here: `Type: String`
/// and `Default: VALUE`, in any order.
fn default(text: &[u8], at: usize, before: &Before<'_>) -> Option<Range<usize>> {
    let opened = over(text, at, BETWEEN, b" {");
    let from = next_line(text, opened).or_else(|| (opened > at).then_some(opened))?;
    let near = text.get(from..)?;
    let near = near.get(..PARAMETER).unwrap_or(near);
    let typed = memmem::find(near, b"Type")?;
    // Of the first of several.
    let until =
        memmem::find(near.get(typed + 4..)?, b"Type").map_or(near.len(), |at| typed + 4 + at);
    let near = near.get(..until)?;
    let sign = over(near, typed + 4, 4, b"\" :");
    let known = [b"String".as_slice(), b"AWS::", b"CommaDelimitedList"];
    let of_cloudformation =
        known.iter().any(|word| near.get(sign..).is_some_and(|r| r.starts_with(word)));
    let found = memmem::find(near, b"Default").filter(|_| of_cloudformation)? + b"Default".len();
    let sign = over(near, found, 4, b"\"' ");
    let begin = (near.get(sign) == Some(&b':')).then_some(from + sign + 1)?;
    let begin = over(text, begin, BETWEEN, b" ");
    quoted(text, begin, before.key).map(|(span, _)| span).or_else(|| {
        let span = value::run(text, begin);
        next_line(text, over(text, span.end, BETWEEN, b" ")).map(|_| span)
    })
}

/// A word alone behind the key of a line of YAML, and behind `--set` of Helm: `clusterName: blue`,
/// `--set settings.clusterName=blue`. Of code, a line with such a key is followed by a bracket.
fn is_setting(text: &[u8], span: &Range<usize>, before: &Before<'_>) -> bool {
    let value = text.get(span.clone()).unwrap_or_default();
    let small = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(b);
    let word = value.len() > 2 && value.iter().all(small) && !may_end(value);
    if before.quoted || !word || memmem::find(&plain(before.word), &plain(value)).is_some() {
        return false;
    }
    let head = text.get(..before.start).unwrap_or_default();
    let head = head.get(head.len().saturating_sub(LINE)..).unwrap_or_default();
    let line = head.get(line_start(head)..).unwrap_or_default();
    let rest = text.get(span.end..).unwrap_or_default();
    if memmem::find(line, b"--set ").is_some() {
        return rest.first().is_none_or(|b| b.is_ascii_whitespace() || b"\"',\\".contains(b));
    }
    let Some(next) = next_line(text, span.end).filter(|_| line.trim_ascii().is_empty()) else {
        return false;
    };
    let colon = span.start.checked_sub(2).and_then(|at| text.get(at..span.start)) == Some(b": ");
    let closes = over(text, next, BETWEEN, b" \t");
    colon && !text.get(closes).is_some_and(|b| b")]}".contains(b))
}

/// `bucket_name = "acme-raw"`: a name with a hyphen that no manual writes.
fn is_bucket(key: &[u8], value: &[u8]) -> bool {
    let of_name = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(b);
    let parts = || value.split(|b| b"-.".contains(b));
    value.contains(&b'-')
        && value.iter().all(of_name)
        && plain(key).ends_with(b"bucketname")
        && !parts().any(|part| EXAMPLES.contains(&part))
}

/// The items of a list below its key, as YAML writes them: `SubnetIds:\n  - VALUE`
fn block(text: &[u8], first: usize, before: &Before<'_>, mut push: impl FnMut(Range<usize>)) {
    let mut at = over(text, first, BETWEEN, b" \t");
    for _ in 0..ITEMS {
        let Some([b'-', b' ', ..]) = text.get(at..) else { return };
        let start = over(text, at + 1, BETWEEN, b" \t");
        let end = match quoted(text, start, before.key) {
            Some((span, end)) => {
                push(span);
                end
            }
            None => {
                let span = value::run(text, start);
                // The key of an object.
                if text.get(span.clone()).is_none_or(|item| item.ends_with(b":")) {
                    return;
                }
                let end = span.end;
                if is_plain(text, &span, before) {
                    push(span);
                }
                end
            }
        };
        let next = next_line(text, over(text, end, BETWEEN, b" \t"));
        let Some(next) = next.or_else(|| line_after(text, end)) else { return };
        at = over(text, next, BETWEEN, b" \t");
    }
}

/// Where the next line begins, if this one ends at `at`.
fn next_line(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at..)? {
        [b'\r', b'\n', ..] | [b'\\', b'n', ..] => Some(at + 2),
        [b'\n', ..] => Some(at + 1),
        _ => None,
    }
}

/// Where the next line begins behind what is no name. A line with a key in it is read by
/// that key, so that no line is read often.
fn line_after(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let len = rest.iter().take(LINE).position(|b| b"\n:=".contains(b))?;
    (rest.get(len) == Some(&b'\n')).then_some(at + len + 1)
}

/// The characters that values of this key have.
pub(super) fn run_for(key: Key, text: &[u8], from: usize) -> Range<usize> {
    if key.spaced { value::run_spaced(text, from) } else { value::run(text, from) }
}

/// May this be a value without quotes, and not a variable, a type or an expression?
fn is_plain(text: &[u8], span: &Range<usize>, before: &Before<'_>) -> bool {
    let value = text.get(span.clone()).unwrap_or_default();
    let rest = text.get(span.end..).unwrap_or_default();
    let ends_line = matches!(rest, [] | [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r', ..]);
    let hyphen = value.contains(&b'-') && value.iter().any(u8::is_ascii_alphabetic);
    let flag = before.word.starts_with(b"--");
    let data = flag || is_pascal(before.word) || !before.word.iter().any(u8::is_ascii_lowercase);
    let set = if data || hyphen { ENDS } else { b"\"',}`<*!?".as_slice() };
    let ends = ends_line || rest.first().is_some_and(|b| b" \t".contains(b) || set.contains(b));
    let typed = may_end(value) || value.ends_with(b"Type") || value.contains(&b'.');
    // Where a string ends, or an element, its last line does.
    let closes = ends_line
        || (matches!(rest, [b'"' | b'\'' | b'<' | b'\\', ..]) && value::is_distinct(value));
    !before.quoted && ends && (hyphen || (data && closes && !typed))
}

/// The value in quotes that begins at `at`, which escapes may stand before, and its end.
pub(super) fn quoted(text: &[u8], at: usize, key: Key) -> Option<(Range<usize>, usize)> {
    let open = over(text, at, BETWEEN, b"\\");
    let quote = text.get(open).filter(|b| b"\"'`".contains(b))?;
    let span = run_for(key, text, open + 1);
    let close = over(text, span.end, BETWEEN, b"\\");
    (text.get(close) == Some(quote)).then_some((span, close + 1))
}

pub(super) fn flag_value(text: &[u8], from: usize, key: Key) -> Option<Range<usize>> {
    let start = over(text, from, BETWEEN, b" \t");
    if start == from || matches!(text.get(start), Some(b'-')) {
        return None;
    }
    value_at(text, start, key)
}

/// The value of an option that begins here.
pub(super) fn value_at(text: &[u8], start: usize, key: Key) -> Option<Range<usize>> {
    if let Some((span, _)) = quoted(text, start, key) {
        return Some(span);
    }
    let span = value::run(text, start);
    let rest = text.get(span.end..).unwrap_or_default();
    let ends = rest.first().is_none_or(|b| b.is_ascii_whitespace() || ENDS.contains(b));
    // What ends a sentence ends no name.
    let marks = text.get(span.clone())?.iter().rev().take_while(|b| b".:_".contains(b)).count();
    let span = span.start..span.end - marks;
    (ends && !span.is_empty()).then_some(span)
}
