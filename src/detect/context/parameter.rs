//! Parameters of Systems Manager: their type says that their value is a secret.
//!
//! `"Type": "SecureString", "Value": "…"`, `--value … --type SecureString`: the key `value` of
//! the same object, call or command, behind the type or before it.

use std::ops::Range;

use crate::detect::classes::is_region;
use crate::detect::context::password;

/// The type itself.
const TYPE: &[u8] = b"SecureString";
/// The key.
const VALUE: &[u8] = b"value";
/// How far from the type its value may be.
const FAR: usize = 1024;
/// No line is indented more.
const INDENT: usize = 64;
/// What may stand between the key `type` and the type.
const BETWEEN: &[u8] = b" \t\"'`\\=:>.";

/// Where the key ends that names the value of the parameter whose type stands at `span`.
pub(in crate::detect) fn value(text: &[u8], span: Range<usize>) -> Option<usize> {
    if text.get(span.end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let flag = named(text, span.start)?;
    behind(text, span.end, flag).or_else(|| before(text, span.start, flag))
}

/// What the key `value` holds that stands in the same object as what stands at `span`. Zones and
/// types of instances are no secrets.
pub(in crate::detect) fn sensitive(text: &[u8], span: Range<usize>) -> Option<Range<usize>> {
    let key = behind(text, span.end, false).or_else(|| before(text, span.start, false))?;
    let value = password::after(text, key)?;
    let whole = text.get(value.clone())?;
    let zone = whole.split_last().is_some_and(|(_, region)| is_region(region));
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'.';
    let size = whole.contains(&b'.') && whole.iter().all(plain);
    (!zone && !size && !is_region(whole)).then_some(value)
}

/// Is this what a key names that ends with `type`? And is the key a flag?
fn named(text: &[u8], at: usize) -> Option<bool> {
    let head = text.get(at.saturating_sub(40)..at)?;
    let gap = head.iter().rev().take_while(|b| BETWEEN.contains(b)).count();
    let head = head.get(..head.len() - gap)?;
    let key = head.get(head.len().checked_sub(4)?..)?;
    let flag = head.ends_with(b"--type");
    (gap > 0 && key.eq_ignore_ascii_case(b"type")).then_some(flag)
}

/// Another parameter.
fn is_type(text: &[u8], at: usize) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(TYPE))
}

/// Does a command end here? A backslash lets it go on in the next line.
fn ends(text: &[u8], at: usize, flag: bool) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    match rest {
        [b'\n', ..] if flag => at.checked_sub(1).and_then(|at| text.get(at)) != Some(&b'\\'),
        [b';' | b'|' | b'&', ..] => flag,
        // The next item of a list in YAML.
        [b'\n', rest @ ..] => {
            rest.get(..INDENT).unwrap_or(rest).trim_ascii_start().starts_with(b"- ")
        }
        _ => is_type(text, at),
    }
}

fn behind(text: &[u8], from: usize, flag: bool) -> Option<usize> {
    let mut depth = 0_u32;
    for at in from..text.len().min(from + FAR) {
        match text.get(at)? {
            b'{' | b'[' | b'(' if !flag => depth += 1,
            b'}' | b']' | b')' if !flag => depth = depth.checked_sub(1)?,
            b'v' | b'V' if depth == 0 && held(text, at).is_some() => return Some(at + VALUE.len()),
            _ if ends(text, at, flag) => return None,
            _ => {}
        }
    }
    None
}

/// What stands in a value is not looked at: it may hold anything.
fn before(text: &[u8], until: usize, flag: bool) -> Option<usize> {
    let first = until.saturating_sub(FAR);
    for at in (first..until).rev().take_while(|&at| !is_type(text, at)) {
        if let Some(value) = held(text, at) {
            return same(text, value.end..until, flag).then_some(at + VALUE.len());
        }
    }
    None
}

/// Is each bracket between them closed, and nothing ended?
fn same(text: &[u8], between: Range<usize>, flag: bool) -> bool {
    let mut depth = 0_i32;
    for at in between {
        match text.get(at) {
            Some(b'{' | b'[' | b'(') if !flag => depth += 1,
            Some(b'}' | b']' | b')') if !flag => depth -= 1,
            _ if ends(text, at, flag) => return false,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// What the key `value` holds that begins here, if that may be a password.
fn held(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = at + VALUE.len();
    let word = text.get(at..end)?.eq_ignore_ascii_case(VALUE);
    let free = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
    let left = at.checked_sub(1).and_then(|at| text.get(at)).is_none_or(free);
    if word && left { password::after(text, end) } else { None }
}
