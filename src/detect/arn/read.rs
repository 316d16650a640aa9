//! Splits an ARN into fields: plain, with `\/`, or percent-encoded.

use std::ops::Range;

use crate::detect::boundary::{self, any_masked, left_of};
use crate::detect::deep;

/// An ARN has at most 2048 characters (IAM and STS quotas).
const LONGEST: usize = 2048;
/// No service or region has a longer name.
const FIELD: usize = 64;
/// What follows `aws` in the name of a partition is not longer.
const PARTITION: usize = 8;
/// What follows it (botocore, `partitions.json`).
const PARTITIONS: [&[u8]; 8] =
    [b"", b"-cn", b"-us-gov", b"-iso", b"-iso-b", b"-iso-e", b"-iso-f", b"-eusc"];
/// The longest variable, as `${aws:PrincipalTag/department}`.
const VARIABLE: usize = 128;

#[derive(Debug)]
pub(super) struct Arn {
    pub start: usize,
    /// From the partition to the account.
    pub fields: Range<usize>,
    pub service: Range<usize>,
    pub account: Range<usize>,
    /// The resource, split at `:` and `/`.
    pub tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub span: Range<usize>,
    /// The separator before it: `:` or `/`.
    pub before: u8,
}

impl Arn {
    /// The ARN that begins at `start`.
    pub(super) fn read(text: &[u8], start: usize) -> Option<Self> {
        if !left_of(text, start) {
            return None;
        }
        let text = text.get(..text.len().min(start + LONGEST))?;
        let mut at = start + 3;
        at += separator(text, at).filter(|(_, byte)| *byte == b':')?.0;
        let partition = unmasked(text, field(text, &mut at)?)?;
        let service = unmasked(text, field(text, &mut at)?)?;
        let _region = unmasked(text, field(text, &mut at)?)?;
        let from = at;
        let (account, tokens) = match field(text, &mut at) {
            Some(account) => (account, tokens(text, at)?),
            None => (cut(text, from)?, Vec::new()),
        };
        if text.get(account.clone()).is_some_and(is_secret) {
            return None;
        }
        Some(Self { start, fields: partition.start..account.end, service, account, tokens })
    }
}

/// A field in which masking left nothing: what stood there may not have been one.
fn unmasked(text: &[u8], field: Range<usize>) -> Option<Range<usize>> {
    let word = text.get(field.clone())?;
    (!any_masked(word)).then_some(field)
}

/// Is this the placeholder of what may have held slashes? An account never is.
fn is_secret(account: &[u8]) -> bool {
    let prefixes: [&[u8]; 3] = [b"SECRET_", b"AWS_SECRET_KEY_", b"AWS_SESSION_TOKEN_"];
    prefixes.iter().any(|prefix| account.starts_with(prefix))
}

/// Does another ARN begin here, in a partition that there is? What is cut off by it is none.
pub(in crate::detect) fn begins(text: &[u8], at: usize) -> bool {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(b"arn:aws")) else {
        return false;
    };
    let of_partition = |b: &&u8| b.is_ascii_lowercase() || **b == b'-';
    let name = rest.iter().take(PARTITION).take_while(of_partition).count();
    let known = rest.get(..name).is_some_and(|name| PARTITIONS.contains(&name));
    known && rest.get(name) == Some(&b':') && left_of(text, at)
}

/// Is this the name of a partition? No resource is called so, or ARNs would be read otherwise
/// when it is masked.
pub(super) fn is_partition(word: &[u8]) -> bool {
    word.strip_prefix(b"aws").is_some_and(|name| PARTITIONS.contains(&name))
}

/// Reads up to and over the next colon.
fn field(text: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let start = *at;
    while *at - start <= FIELD && !begins(text, *at) {
        if let Some((len, byte)) = separator(text, *at) {
            let span = start..*at;
            *at += len;
            return (byte == b':').then_some(span);
        }
        *at += letter(text, *at)?;
    }
    None
}

/// The account of an ARN that somebody cut behind it: `arn:aws:iam::123456789012`.
fn cut(text: &[u8], at: usize) -> Option<Range<usize>> {
    let digits = text.get(at..at + 12)?.iter().all(u8::is_ascii_digit);
    let next = text.get(at + 12).copied();
    let ends = next.is_none_or(|b| b.is_ascii_whitespace() || b"\"'`)],;.!?\\|<".contains(&b));
    (digits && ends).then_some(at..at + 12)
}

/// `None`: it goes on with an escaped letter, or in another color, and is whole where that is
/// decoded.
fn tokens(text: &[u8], from: usize) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut token = Token { span: from..from, before: b':' };
    let mut at = from;
    // The next ARN is read by itself: each byte is read once.
    while !begins(text, at) {
        if let Some((len, byte)) = separator(text, at) {
            token.span.end = at;
            at += len;
            let next = Token { span: at..at, before: byte };
            tokens.push(std::mem::replace(&mut token, next));
        } else if let Some(len) = letter(text, at) {
            at += len;
        } else if goes_on_escaped(text, at) || goes_on_colored(text, at) {
            return None;
        } else {
            break;
        }
    }
    token.span.end = at;
    // The end of a sentence is not a part of the ARN.
    let word = text.get(token.span.clone()).unwrap_or_default();
    token.span.end -= word.iter().rev().take_while(|b| b".!?=~#@+-".contains(b)).count();
    tokens.push(token);
    // `/restapis/…` begins with a separator; a colon may follow an ARN in prose.
    let skip = usize::from(tokens.first().is_some_and(|token| token.span.is_empty()));
    tokens.drain(..skip);
    while tokens.last().is_some_and(|token| token.span.is_empty()) {
        tokens.pop();
    }
    Some(tokens)
}

/// Does an escape stand here, at any depth, for what may be a part of a name?
fn goes_on_escaped(text: &[u8], at: usize) -> bool {
    let escape = escaped(text.get(at..).unwrap_or_default());
    escape.is_some_and(|(symbol, len)| len > 2 && is_of_name(symbol))
}

/// The symbol of the escape at the beginning, at any depth of JSON in JSON, and the length of
/// the escape behind all backslashes but its own.
fn escaped(rest: &[u8]) -> Option<(u8, usize)> {
    let (symbol, len) = deep::escape_at(rest.get(deep::deeper(rest)..)?)?;
    Some((u8::try_from(symbol).ok()?, len))
}

/// Does a part of a name follow behind control sequences of a terminal, in any spelling?
fn goes_on_colored(text: &[u8], at: usize) -> bool {
    let mut rest = text.get(at..).unwrap_or_default();
    let mut any = false;
    while let Some(behind) = behind_control(rest) {
        (rest, any) = (behind, true);
    }
    any && rest.first().is_some_and(|&b| is_of_name(b))
}

/// What follows the control sequence at the beginning.
fn behind_control(rest: &[u8]) -> Option<&[u8]> {
    let own = rest.first().filter(|b| **b == deep::ESCAPE).map(|_| 1);
    let escaped = || escaped(rest).filter(|(symbol, _)| *symbol == deep::ESCAPE);
    let len = own.or_else(|| escaped().map(|(_, len)| deep::deeper(rest) + len))?;
    let sequence = rest.get(len..)?;
    sequence.get(boundary::control_behind(sequence)?..)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte)
}

/// The separator at `at`, in any spelling: its length, and `:` or `/`.
fn separator(text: &[u8], at: usize) -> Option<(usize, u8)> {
    match text.get(at..)? {
        [b':', ..] => Some((1, b':')),
        [b'/', ..] => Some((1, b'/')),
        // At any depth of JSON in JSON.
        [b'\\', rest @ ..] => {
            let more = rest.iter().take(deep::ESCAPES).take_while(|b| **b == b'\\').count();
            (rest.get(more) == Some(&b'/')).then_some((more + 2, b'/'))
        }
        [b'%', b'3', b'A' | b'a', ..] => Some((3, b':')),
        [b'%', b'2', b'F' | b'f', ..] => Some((3, b'/')),
        [b'&', b'#', b'4', b'7', b';', ..] => Some((5, b'/')),
        [b'&', b'#', b'x', b'2', b'F' | b'f', b';', ..] => Some((6, b'/')),
        _ => None,
    }
}

/// The length of what may stand in a name at `at`: a character or a variable.
fn letter(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let first = *rest.first()?;
    if let Some(len) = variable(rest).or_else(|| expression(rest)) {
        return Some(len);
    }
    (first.is_ascii_alphanumeric() || b"-_.+=@~#$*?%!".contains(&first)).then_some(1)
}

/// The length of `${…}`, `{…}` or `<…>` at the beginning.
fn variable(rest: &[u8]) -> Option<usize> {
    let (open, close) = match rest {
        [b'$', b'{', ..] => (2, b'}'),
        [b'{', b'{', ..] => (2, b'}'),
        [b'{', ..] => (1, b'}'),
        [b'<', ..] => (1, b'>'),
        _ => return None,
    };
    let inner = rest.get(open..)?;
    let len = inner.iter().take(VARIABLE).position(|&b| b == close)?;
    let named = inner.get(..len)?;
    let of_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.:/-!$# ,'*?".contains(b);
    let double = rest.starts_with(b"{{") && inner.get(len + 1) == Some(&b'}');
    (!named.is_empty() && named.iter().all(of_name)).then_some(open + len + 1 + usize::from(double))
}

/// The length of `[a-z]+`, `\d{12}` or `(a|b)` at the beginning, without what follows the
/// bracket: ARNs in schemas and code are often expressions.
fn expression(rest: &[u8]) -> Option<usize> {
    let (len, repeats) = match rest {
        [b'[', inner @ ..] => (inner.iter().take(VARIABLE).position(|&b| b == b']')? + 2, true),
        [b'(', inner @ ..] => (inner.iter().take(VARIABLE).position(|&b| b == b')')? + 2, false),
        [b'\\', ..] => (shorthand(rest)?, true),
        _ => return None,
    };
    let of_expression = |b: &u8| b.is_ascii_graphic() && !b"\"'`".contains(b);
    let repeated = rest.get(len).is_some_and(|b| b"+*?{".contains(b));
    (rest.get(..len)?.iter().all(of_expression) && (repeated || !repeats)).then_some(len)
}

/// The length of `\d` and its like, at any depth of JSON in JSON. None is an escape of JSON.
fn shorthand(rest: &[u8]) -> Option<usize> {
    let depth = rest.iter().take(deep::ESCAPES).take_while(|b| **b == b'\\').count();
    rest.get(depth).filter(|b| b"dDwWS".contains(b)).map(|_| depth + 1)
}

/// The length of what joins the names in `(a|b)`.
fn joint(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'(', b'?', b':', ..] => Some(3),
        [b'(' | b')' | b'|', ..] => Some(1),
        _ => None,
    }
}

/// The length of `$NAME` at the beginning.
fn shell_variable(rest: &[u8]) -> Option<usize> {
    let name = rest.strip_prefix(b"$")?;
    let len = name.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    (len > 0).then_some(len + 1)
}

/// Wildcards, variables and what is no name of an expression.
pub(super) fn opaque(text: &[u8], span: &Range<usize>) -> Vec<Range<usize>> {
    let word = text.get(..span.end).unwrap_or_default();
    let mut found = Vec::new();
    let mut at = span.start;
    while let Some(rest) = word.get(at..).filter(|rest| !rest.is_empty()) {
        let wild = rest.first().is_some_and(|b| b"*?".contains(b));
        let len = variable(rest).or_else(|| shell_variable(rest)).or_else(|| joint(rest));
        // What repeats it may stand behind the name.
        let repeated = || expression(text.get(at..)?).filter(|len| *len <= rest.len());
        let len = len.or_else(repeated).or(wild.then_some(1));
        found.extend(len.map(|len| at..at + len));
        at += len.unwrap_or(1);
    }
    found
}
