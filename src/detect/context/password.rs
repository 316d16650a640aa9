//! Passwords: what a key or a flag of that name holds.

use std::ops::{Range, RangeInclusive};

use crate::detect::boundary::{any_placeholder, control};
use crate::detect::classes::{is_hidden, is_region};
use crate::detect::context::bytes::part;
use crate::detect::context::columns;
use crate::detect::context::names::BEFORE_SIGN;
use crate::detect::context::password::near::Word;
use crate::detect::deep::ESCAPE;
use crate::detect::template::{self, variable};

pub(in crate::detect) mod argument;
pub(in crate::detect) mod before;
pub(super) mod code;
pub(super) mod generated;
mod html;
pub(super) mod insert;
mod list;
pub(in crate::detect) mod near;
pub(super) mod place;
pub(super) mod several;

pub(super) use place::{is_by_signs, is_line, is_type, key_start, suffix};

/// Nobody types a longer one.
pub(super) const LONGEST: usize = 128;
const SHORTEST: usize = 6;
pub(super) const LENGTHS: RangeInclusive<usize> = SHORTEST..=LONGEST;
/// Shorter ones are types and versions, where only a name says what they are.
const EVIDENT: usize = 8;
/// Signs that words, methods and paths have not.
const SIGNS: &[u8] = b"!@#$%^&*?~+";
/// Spaces and quotes between a key and its value.
const BETWEEN: usize = 12;

/// Does a column with this head hold passwords?
pub(super) fn is_head(head: &[u8]) -> bool {
    let small = head.to_ascii_lowercase();
    let name = small.strip_suffix(b"hash").or(small.strip_suffix(b"digest")).unwrap_or(&small);
    let name = name.strip_suffix(b"_").unwrap_or(name);
    let own = [b"password".as_slice(), b"passwd", b"pwd", b"authentication_string"];
    own.iter().any(|word| name.ends_with(word))
}

/// May a column with such a head hold this? Databases keep what [crypt(3)] makes of a password.
///
/// [crypt(3)]: https://manpages.debian.org/crypt.5
pub(super) fn is_kept(value: &[u8]) -> bool {
    let crypt = value.first() == Some(&b'$')
        && value.iter().filter(|b| **b == b'$').count() > 2
        && value.iter().all(|b| b.is_ascii_alphanumeric() || b"$./,=+-".contains(b))
        && LENGTHS.contains(&value.len());
    crypt || (!is_method(value) && is_password(value, true))
}

/// How databases call what makes a hash of a password.
fn is_method(value: &[u8]) -> bool {
    let method = [b"sha".as_slice(), b"bcrypt", b"argon", b"md5", b"pbkdf", b"scrypt"];
    value.len() < 16 && method.iter().any(|name| value.starts_with(name))
}

/// May this stand as a value in a table of settings? Numbers, dates, words with a mark behind them
/// and ways to hash are none.
pub(super) fn is_in_table(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let marked = matches!(value, [word @ .., b'!' | b'?' | b'*'] if word.iter().all(u8::is_ascii_alphabetic));
    letters && !marked && !value.starts_with(b"0x") && !is_method(value)
}

/// Is this a password although only a name stands beside it? Types, limits and codes are none.
pub(super) fn is_evident(value: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    let sign = |b: &u8| b.is_ascii_uppercase() || b"!@#$%^&*".contains(b);
    value.len() >= EVIDENT
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && has(sign)
        && !has(|b| b"=(/".contains(b))
}

/// Did a person choose this who was asked for signs and digits?
pub(super) fn is_chosen(value: &[u8]) -> bool {
    let address = value.contains(&b'@') && value.contains(&b'.');
    // `%3A` in a part of a URL.
    let escape = |three: &[u8]| matches!(three, [b'%', b'2'..=b'7', b] if b.is_ascii_hexdigit());
    LENGTHS.contains(&value.len())
        && value.iter().all(u8::is_ascii_graphic)
        && value.iter().any(|b| SIGNS.contains(b))
        && !address
        && !value.windows(3).any(escape)
        && is_evident(value)
        && !near::is_other(value)
}

/// What stands before a colon that no user's name is.
const SCHEMES: [&[u8]; 13] = [
    b"file", b"path", b"type", b"profile", b"user", b"kid", b"realm", b"ecr", b"md5", b"store",
    b"basic", b"bearer", b"arn",
];

/// `app:gT7pQ2vX`
pub(super) fn is_login(value: &[u8], quoted: bool) -> bool {
    let Some(at) = value.iter().position(|b| *b == b':') else { return false };
    let (user, secret) = value.split_at(at);
    let of_user = |b: &u8| b.is_ascii_alphanumeric() || b"_.@-".contains(b);
    let secret = secret.get(1..).unwrap_or_default();
    !user.is_empty()
        && !SCHEMES.contains(&user)
        && !is_region(secret)
        && user.iter().all(of_user)
        && !secret.iter().any(|b| b"/:".contains(b))
        && is_password(secret, quoted)
}

/// What a key holds.
pub(super) struct Held {
    pub span: Range<usize>,
    /// In quotes, or where no code stands.
    pub quoted: bool,
}

/// The password whose key ends at `at`.
pub(super) fn after(text: &[u8], at: usize) -> Option<Range<usize>> {
    let at = at + suffix(text.get(at..).unwrap_or_default());
    let Held { span, quoted } = held(text, at, LONGEST)?;
    if !quoted && is_type(text, at, &span) {
        return None;
    }
    let data = quoted || list::is_field(text, at, span.end) || is_by_signs(text, at, &span);
    let quoted = data || place::is_setting(text, at, span.end);
    is_password(text.get(span.clone())?, quoted).then_some(span)
}

/// What looks like a secret near the key that ends at `at`, unless its own value is masked: what
/// stood near it was not looked for before. Its words are read all the same, as they were then.
pub(super) fn near_key(
    text: &[u8],
    at: usize,
    word: Word,
    read: &mut Range<usize>,
    mut found: impl FnMut(Range<usize>),
) {
    near::behind(text, at, word, read, |span| {
        if !is_masked(text, at) {
            found(span);
        }
    });
}

/// Is the value of the key that ends at `at` masked already?
fn is_masked(text: &[u8], at: usize) -> bool {
    let at = at + suffix(text.get(at..).unwrap_or_default());
    held(text, at, LONGEST).is_some_and(|held| any_placeholder(part(text, &held.span)))
}

/// The value of the key whose name ends at `at`, if it is not longer than this.
pub(super) fn held(text: &[u8], at: usize, longest: usize) -> Option<Held> {
    held_beyond(text, at, longest, &mut (0..0))
}

/// The same. Within `endless` no value without quotes ends: each of its bytes is read once,
/// however many keys stand in it.
pub(super) fn held_beyond(
    text: &[u8],
    at: usize,
    longest: usize,
    endless: &mut Range<usize>,
) -> Option<Held> {
    let word_ends = text.get(at).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    if !word_ends {
        return None;
    }
    let tags =
        matches!(text.get(at..)?, [b'<', b'/', ..] | [b':', b'<', ..] | [b':', b' ', b'<', ..]);
    if let Some(held) = if tags { html::value(text, at, longest) } else { None } {
        return Some(held);
    }
    let sign = skip(text, at, BEFORE_SIGN);
    let (start, bare_is_data) = match text.get(sign..)? {
        [b'=', b'>', ..] | [b':', b'=', ..] => (sign + 2, false),
        // Of a property of C#.
        rest if rest.starts_with(b"{ get;") => (sign + place::behind_accessors(rest)?, false),
        // Of Ruby.
        [b'|', b'|', b'=', ..] => (sign + 3, false),
        [b':', b':', ..] | [b'=', b'=', ..] => return None,
        [b':', b'*', b'*', ..] => (sign + 3, false),
        [b':', ..] => {
            match place::elsewhere(text, sign + 1).or_else(|| place::default(text, at, sign)) {
                Some(start) => (start, false),
                None => (place::behind_anchor(text, skip(text, sign + 1, b" \t")), false),
            }
        }
        [b'=', ..] => (sign + 1, false),
        [b'>', ..] if sign == at => return place::element(text, at, longest),
        _ if is_flag(text, at) && skip(text, at, b" \t") > at => (at, false),
        _ if place::is_env(text, at) => (at, true),
        _ => {
            if let Some(span) = place::said(text, at) {
                return Some(Held { span, quoted: true });
            }
            let start = place::statement(text, at).or_else(|| place::apart(text, at));
            let start = start.or_else(|| place::call(text, at));
            let start = start.or_else(|| place::default(text, at, sign));
            let cell = || columns::next_cell(text, at).filter(|cell| is_evident(part(text, cell)));
            (start.or_else(|| cell().map(|cell| cell.start))?, false)
        }
    };
    let start = described(text, skip(text, start, b" \t"));
    let start = place::behind_prefix(text, place::within_list(text, start));
    let opened = skip(text, start, b"\\");
    let quote = text.get(opened).copied().filter(|b| b"\"'`".contains(b));
    let from = if quote.is_some() { opened + 1 } else { start };
    let rest = text.get(from..).unwrap_or_default();
    let near = rest.get(..longest + 1).unwrap_or(rest);
    let len = match quote {
        Some(quote) => near.iter().position(|&b| b == quote || b == b'\n'),
        None => {
            let known = if endless.contains(&from) { endless.end - from } else { 0 };
            let len = near.get(known..).and_then(bare).map(|len| known + len);
            let len = len.map(|len| place::whole_line(text, at, from, len));
            if len.is_none() {
                *endless = from..endless.end.max(from + near.len());
            }
            len
        }
    };
    // Without an end in reach it is no password; looking further would make the
    // scan quadratic.
    let len = len.or((rest.len() <= longest).then_some(rest.len()))?;
    let value = rest.get(..len)?;
    // The backslash that escapes the closing quote.
    let escapes = value.iter().rev().take_while(|&&b| b == b'\\').count();
    Some(Held { span: from..from + len - escapes, quoted: quote.is_some() || bare_is_data })
}

/// Behind the line between a key and its value, as `kubectl describe` draws it.
pub(super) fn described(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let lines = [b"\n----\n".as_slice(), br"\n----\n"];
    at + lines.iter().find(|line| rest.starts_with(line)).map_or(0, |line| line.len())
}

/// Behind these characters, and behind colors.
fn skip(text: &[u8], from: usize, set: &[u8]) -> usize {
    let mut at = from;
    for _ in 0..BETWEEN {
        at += match text.get(at..) {
            Some([b, ..]) if set.contains(b) => 1,
            Some(rest @ [ESCAPE, ..]) => match control(rest) {
                Some(len) => len,
                None => return at,
            },
            _ => return at,
        };
    }
    at
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
        if variable.is_none() && ends_bare(*byte) {
            return Some(at);
        }
        at += variable.unwrap_or(1);
    }
    None
}

fn ends_bare(byte: u8) -> bool {
    matches!(
        byte,
        b',' | b';'
            | b'"'
            | b'\''
            | b'`'
            | b')'
            | b'}'
            | b']'
            | b'&'
            | b'<'
            | b'\\'
            | b'|'
            | ESCAPE
    ) || byte.is_ascii_whitespace()
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
    // The user and the password of a URL are read by themselves.
    let url = value.windows(3).any(|three| three == b"://");
    if !LENGTHS.contains(&value.len()) || url {
        return false;
    }
    if generated::is(value) {
        return true;
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
