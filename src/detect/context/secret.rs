//! Secrets that their key announces: `DD_API_KEY`, `client_secret`, `auth_token`.

use crate::detect::boundary::any_placeholder;
use crate::detect::context::bytes::ends_with;
use crate::detect::context::names::four_before;
use crate::detect::context::password::{self, code, generated, near};
use crate::detect::context::shape;
use crate::detect::template;

pub(super) mod setting;
pub(in crate::detect) mod variable;

/// Nobody gives out a longer one that is not read by its shape.
pub(super) const LONGEST: usize = 256;
/// The shortest that chance made.
const RANDOM: usize = 16;
/// The shortest part between signs in it.
const PART: usize = 12;
/// How names end that only secrets have.
const UUIDS: [&[u8]; 7] = [
    b"secretkey",
    b"encryptionkey",
    b"secret",
    b"apikey",
    b"secretid",
    b"licensekey",
    b"privatekey",
];
/// As many letters of each case at least, where there are hardly digits.
const CASE: usize = 4;
/// The shortest that a person made.
const CHOSEN: usize = 8;

/// How the heads of columns end that hold secrets.
const HEADS: [&[u8]; 6] =
    [b"apikey", b"token", b"secret", b"secretkey", b"privatekey", b"accesskey"];

/// How keys end that [`may_announce`] holds for.
pub(in crate::detect) const LAST: [&[u8]; 16] = [
    b"pwd", b"hmac", b"pass", b"auth", b"oken", b"cret", b"base", b"rase", b"alue", b"salt",
    b"reds", b"ials", b"tial", b"key", b"pat", b"pw",
];

/// May a key that announces a secret end with these four bytes, or one that holds the value
/// of such a key?
#[inline(always)]
pub(in crate::detect) fn may_announce(four: u32) -> bool {
    const fn of(text: [u8; 4]) -> u32 {
        u32::from_le_bytes(text)
    }
    // Makes capital letters small ones.
    let four = four | of([0x20; 4]);
    let (pass, auth, token) = (four == of(*b"pass"), four == of(*b"auth"), four == of(*b"oken"));
    let (secret, base, phrase) = (four == of(*b"cret"), four == of(*b"base"), four == of(*b"rase"));
    let hmac = four == of(*b"hmac");
    let (value, key) = (four == of(*b"alue"), four >> 8 == of(*b"key\0"));
    let (salt, creds) = (four == of(*b"salt"), four == of(*b"reds"));
    let (credentials, credential) = (four == of(*b"ials"), four == of(*b"tial"));
    let (pat, pwd) = (four >> 8 == of(*b"pat\0"), four >> 8 == of(*b"pwd\0"));
    let pw = four >> 16 == of(*b"pw\0\0");
    // Not one after the other: that could not be foretold.
    pass | auth
        | token
        | secret
        | base
        | phrase
        | value
        | key
        | salt
        | creds
        | credentials
        | credential
        | pat
        | pwd
        | hmac
        | pw
}

/// Does a column with this head hold what chance made?
pub(in crate::detect::context) fn is_head(head: &[u8]) -> bool {
    let small = head.to_ascii_lowercase();
    let name: Vec<u8> = small.into_iter().filter(u8::is_ascii_alphanumeric).collect();
    HEADS.iter().any(|word| name.ends_with(word))
}

/// A key before a sign, which ends at `end`. Adds where.
pub(in crate::detect) fn at_sign(text: &[u8], end: usize, out: &mut Vec<usize>) {
    if may_announce(four_before(text, end)) {
        out.push(end);
    }
}

/// A flag, which ends at `end`: `--auth-token VALUE`.
pub(in crate::detect) fn at_flag(text: &[u8], end: usize, out: &mut Vec<usize>) {
    let spaced = matches!(text.get(end), Some(b' ' | b'\t'));
    if spaced && may_announce(four_before(text, end)) {
        out.push(end);
    }
}

/// Made by chance?
pub(in crate::detect) fn is_by_chance(value: &[u8], quoted: bool) -> bool {
    generated::is(value) || (is_literal(value, quoted) && is_random(value, quoted))
}

/// Is this a UUID under a name that only secrets have?
pub(in crate::detect) fn is_uuid_of(key: &[u8], value: &[u8]) -> bool {
    let plain: Vec<u8> = key.iter().filter(|b| b.is_ascii_alphanumeric()).copied().collect();
    // `token` alone may be anything.
    let token = plain.len() > b"token".len() && ends_with(&plain, b"token");
    let named = UUIDS.iter().any(|ending| ends_with(&plain, ending));
    shape::is_uuid(value) && (named || (token && !setting::is_place(key)))
}

/// Made by chance, or by a person who was asked for signs and digits?
pub(in crate::detect) fn is_secret(value: &[u8], quoted: bool) -> bool {
    let chosen = || is_chosen(value) || password::is_chosen(value) || generated::is_by_signs(value);
    is_by_chance(value, quoted) || (quoted && is_literal(value, quoted) && chosen())
}

/// Neither a variable nor an address.
fn is_literal(value: &[u8], quoted: bool) -> bool {
    let variable = template::own(value).len() < value.len();
    let pointer = !quoted && code::is_pointer(value);
    !variable && !pointer
}

/// Words and names have few digits, and their letters change their case seldom.
fn is_random(value: &[u8], quoted: bool) -> bool {
    let of_secret = |b: &u8| b.is_ascii_alphanumeric() || b"+/=_-~".contains(b);
    let dot = |b: &u8| quoted && *b == b'.';
    let value = value.strip_prefix(b"base64:").unwrap_or(value);
    // A path does not end so.
    let padded = value.ends_with(b"=");
    let begin = |b: &u8| b.is_ascii_alphanumeric() || (padded && b"+/".contains(b));
    let begins = value.first().is_some_and(begin);
    if !(RANDOM..=LONGEST).contains(&value.len())
        || !begins
        // The id of a key.
        || shape::is_uuid(value)
        // A part of it is masked already, and looks like chance.
        || any_placeholder(value)
        || !value.iter().all(|b| of_secret(b) || dot(b))
    {
        return false;
    }
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let longest = value.split(|b| !b.is_ascii_alphanumeric()).map(<[u8]>::len).max();
    let changes = pairs(value, changes);
    let long = longest.is_some_and(|len| len >= PART);
    let mixed = digits > 1 && letters > 1 && 4 * changes >= digits + letters;
    long && (mixed || is_of_letters(value))
}

/// Letters of both cases, and hardly a digit: they change as those of words do not.
fn is_of_letters(value: &[u8]) -> bool {
    let cases =
        |a: u8, b: u8| a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && (a ^ b) & 0x20 != 0;
    let count = |of: fn(&u8) -> bool| value.iter().filter(|b| of(b)).count();
    count(u8::is_ascii_lowercase) >= CASE
        && count(u8::is_ascii_uppercase) >= CASE
        && 3 * pairs(value, cases) >= value.len()
        && value.iter().all(u8::is_ascii_alphanumeric)
        && !near::is_named(value)
}

/// How many characters and those behind them are so.
pub(super) fn pairs(value: &[u8], are: fn(u8, u8) -> bool) -> usize {
    value.windows(2).filter(|pair| matches!(pair, [a, b] if are(*a, *b))).count()
}

/// Does another sort of characters begin behind the first?
pub(super) fn changes(a: u8, b: u8) -> bool {
    turns(a, b) || (a.is_ascii_lowercase() && b.is_ascii_uppercase())
}

/// Does a letter follow a digit, or a digit a letter?
pub(super) fn turns(a: u8, b: u8) -> bool {
    (a.is_ascii_digit() && b.is_ascii_alphabetic())
        || (a.is_ascii_alphabetic() && b.is_ascii_digit())
}

fn is_chosen(value: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    (CHOSEN..=password::LONGEST).contains(&value.len())
        && value.iter().all(|b| b.is_ascii_graphic() && !b"/(){}[]<>|\"'\\;,".contains(b))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && has(|b| b"!$^&*%".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_told_from_words() {
        for value in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "q9Zt7LmPx2Rk4VwBn8YcH1sD",
            "Ab3xK9pQ2mN7vR4t",
            "hV8Q~Zr4.pL2kX9wB7nT5cM1yG6dF3sJ0aE",
        ] {
            assert!(is_secret(value.as_bytes(), true), "{value}");
        }
        for value in [
            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "your-api-key-goes-here",
            "my-service-token-1",
            "abcdef1234567890abcdef1234567890",
            "DatadogApiKeySecretName2",
            "test_key_1234567890",
            "s3cr3t/data/app1/config2/x",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:a1b2C3",
            "${API_KEY_1}a8Xk2Lm9Qw4Zt6",
            "https://a1b2c3d4e5f6.example",
            "/run/secrets/a1b2c3d4e5f6",
            "xxxxxxxxxxxxxxxxxxxx",
            "20240101T120000Z",
            "user1@example.com",
            "a1b2c3/AWS_EC2_BF3K9Q2MX4TB",
        ] {
            assert!(!is_secret(value.as_bytes(), true), "{value}");
        }
        assert!(!is_secret(b"key*8+offset1", false) && !is_secret(b"0x00007ffd1c2e5a40", false));
    }
}
