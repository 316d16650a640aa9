//! Names by their keys alone, as programs and people write keys: JSON, YAML, HCL, INI,
//! XML, flags.

use std::ops::Range;

use crate::detect::Kind;
use crate::detect::boundary::ends_escape;
use crate::detect::context::names::{Key, LONGEST, Names, may_end};
use crate::detect::context::value;

/// Spaces and quotes between a key and its value.
const BETWEEN: usize = 24;

/// A value whose key names it.
#[derive(Debug)]
pub(crate) struct Named {
    pub span: Range<usize>,
    pub kind: Kind,
    /// The key suffices; else there must be other signs of AWS.
    pub alone: bool,
}

/// The key before a sign.
pub(super) struct Before<'t> {
    pub word: &'t [u8],
    pub key: Key,
    start: usize,
    quoted: bool,
}

/// What is found in one text.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub all: Vec<Named>,
    /// Something here is AWS's for certain.
    pub aws: bool,
    /// Up to here, tables are read already.
    pub table: usize,
}

impl Names {
    /// A sign between a key and its value: `:`, `=`, `|` or `>`.
    pub(crate) fn at_sign(&self, text: &[u8], at: usize, out: &mut Findings) {
        let rest = text.get(at..).unwrap_or_default();
        let from = match rest {
            [b':', b':', ..] | [b'=', b'=' | b'~', ..] => return,
            [b':', b'=', ..] | [b'=', b'>', ..] => at + 2,
            [b'|', ..] if at < out.table => return,
            _ => at + 1,
        };
        let Some(before) = self.before(text, at) else { return };
        out.aws |= before.key.alone;
        match rest.first() {
            Some(b'>') => xml(text, from, &before, out),
            Some(b'|') => self.cells(text, at, &before, out),
            _ => assigned(text, from, &before, out),
        }
    }

    /// `aws lambda …`: what follows the command is the name of a service.
    pub(crate) fn command(&self, text: &[u8], end: usize, out: &mut Findings) {
        let rest = text.get(end..).unwrap_or_default();
        let of_name = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
        let len = rest.iter().take(LONGEST).take_while(of_name).count();
        let more = matches!(rest.get(len..), Some([b' ', b'a'..=b'z', ..]));
        out.aws |= more && rest.get(..len).is_some_and(|name| self.is_service(name));
    }

    /// The second hyphen before a flag: `--db-instance-identifier VALUE …`.
    pub(crate) fn at_flag(&self, text: &[u8], hyphen: usize, out: &mut Findings) {
        let rest = text.get(hyphen + 1..).unwrap_or_default();
        let of_flag = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
        let len = rest.iter().take(LONGEST).take_while(of_flag).count();
        let word = rest.get(..len).unwrap_or_default();
        let lead = hyphen.checked_sub(2).and_then(|at| text.get(at));
        // Inside a value no flag begins: each value is read once.
        let begins = lead.is_none_or(|b| b.is_ascii_whitespace() || b"\"'`([".contains(b))
            || ends_escape(text, hyphen - 1);
        if rest.get(len) != Some(&b' ') || !begins {
            return;
        }
        let Some(key) = self.key(word) else { return };
        out.aws |= key.alone;
        let mut from = hyphen + 1 + len;
        while let Some(next) = flag_value(text, from) {
            if let Some(span) = value::name(text, next.clone(), word) {
                out.all.push(Named { span, kind: key.kind, alone: key.alone });
            }
            if !key.list {
                return;
            }
            from = next.end + usize::from(text.get(next.end).is_some_and(|b| b"\"'".contains(b)));
        }
    }

    /// The whole of a leaf, by the JSON key that it has.
    pub(crate) fn leaf(&self, text: &[u8], label: &str, out: &mut Findings) {
        let label = label.as_bytes();
        let Some(key) = self.key(label) else { return };
        let sure = key.alone || is_pascal(label);
        out.aws |= key.alone;
        let whole = value::run(text, 0) == (0..text.len());
        if let Some(span) = value::name(text, 0..text.len(), label).filter(|_| whole) {
            out.all.push(Named { span, kind: key.kind, alone: sure });
        }
    }

    fn before<'t>(&self, text: &'t [u8], at: usize) -> Option<Before<'t>> {
        let head = text.get(at.saturating_sub(BETWEEN)..at)?;
        let between = |b: &&u8| b" \t\"'`\\])".contains(b);
        let skip = head.iter().rev().take_while(between).count();
        let end = at - skip;
        // Most signs end here.
        if !matches!(
            text.get(end.checked_sub(1)?)?,
            b'd' | b'e' | b'r' | b's' | b't' | b'D' | b'E' | b'R' | b'S' | b'T'
        ) {
            return None;
        }
        if !may_end(text.get(end.saturating_sub(11)..end)?) {
            return None;
        }
        let head = text.get(end.saturating_sub(LONGEST + 1)..end)?;
        let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
        let len = head.iter().rev().take_while(of_word).count();
        let word = head.get(head.len() - len..)?;
        let key = self.key(word)?;
        let quoted = text.get(end).is_some_and(|b| b"\"\\'".contains(b)) && skip > 0;
        Some(Before { word, key, start: end - len, quoted })
    }
}

/// `FunctionName`, as in AWS's own data.
pub(super) fn is_pascal(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().all(u8::is_ascii_alphanumeric)
}

/// `<FunctionName>VALUE</FunctionName>`
fn xml(text: &[u8], from: usize, before: &Before<'_>, out: &mut Findings) {
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
fn assigned(text: &[u8], from: usize, before: &Before<'_>, out: &mut Findings) {
    let Key { kind, alone, list } = before.key;
    let start = skip(text, from, b" \t");
    let alone = alone || (before.quoted && is_pascal(before.word));
    let mut push = |span| {
        let name = value::name(text, span, before.word);
        out.all.extend(name.map(|span| Named { span, kind, alone }));
    };
    if let Some((span, _)) = quoted(text, start) {
        push(span);
    } else if text.get(start) == Some(&b'[') {
        let mut at = start + 1;
        while let Some((span, end)) = quoted(text, skip(text, at, b" \t\r\n,\\")) {
            push(span);
            at = end;
        }
    } else if !list {
        let span = value::run(text, start);
        if is_plain(text, &span, before) {
            push(span);
        }
    }
}

/// May this be a value without quotes, and not a variable, a type or an expression?
fn is_plain(text: &[u8], span: &Range<usize>, before: &Before<'_>) -> bool {
    let value = text.get(span.clone()).unwrap_or_default();
    let rest = text.get(span.end..).unwrap_or_default();
    let ends_line = matches!(rest, [] | [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r', ..]);
    let ends = ends_line || matches!(rest, [b' ' | b'\t' | b',' | b'"' | b'\'' | b'}', ..]);
    let data = is_pascal(before.word) || !before.word.iter().any(u8::is_ascii_lowercase);
    let hyphen = value.contains(&b'-') && value.iter().any(u8::is_ascii_alphabetic);
    let typed = may_end(value) || value.ends_with(b"Type") || value.contains(&b'.');
    !before.quoted && ends && (hyphen || (data && ends_line && !typed))
}

/// The value in quotes that begins at `at`, which escapes may stand before, and its end.
fn quoted(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let open = skip(text, at, b"\\");
    let quote = text.get(open).filter(|b| b"\"'`".contains(b))?;
    let span = value::run(text, open + 1);
    let close = skip(text, span.end, b"\\");
    (text.get(close) == Some(quote)).then_some((span, close + 1))
}

fn flag_value(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = skip(text, from, b" \t");
    if start == from || matches!(text.get(start), Some(b'-')) {
        return None;
    }
    if let Some((span, _)) = quoted(text, start) {
        return Some(span);
    }
    let span = value::run(text, start);
    let rest = text.get(span.end..).unwrap_or_default();
    let ends = rest.first().is_none_or(|b| b.is_ascii_whitespace() || b"\\\"'`|;&)".contains(b));
    (ends && !span.is_empty()).then_some(span)
}

fn skip(text: &[u8], from: usize, set: &[u8]) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take(BETWEEN).take_while(|b| set.contains(b)).count()
}
