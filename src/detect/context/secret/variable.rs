//! What chance made and a variable of an environment holds whose name says nothing:
//! `KAFKA_SASL: kP9x2LmQ7vTz4RbW1nYc`.

use std::ops::Range;

use crate::detect::boundary::fits;
use crate::detect::context::bytes::over;
use crate::detect::context::password::near::{self, Word};
use crate::detect::context::password::{self, several};
use crate::detect::context::secret::{changes, is_by_chance, pairs, setting};

/// What is named by these everybody may see, or it only looks like chance.
const OTHERS: [&[u8]; 18] = [
    b"ID",
    b"IDS",
    b"UID",
    b"GUID",
    b"VERSION",
    b"REVISION",
    b"COMMIT",
    b"DIGEST",
    b"ETAG",
    b"CHECKSUM",
    b"INTEGRITY",
    b"SUM",
    b"FINGERPRINT",
    b"DATA",
    b"BASE64",
    b"EXAMPLE",
    b"SAMPLE",
    b"NAME",
];
/// What people choose too.
const CHOSEN: [&[u8]; 6] = [b"AUTH", b"LOGIN", b"SASL", b"BIND", b"PIN", b"SALT"];
/// What a list holds.
const SEVERAL: [&[u8]; 3] = [b"KEYS", b"TOKENS", b"SECRETS"];
/// No name is longer.
const LONGEST: usize = 64;
/// Nor shorter, in letters.
const LETTERS: usize = 2;
/// Shorter values are codes and ids, longer ones are read elsewhere.
const SHORTEST: usize = 16;
const LONGEST_VALUE: usize = 96;
/// Of each sort of characters, at least.
const EACH: usize = 2;
/// Spaces between a name and its value.
const GAP: usize = 64;

/// What the variable holds whose name ends at `end`, before the sign at `sign`.
pub(in crate::detect) fn at_sign(
    text: &[u8],
    end: usize,
    sign: usize,
    mut found: impl FnMut((Range<usize>, Word)),
) {
    // Most names end otherwise, and most values are looked at before the whole name is.
    if !end.checked_sub(1).and_then(|at| text.get(at)).is_some_and(of_name) {
        return;
    }
    let head = text.get(end.saturating_sub(LONGEST)..end).unwrap_or_default();
    let len = head.iter().rev().take_while(|b| of_name(b)).count();
    let (before, name) = head.split_at(head.len() - len);
    let own = || !before.last().is_some_and(u8::is_ascii_lowercase) && is_name(name);
    let last = name.rsplit(|b| *b == b'_').next().unwrap_or_default();
    if SEVERAL.contains(&last) {
        let is = |value: &[u8]| is_by_chance(value, true) && own();
        return several::each(text, end, is, |span| found((span, Word::Key)));
    }
    let start = over(text, sign + 1, 1, b">=");
    let start = over(text, over(text, start, GAP, b" \t"), 2, b"\\\"'`");
    let random = random(text, start).map(|span| (span, Word::Key));
    let chosen = || if CHOSEN.contains(&last) { chosen(text, start) } else { None };
    let held = random.or_else(|| Some((chosen()?, Word::Password)));
    held.filter(|_| own()).into_iter().for_each(found);
}

/// What somebody chose, with signs or a year in it, or a user with it: `app:gT7pQ2vX`.
fn chosen(text: &[u8], start: usize) -> Option<Range<usize>> {
    let near = text.get(start..text.len().min(start + LONGEST_VALUE + 1))?;
    let of_value = |b: &&u8| b.is_ascii_graphic() && !b"\\\"'`,;|}])".contains(b);
    let span = start..start + near.iter().take_while(of_value).count();
    let value = text.get(span.clone()).filter(|value| value.len() <= LONGEST_VALUE)?;
    let evident = password::is_evident(value) && near::has_sign_or_year(value);
    let is = evident || password::is_login(value, true);
    (is && !near::is_other(value) && fits(text, &span)).then_some(span)
}

/// What chance made.
fn random(text: &[u8], start: usize) -> Option<Range<usize>> {
    let near = text.get(start..text.len().min(start + LONGEST_VALUE + 1))?;
    let len = near.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let padded = over(text, start + len, 2, b"=");
    let ends = |b: &u8| b.is_ascii_whitespace() || b"\\\"'`,;|&}])".contains(b);
    let span = start..start + len;
    let alone = text.get(padded).is_none_or(ends) && fits(text, &span);
    (alone && is_random(text.get(span.clone())?)).then_some(span)
}

/// Is this what such a variable holds?
pub(in crate::detect::context) fn is(name: &[u8], value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_alphanumeric) && is_random(value) && is_name(name)
}

fn of_name(byte: &u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'
}

fn is_name(name: &[u8]) -> bool {
    let letters = name.iter().filter(|b| b.is_ascii_uppercase()).count();
    let other = |word: &[u8]| OTHERS.contains(&word) || setting::is_open(word);
    name.iter().all(of_name) && letters > LETTERS && !name.split(|b| *b == b'_').any(other)
}

/// Letters of both cases and digits, mixed as no word is.
fn is_random(value: &[u8]) -> bool {
    let each = |of: fn(&u8) -> bool| value.iter().filter(|b| of(b)).count() >= EACH;
    (SHORTEST..=LONGEST_VALUE).contains(&value.len())
        && each(u8::is_ascii_digit)
        && each(u8::is_ascii_lowercase)
        && each(u8::is_ascii_uppercase)
        && 3 * pairs(value, changes) >= value.len()
        && !near::is_named(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_variables_hold() {
        for (text, value) in [
            ("KAFKA_SASL: kP9x2LmQ7vTz4RbW1nYc\n", "kP9x2LmQ7vTz4RbW1nYc"),
            (r#""PARTNER": "x9K2mQ7vTz4RbW1nYc8H","#, "x9K2mQ7vTz4RbW1nYc8H"),
            (r#"\"PARTNER\": \"x9K2mQ7vTz4RbW1nYc8H\","#, "x9K2mQ7vTz4RbW1nYc8H"),
            ("SLACK = 'x9K2mQ7vTz4RbW1nYc8HsP3d'", "x9K2mQ7vTz4RbW1nYc8HsP3d"),
            ("|  SIGNING    |  kP9x2LmQ7vTz4RbW1nYc  |", "kP9x2LmQ7vTz4RbW1nYc"),
            ("'JWT' => 'x9K2mQ7vTz4RbW1nYc8HsP3d'", "x9K2mQ7vTz4RbW1nYc8HsP3d"),
            ("Variables={SASL=n9K2mQ7vTz4RbW1nYc8H,STAGE=prod}", "n9K2mQ7vTz4RbW1nYc8H"),
            ("SEED=x9K2mQ7vTz4RbW1nYc8HsP3d==", "x9K2mQ7vTz4RbW1nYc8HsP3d"),
            ("LDAP_BIND=Winter!2025", "Winter!2025"),
            ("KAFKA_SASL: app:Qx7#Lm2Zt", "app:Qx7#Lm2Zt"),
            ("PARTNER_AUTH: \"Summer2024!\",", "Summer2024!"),
            ("PARTNER_AUTH: disabled2", ""),
            ("WINTER=Winter!2025", ""),
            (
                "FERNET_KEYS = ['x9K2mQ7vTz4RbW1nYc8HsP3d', 'b9K2mQ7vTz4RbW1nYc8HsP3d=']",
                "b9K2mQ7vTz4RbW1nYc8HsP3d=",
            ),
            ("PARTNER_ID: x9K2mQ7vTz4RbW1nYc8HsP3d", ""),
            ("PUBLIC_SIGNING: x9K2mQ7vTz4RbW1nYc8HsP3d", ""),
            ("partner: x9K2mQ7vTz4RbW1nYc8HsP3d", ""),
            ("aPARTNER: x9K2mQ7vTz4RbW1nYc8HsP3d", ""),
            ("ID: x9K2mQ7vTz4RbW1nYc8HsP3d", ""),
            ("PARTNER: x9K2mQ7vTz4RbW1nYc8HsP3d.js", ""),
            ("PARTNER: 9f86d081884c7d659a2feaa0c55ad015", ""),
            ("HANDLER: getUser2ByName4Version", ""),
            ("SUM: sha512x9K2mQ7vTz4RbW1nYc8HsP3d", ""),
            ("PARTNER: AKIAIOSFODNN7EXAMPLE", ""),
            ("PARTNER: x9K2mQ7vTz4RbW1", ""),
            ("PARTNER:", ""),
        ] {
            let found = text.match_indices([':', '=', '|']).find_map(|(sign, _)| {
                let head = text.get(..sign).unwrap().trim_end_matches([' ', '"', '\'', '\\']);
                let mut all = Vec::new();
                at_sign(text.as_bytes(), head.len(), sign, |(span, _)| all.push(span));
                all.pop()
            });
            assert_eq!(found.map_or("", |span| text.get(span).unwrap()), value, "{text}");
        }
        assert!(
            is(b"PARTNER", b"x9K2mQ7vTz4RbW1nYc8H") && !is(b"Partner", b"x9K2mQ7vTz4RbW1nYc8H")
        );
    }
}
