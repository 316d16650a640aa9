//! Passwords: what a key or a flag of that name holds.

use std::ops::{Range, RangeInclusive};

use crate::detect::classes::is_hidden;
use crate::detect::template::{self, variable};

mod code;

/// Nobody types a longer one.
const LONGEST: usize = 128;
const SHORTEST: usize = 6;
pub(super) const LENGTHS: RangeInclusive<usize> = SHORTEST..=LONGEST;
/// Spaces and quotes between a key and its value.
const BETWEEN: usize = 12;

/// The value of the key whose name ends at `at`.
pub(super) fn after(text: &[u8], at: usize) -> Option<Range<usize>> {
    let word_ends = text.get(at).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    if !word_ends {
        return None;
    }
    let skip = |from: usize, set: &[u8]| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.iter().take(BETWEEN).take_while(|b| set.contains(b)).count()
    };
    let sign = skip(at, b" \t\"'`\\])");
    let (start, flag) = match text.get(sign..)? {
        [b'=', b'>', ..] | [b':', b'=', ..] => (sign + 2, false),
        [b':', b':', ..] | [b'=', b'=', ..] => return None,
        [b':' | b'=', ..] => (sign + 1, false),
        _ if is_flag(text, at) => (at, true),
        _ => return None,
    };
    let start = skip(start, b" \t");
    let opened = skip(start, b"\\");
    let quote = text.get(opened).copied().filter(|b| b"\"'`".contains(b));
    if flag && start == at {
        return None;
    }
    let from = if quote.is_some() { opened + 1 } else { start };
    let rest = text.get(from..).unwrap_or_default();
    let near = rest.get(..LONGEST + 1).unwrap_or(rest);
    let len = match quote {
        Some(quote) => near.iter().position(|&b| b == quote || b == b'\n'),
        None => bare(near),
    };
    // Without an end in reach it is no password; looking further would make the
    // scan quadratic.
    let len = len.or((rest.len() <= LONGEST).then_some(rest.len()))?;
    let value = rest.get(..len)?;
    // The backslash that escapes the closing quote.
    let escapes = value.iter().rev().take_while(|&&b| b == b'\\').count();
    let value = value.get(..len - escapes)?;
    is_password(value, quote.is_some()).then(|| from..from + value.len())
}

/// Where a value without quotes ends; variables in it may hold what else ends it.
fn bare(text: &[u8]) -> Option<usize> {
    let (mut at, mut closed) = (0, true);
    while let Some(rest @ [byte, ..]) = text.get(at..) {
        let variable = if closed && variable::opens(rest) {
            let variable = variable::bracketed(rest);
            closed = variable.is_some();
            variable
        } else {
            None
        };
        if variable.is_none() && (byte.is_ascii_whitespace() || b",;\"'`)}]&<\\|".contains(byte)) {
            return Some(at);
        }
        at += variable.unwrap_or(1);
    }
    None
}

/// `--master-user-password VALUE`
fn is_flag(text: &[u8], at: usize) -> bool {
    let head = text.get(at.saturating_sub(40)..at).unwrap_or_default();
    let of_flag = |b: &&u8| b.is_ascii_lowercase() || **b == b'-';
    let len = head.iter().rev().take_while(of_flag).count();
    head.get(head.len() - len..).is_some_and(|flag| flag.starts_with(b"--"))
}

/// Words of a message, code, types and variables are no passwords: one has a digit or a sign.
pub(super) fn is_password(value: &[u8], quoted: bool) -> bool {
    if !LENGTHS.contains(&value.len()) {
        return false;
    }
    let own = template::own(value);
    let (mut digit, mut sign, mut dot, mut open) = (false, false, false, false);
    for &byte in own.iter() {
        match byte {
            b'0'..=b'9' => digit = true,
            b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'+' | b'?' | b'~' | b'=' => {
                sign = true;
            }
            b'.' => dot = true,
            b'(' | b'[' | b'{' => open = true,
            _ if !byte.is_ascii_graphic() => return false,
            _ => {}
        }
    }
    let path = dot && !sign;
    let code = if quoted { code::is_rules(value) } else { path || open || code::is_code(value) };
    (digit || sign) && !code && !is_hidden(&own)
}
