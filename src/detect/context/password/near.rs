//! Secrets that look so, on the line of a word that announces one: `the password "aB3dE5fG" does
//! not work`, `props.put("password", "aB3dE5fG")`, `X-Api-Key:[aB3dE5fG]`.
//!
//! Nothing but their look says that they are secrets, so that it has to be sure.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use crate::detect::boundary::{any_placeholder, fits, is_quoted};
use crate::detect::context::bytes::{line, over, part};
use crate::detect::context::password::{html, is_evident};
use crate::detect::context::secret::{changes, is_by_chance, pairs, turns};

mod words;

pub(crate) use words::Word;
pub(in crate::detect) use words::{NAMES, words};

/// No more words are read, nor bytes.
const WORDS: usize = 8;
const REACH: usize = 320;
const SHORTEST: usize = 8;
const LONGEST: usize = 128;
/// As often letters and digits follow each other at least; without signs, more often.
const TURNS: usize = 3;
/// What stands around the only word of a line.
const AROUND: &[u8] = b" `\"'";
/// How digests, numbers, and the names of styles begin.
const OTHERS: [&[u8]; 8] = [b"sha1", b"sha2", b"sha3", b"sha5", b"0x", b"0X", b"css-", b"sc-"];
/// In the names of versions: `V1beta1TokenReview`.
const VERSIONS: [&[u8]; 2] = [b"beta", b"alpha"];
/// What says that a password follows.
const VERBS: [&str; 13] =
    ["is ", "is: ", "to ", "from ", "was ", "= ", "-> ", "→ ", ": ", ":* ", ":** ", "– ", "/ "];
/// The same, right before the word for a password: `with password Summer-2024`.
const GIVEN: [&str; 4] = ["with password ", "and password ", "the password ", "with pass "];
const SAYS: usize = 8;
/// What says that a key follows, right behind its name.
const TELLS: [&str; 6] = [" is ", " is: ", " = ", ": ", " | ", ":** "];
const FURTHER: usize = 12;
const LONGEST_GIVEN: usize = 14;
/// What goes on in a field beside the name of a secret, before its value.
const FIELDS: [&[u8]; 16] = [
    b"noecho",
    b"minlength",
    b"maxlength",
    b"value",
    b"default",
    b"type",
    b"description",
    b"label",
    b"purpose",
    b"sensitive",
    b"secret",
    b"required",
    b"version",
    b"env",
    b"key",
    b"is_secret",
];

/// Each of what looks like a secret behind a word that ends at `at`. What `read` holds
/// was read by another of its kind.
pub(in crate::detect) fn behind(
    text: &[u8],
    at: usize,
    kind: Word,
    read: &mut Range<usize>,
    mut found: impl FnMut(Range<usize>),
) {
    let password = kind == Word::Password;
    let of_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let word = at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(of_word);
    let at = at + usize::from(word && text.get(at) == Some(&b's'));
    if word && text.get(at).is_some_and(of_word) {
        return;
    }
    let near = text.get(at..text.len().min(at + REACH)).unwrap_or_default();
    let (len, _) = line(near);
    let own = near.get(..len).unwrap_or_default();
    if own.trim_ascii_end().ends_with(b":") {
        let mut end = at + len;
        while let Some(span) = below(text, end).filter(|_| end < at + REACH) {
            end = over(text, span.end, 2, AROUND);
            found(span);
        }
    }
    // Where words stand close, each is read once.
    let first = if read.contains(&at) { read.end.min(at + len) } else { at };
    let (mut from, mut words) = (first, 0);
    while words < WORDS {
        let Some(word) = next(text, from, at + len) else { return };
        words += usize::from(part(text, &word).iter().any(u8::is_ascii_alphanumeric));
        let other = || if password { chosen(text, at, from, &word) } else { told(text, at, &word) };
        if let Some(span) = made(text, &word).or_else(other) {
            found(span);
        }
        from = word.end;
        *read = at..from;
    }
}

/// What somebody chose, and what a word or a sign before it says that it is: `password → Autumn2024!`.
fn chosen(text: &[u8], at: usize, from: usize, word: &Range<usize>) -> Option<Range<usize>> {
    let (whole, span) = (text.get(word.clone())?, without_end(text, word));
    let value = text.get(span.clone())?;
    let open = value.iter().any(|b| b"/.:=".contains(b)) || value.starts_with(b"-");
    if open || !is_evident(value) || is_other(value) {
        return None;
    }
    let between = text.get(from..word.start)?;
    let quoted =
        matches!(
            between.trim_ascii_start(),
            [b'`' | b'"' | b'\''] | [.., b':' | b'=' | b'/', b' ', b'`' | b'"' | b'\'']
        ) || is_argument(between, from == at || text.get(at.wrapping_sub(1)) == Some(&b'('));
    let head = text.get(from.saturating_sub(SAYS)..word.start)?;
    let given = || {
        let head = text.get(word.start.saturating_sub(LONGEST_GIVEN)..word.start);
        let given = |head: &[u8]| GIVEN.iter().any(|given| head.ends_with(given.as_bytes()));
        from == at && head.is_some_and(given) && has_sign_or_year(whole)
    };
    let said = || VERBS.iter().any(|verb| head.ends_with(verb.as_bytes())) || given();
    let signs = value.iter().any(|b| b"!@#$%^&*?-".contains(b) || (quoted && *b == b'_'));
    (signs && (quoted || said()) && fits(text, &span)).then_some(span)
}

/// A word without what ends a sentence, unless quotes say what belongs to it.
fn without_end(text: &[u8], word: &Range<usize>) -> Range<usize> {
    let value = part(text, word);
    let tail = value.iter().rev().take_while(|b| b".,;:)".contains(b)).count();
    word.start..word.end - if is_quoted(text, word) { 0 } else { tail }
}

/// What a sentence or a cell says that a key is: `API key: 7f3e9d1c5b8a2f6e`.
fn told(text: &[u8], at: usize, word: &Range<usize>) -> Option<Range<usize>> {
    let head = text.get(..at)?;
    let named = [b" key".as_slice(), b" Key"].iter().any(|end| head.ends_with(end));
    let between = text.get(at..word.start).filter(|between| between.len() <= FURTHER)?;
    let verb = TELLS.iter().find_map(|verb| between.strip_prefix(verb.as_bytes()))?;
    let span = without_end(text, word);
    let close = verb.iter().all(|b| b" `*\"'".contains(b));
    let is = named && close && is_by_chance(text.get(span.clone())?, true);
    (is && fits(text, &span)).then_some(span)
}

/// Is the next word an argument behind the name of a password: `set("password", "`? Of a call that
/// is given one, each may be it: `login("user", "`.
fn is_argument(between: &[u8], first: bool) -> bool {
    let quote = |b: &u8| b"\"'`".contains(b);
    let [before @ .., last] = between else { return false };
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    // The name may be a constant: `put(PASSWORD, "`.
    let comma = before.trim_ascii_end().strip_suffix(b",");
    first && quote(last) && comma.is_some_and(|name| name.last().is_none_or(quote))
}

/// What words with hyphens have not: `Base64-encoded`.
pub(in crate::detect::context) fn has_sign_or_year(value: &[u8]) -> bool {
    let year = |four: &[u8]| matches!(four, [b'2', b'0', a, b] if a.is_ascii_digit() && b.is_ascii_digit());
    value.windows(4).any(year) || value.iter().any(|b| b"!@#$%^&*".contains(b))
}

/// The next word before `until`, unless the value of another key begins there.
fn next(text: &[u8], from: usize, until: usize) -> Option<Range<usize>> {
    let rest = text.get(from..until)?;
    let gap = rest.iter().take_while(|b| is_between(**b)).count();
    let between = rest.get(..gap)?;
    let start = from + gap;
    let rest = rest.get(gap..).filter(|rest| !rest.is_empty())?;
    let len = rest.iter().take(LONGEST + 1).take_while(|b| !is_between(**b)).count();
    let word = rest.get(..len)?;
    let key = || {
        let close = over(text, start + len, 4, b"\\\"' ");
        matches!(text.get(close), Some(b':' | b'=')) || word.ends_with(b":")
    };
    let field = || {
        let name = word.strip_suffix(b":").unwrap_or(word);
        FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
    };
    let other = between.contains(&b',') && key() && !field();
    // A variable, or what a reader fills in.
    let tag = between.ends_with(b"<") && text.get(start + len) == Some(&b'>');
    let variable = between.windows(2).any(|two| two == b"{{") || (tag && !html::is_tag(word));
    // An image in a style.
    let data = text.get(..start).is_some_and(|head| head.ends_with(b"base64,"));
    let ends = variable || data || between.contains(&b'}') || word.starts_with(b";") || other;
    (!ends).then_some(start..start + len)
}

/// What stands between words.
#[inline]
fn is_between(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'"'
            | b'\''
            | b'`'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'<'
            | b'>'
            | b','
            | b'|'
            | b'\\'
            | b'='
    )
}

/// What sets a text apart in prose.
#[inline]
fn is_mark(byte: u8) -> bool {
    matches!(byte, b'*' | b'_' | b'~' | b'-' | b'.' | b',' | b';' | b':' | b'!' | b'?')
}

/// What of a word is a secret by its look.
fn made(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let value = text.get(word.clone()).filter(|value| value.len() >= SHORTEST)?;
    let lead = value.iter().take_while(|b| is_mark(**b)).count();
    let value = value.get(lead..)?;
    // `user:VALUE`, and `Pwd:VALUE;Timeout:30`.
    let user = value.iter().position(|b| *b == b':').filter(|at| *at > 2).map_or(0, |at| at + 1);
    let value = value.get(user..)?;
    let value = value.get(..value.iter().position(|b| *b == b';').unwrap_or(value.len()))?;
    // A query goes on.
    let asked = text.get(word.end) == Some(&b'=');
    let query = value.iter().position(|b| *b == b'&').filter(|_| asked);
    let value = value.get(..query.unwrap_or(value.len()))?;
    let tail = value.iter().rev().take_while(|b| is_mark(**b)).count();
    let ends = word.start + lead + user + value.len() == word.end;
    let tail = if ends && is_quoted(text, word) { 0 } else { tail };
    let start = word.start + lead + user;
    let span = start..start + value.len() - tail;
    // What is called is a function.
    let called = text.get(span.end) == Some(&b'(');
    let is = !called && is_made(&unescaped(text.get(span.clone())?));
    (is && fits(text, &span)).then_some(span)
}

/// Without the escapes of URLs, whose letters and digits say nothing.
fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'%', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut rest = value;
    let mut out = Vec::with_capacity(value.len());
    while let Some((&byte, more)) = rest.split_first() {
        rest = match rest {
            [b'%', a, b, more @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => more,
            _ => {
                out.push(byte);
                more
            }
        };
    }
    Cow::Owned(out)
}

/// Does this look like nothing but a secret? Small and large letters and digits that change often,
/// or with signs between them: names of things do not.
pub(in crate::detect) fn is_made(value: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    if !(SHORTEST..=LONGEST).contains(&value.len())
        || !has(u8::is_ascii_lowercase)
        || !has(u8::is_ascii_uppercase)
        || !has(u8::is_ascii_digit)
        || has(|b| !b.is_ascii_graphic() || b"/:.@=\"'`\\<>(){}[]|,".contains(b))
        || is_other(value)
    {
        return false;
    }
    let (turns, changes) = (pairs(value, turns), pairs(value, changes));
    let letters = value.iter().filter(|b| b.is_ascii_alphanumeric()).count();
    let inner = value.get(1..).unwrap_or_default();
    let signs = inner.iter().any(|b| b"!#$%^&*?".contains(b));
    (turns >= TURNS && signs) || (turns > TURNS && 4 * changes >= letters && !is_of_words(value))
}

/// A variable, a digest, a number, the name of a style or of a version, or masked already.
pub(in crate::detect::context) fn is_other(value: &[u8]) -> bool {
    matches!(value, [b'$' | b'%' | b'#' | b'@' | b'&', ..])
        || OTHERS.iter().any(|own| value.starts_with(own))
        || VERSIONS.iter().any(|own| memmem::find(value, own).is_some())
        || any_placeholder(value)
}

/// Is this a name, a digest or masked, however mixed it is?
pub(in crate::detect::context) fn is_named(value: &[u8]) -> bool {
    is_other(value) || is_of_words(value)
}

/// Is this made of words with numbers between them: `Sha512Hmac256`?
fn is_of_words(value: &[u8]) -> bool {
    let (mut parts, mut letters, mut last) = (0, 0, 0_u8);
    for &byte in value {
        if byte.is_ascii_alphabetic() {
            parts += usize::from(!last.is_ascii_alphabetic() || byte.is_ascii_uppercase());
            letters += 1;
        }
        last = byte;
    }
    letters >= 3 * parts
}

/// The only word of the line behind the one that ends at `at`, or of the item there.
fn below(text: &[u8], at: usize) -> Option<Range<usize>> {
    let mut at = at;
    for _ in 0..2 {
        at += match text.get(at..)? {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] | [b'\\', b'n', ..] => 2,
            _ => 0,
        };
    }
    let item = over(text, at, LONGEST, b" \t");
    let item = item + if text.get(item..)?.starts_with(b"- ") { 2 } else { 0 };
    let start = over(text, item, 2, AROUND);
    let near = text.get(start..text.len().min(start + LONGEST + 1))?;
    let of_value = |b: &&u8| b.is_ascii_graphic() && **b != b'\\' && !AROUND.contains(b);
    let len = near.iter().take_while(of_value).count();
    let rest = text.get(over(text, start + len, 2, AROUND)..).unwrap_or_default();
    let alone = matches!(rest, [] | [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r', ..]);
    let span = start..start + len;
    let value = text.get(span.clone())?;
    let padding = value.iter().rev().take_while(|b| **b == b'=').count();
    let own = value.get(..len - padding)?;
    let plain = own.iter().all(u8::is_ascii_alphanumeric);
    let is = is_made(own) || (plain && is_by_chance(own, true));
    (alone && is && fits(text, &span)).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
        let at = text.find(word).unwrap() + word.len();
        let mut all = Vec::new();
        behind(text.as_bytes(), at, Word::Password, &mut (0..0), |span| {
            all.push(text.get(span).unwrap())
        });
        all
    }

    #[test]
    fn what_looks_like_a_secret_is_one() {
        for (text, value) in [
            ("the password is now Oq1wLq2Zt9, please", "Oq1wLq2Zt9"),
            ("the password `Autumn2024!` does not work", "Autumn2024!"),
            ("the password → Autumn2024!", "Autumn2024!"),
            ("password for user \"x\": Herbst-2025", "Herbst-2025"),
            ("changed the password from Autumn-24", "Autumn-24"),
            ("the password `Oq1wLq2Zt9` does not work", "Oq1wLq2Zt9"),
            ("**password**: **Kv7#mTq2wLz9**", "Kv7#mTq2wLz9"),
            (r#"put("password", "u8Yx2LqP0v")"#, "u8Yx2LqP0v"),
            (r#"password = String::from("u8Yx2LqP0v");"#, "u8Yx2LqP0v"),
            (r#""password","type":"PLAIN","value":"Gy9wLq2Zt9"}"#, "Gy9wLq2Zt9"),
            ("password:\n\n4f9c2e7b81d04a6f9b3e5c7d2a1f8e60\n", "4f9c2e7b81d04a6f9b3e5c7d2a1f8e60"),
            ("passwords: mia:Kq8wLz3Xt1", "Kq8wLz3Xt1"),
            ("passwords:\n  - 'Kq8wLz3Xt1Vn='\n  - x", "Kq8wLz3Xt1Vn="),
            ("password;Pwd:Kq8wLz3Xt1;Timeout:30", ""),
        ] {
            let expected: Vec<_> =
                Some(value).filter(|value| !value.is_empty()).into_iter().collect();
            assert_eq!(found(text, "password"), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_is_none() {
        for text in [
            "password is OAuth2TokenProvider",
            "password hash: sha512-PTJiT5xKq2Lm9",
            "password go.sum h1:BTDl4CC/gjf/axHMaDQtw507=",
            "password_Kv7mTq2wLz9",
            r#""password": null, "requestId": "Kx9Zb3Qw7"}"#,
            "password AWS_DB_PASSWORD_EQE4TBA1AAVS",
            "password utf8ToBase64",
            "password reset Autumn-24",
            "password -> user1Token",
            "password { background: url(data:image/png;base64,OVxI4LPrvA5DmWT8cCsvDBr4)",
            "password from user-1-Token.ts",
            "password Sha512Hmac256Aes128Gcm",
            "password one two three four five six seven eight Kv7mTq2wLz9",
            "password:\nKv7mTq2wLz9 is not alone\n",
        ] {
            assert!(found(text, "password").is_empty(), "{text}");
        }
    }
}
