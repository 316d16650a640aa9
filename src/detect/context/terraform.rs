//! Ids of resources, as Terraform prints and takes them.
//!
//! `aws_s3_bucket.raw: Refreshing state... [id=NAME]`, `terraform import aws_s3_bucket.raw NAME`,
//! `resource "aws_sqs_queue" "raw" { name = "NAME" }`

use std::ops::Range;

use memchr::memmem;

use crate::detect::boundary::{any_masked, any_placeholder, left_of, right_of};
use crate::detect::context::behind::quoted;
use crate::detect::context::bytes::over;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::{BEFORE_SIGN, Names};
use crate::detect::context::password::place::default;
use crate::detect::context::{shape, value};

/// No secret that a plan changes is longer.
const CHANGED: usize = 256;
/// No part of an address is longer.
const PART: usize = 64;
/// What stands between an address and its id: `: Still creating... [10s elapsed] `
const BETWEEN: usize = 64;
/// No block is read further.
const BLOCK: usize = 1 << 16;
/// The attributes that name a resource.
const NAMES: [&[u8]; 5] = [b"name", b"identifier", b"id", b"bucket", b"db_name"];
/// What stands between the word `import` and the resource.
const OPTIONS: usize = 128;

/// The name of a variable that begins here.
pub(crate) fn variable(text: &[u8], at: usize) -> Range<usize> {
    run(text, at, |b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

impl Names {
    /// What a variable of this name is, unless it is given: `variable "bucket_name" {` with its
    /// `default =`.
    pub(crate) fn variable_block(&self, text: &[u8], name: Range<usize>, out: &mut Findings) {
        let end = name.end;
        let word = text.get(name).unwrap_or_default();
        let Some(key) = self.key(word).or_else(|| self.of_words(word)) else { return };
        let sign = over(text, end, BETWEEN, BEFORE_SIGN);
        let Some(from) = default(text, end, sign) else { return };
        let open = over(text, from, BETWEEN, b" \t");
        let name = quoted(text, open, key).and_then(|(span, _)| value::name(text, span, word));
        out.all.extend(name.map(|span| Named { span, kind: key.kind, alone: key.alone }));
    }

    /// The type of a resource, behind its `aws_`.
    pub(crate) fn resource(&self, text: &[u8], from: usize, out: &mut Findings) {
        let of_type = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let name = run(text, from, of_type);
        let Some(&kind) = text.get(name.clone()).and_then(|name| self.resources.get(name)) else {
            return;
        };
        let source = block(text, name.end);
        if let Some(begin) = source.or_else(|| state(text, from, name.end)) {
            // In a block that is read none begins, so that each byte is read once.
            if begin >= out.block {
                let all = &mut out.all;
                let found = |span| {
                    let span = value::name(text, span, b"");
                    all.extend(span.map(|span| Named { span, kind, alone: true }));
                };
                out.block = match source {
                    Some(begin) => attributes(text, begin, found),
                    None => fields(text, begin, found),
                };
            }
            return;
        }
        let Some(end) = address(text, name.end) else { return };
        let span = printed(text, end).or_else(|| imported(text, from, end));
        let span = span.filter(|span| left_of(text, span.start) && right_of(text, span.end));
        let Some(span) = span else { return };
        let id = text.get(span.clone()).unwrap_or_default();
        let whole = if shape::is_account(id) { Some(span) } else { value::name(text, span, b"") };
        out.all.extend(whole.map(|span| Named { span, kind, alone: true }));
    }
}

/// The new value, where a plan shows an old one: `password = "OLD" -> "NEW"`. `is`: may it be one?
pub(super) fn changed(
    text: &[u8],
    old: &Range<usize>,
    is: impl Fn(&[u8]) -> bool,
) -> Option<Range<usize>> {
    // Beside what is masked already, it was not looked for before.
    text.get(old.clone()).filter(|old| !any_placeholder(old))?;
    let open = arrow(text, old.end)?;
    let value = text.get(open..)?;
    let len = value.iter().take(CHANGED).position(|b| b"\"\\\n".contains(b))?;
    is(value.get(..len)?).then_some(open..open + len)
}

/// Where the new text begins, behind an old one that ends at `at`.
pub(super) fn arrow(text: &[u8], at: usize) -> Option<usize> {
    let arrow = over(text, at, 4, b"\\\"");
    let rest = text.get(arrow..)?.strip_prefix(b" -> ")?;
    matches!(rest, [b'"' | b'\\', ..]).then(|| over(text, arrow + 4, 4, b"\\\""))
}

/// Behind the bracket of `aws_sqs_queue" "raw" {`.
fn block(text: &[u8], from: usize) -> Option<usize> {
    let skip = |from: usize| over(text, from, 4, b"\\");
    let quote = |from: usize| {
        let at = skip(from);
        (text.get(at) == Some(&b'"')).then_some(at + 1)
    };
    let label = quote(over(text, quote(from)?, 2, b" "))?;
    let name = run(text, label, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let open = over(text, quote(name.end)?, 2, b" ");
    (text.get(open) == Some(&b'{')).then_some(open + 1)
}

/// The name that begins here, if a quote closes it.
fn closed(text: &[u8], from: usize) -> Option<Range<usize>> {
    let span = value::run(text, from);
    matches!(text.get(span.end), Some(b'"' | b'\\')).then_some(span)
}

/// Does a block of HCL begin in the line at `at`?
fn begins_block(text: &[u8], at: usize) -> bool {
    let rest = text.get(over(text, at, 8, b" +-~")..).unwrap_or_default();
    [b"resource \"".as_slice(), b"data \"", b"module \""].iter().any(|word| rest.starts_with(word))
}

/// Behind the bracket of the attributes of a resource in JSON: `"type": "aws_sqs_queue", …,
/// "values": {`, before another type.
fn state(text: &[u8], resource: usize, end: usize) -> Option<usize> {
    let head = text.get(..resource)?.strip_suffix(b"aws_")?;
    let quotes = |b: &&u8| b"\"\\: ".contains(b);
    let sign = head.iter().rev().take(8).take_while(quotes).count();
    let key = head.get(..head.len() - sign)?;
    let near = text.get(end..)?;
    let near = near.get(..BLOCK).unwrap_or(near);
    if !key.ends_with(b"\"type") || !matches!(near, [b'"' | b'\\', ..]) {
        return None;
    }
    let until = memmem::find(near, b"\"type").unwrap_or(near.len());
    let near = near.get(..until)?;
    let keys = [b"\"values".as_slice(), b"\"attributes"];
    let at = keys.iter().find_map(|key| Some(memmem::find(near, key)? + key.len()))?;
    let open = end + at + near.get(at..)?.iter().take(8).take_while(quotes).count();
    (text.get(open) == Some(&b'{')).then_some(open + 1)
}

/// The texts of the keys that name the resource, in the object that begins at `from`; not in
/// objects inside of it. Gives where it ends.
fn fields(text: &[u8], from: usize, mut found: impl FnMut(Range<usize>)) -> usize {
    let near = text.get(..from + BLOCK).unwrap_or(text);
    let (mut depth, mut at) = (0_u32, from);
    while let Some(&byte) = near.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b'"' if depth == 0 => {
                let key = run(near, at, |b| b.is_ascii_lowercase() || b == b'_');
                let word = near.get(key.clone()).unwrap_or_default();
                let sign = over(near, key.end, 4, b"\\\"");
                if near.get(sign) == Some(&b':') && NAMES.contains(&word) {
                    let open = over(near, sign + 1, 8, b" \\\"");
                    closed(near, open).filter(|_| open > sign + 1).into_iter().for_each(&mut found);
                }
                at = key.end.max(at);
            }
            _ => {}
        }
    }
    at
}

/// The texts of attributes that name the resource, in the block that begins at `from`; not in
/// blocks inside of it. Gives where it ends.
fn attributes(text: &[u8], from: usize, mut found: impl FnMut(Range<usize>)) -> usize {
    let (mut depth, mut at) = (0_u32, from);
    let near = text.get(..from + BLOCK).unwrap_or(text);
    while let Some(&byte) = near.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return at,
            b'}' => depth -= 1,
            // Another block begins: the end of this one is not here.
            b'\n' if begins_block(near, at) => return at,
            // A line begins, which may be one of many in a text in JSON.
            b'\n' | b'n' if depth == 0 => {
                let start = over(near, at, 32, b" \t~+-");
                let name = run(near, start, |b| b.is_ascii_lowercase() || b == b'_');
                let word = near.get(name.clone()).unwrap_or_default();
                let sign = over(near, name.end, 32, b" ");
                if start > at && NAMES.contains(&word) && near.get(sign) == Some(&b'=') {
                    let open = over(near, over(near, sign + 1, 2, b" "), 4, b"\\");
                    let quoted = near.get(open) == Some(&b'"');
                    if let Some(span) = closed(near, open + 1).filter(|_| quoted) {
                        let new = arrow(near, span.end).and_then(|open| closed(near, open));
                        [Some(span), new].into_iter().flatten().for_each(&mut found);
                    }
                }
            }
            _ => {}
        }
    }
    at
}

/// Behind `.raw` or `.raw["eu"]`.
fn address(text: &[u8], from: usize) -> Option<usize> {
    let name = run(text, text.get(from).filter(|b| **b == b'.').map(|_| from + 1)?, |b| {
        b.is_ascii_alphanumeric() || b"_-".contains(&b)
    });
    if name.is_empty() || text.get(name.end) != Some(&b'[') {
        return (!name.is_empty()).then_some(name.end);
    }
    let index = run(text, name.end + 1, |b| b.is_ascii_graphic() && b != b']');
    (text.get(index.end) == Some(&b']')).then_some(index.end + 1)
}

/// What stands behind `[id=`.
fn printed(text: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?.strip_prefix(b": ")?;
    let near = rest.get(..BETWEEN).unwrap_or(rest);
    let at = memmem::find(near, b"[id=")
        .filter(|&at| memchr::memchr(b'\n', near.get(..at).unwrap_or_default()).is_none())?;
    let span = value::run(text, from + 2 + at + 4);
    matches!(text.get(span.end), Some(b']' | b',')).then_some(span)
}

/// What stands behind the address, in a command that imports.
fn imported(text: &[u8], resource: usize, end: usize) -> Option<Range<usize>> {
    let head = text.get(resource.saturating_sub(OPTIONS)..resource)?;
    let line = head.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let command = head.get(line..)?;
    let at = memmem::find(command, b" import ")?;
    // Before it was masked, it was longer or shorter.
    if any_masked(command.get(at..)?) {
        return None;
    }
    let quote = |b: &u8| b"\"'\\".contains(b);
    let skip = |from: usize| over(text, from, 4, b"\"'\\");
    let gap = skip(end);
    let from = text.get(gap).filter(|b| **b == b' ').map(|_| skip(gap + 1))?;
    let span = value::run(text, from);
    let ends = |b: &u8| b.is_ascii_whitespace() || quote(b);
    text.get(span.end).is_none_or(ends).then_some(span)
}

fn run(text: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    from..from + rest.iter().take(PART).take_while(|b| holds(**b)).count()
}
