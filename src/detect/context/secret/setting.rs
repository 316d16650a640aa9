//! Settings that are secrets whatever they open: `STRIPE_KEY`, `GITHUB_PAT`, `token`.
//!
//! Variables of an environment are named by people who know what they hold, so that their last
//! word is enough. In other names it is not: `key` and `pass` have many meanings in code.

use crate::detect::context::bytes::ends_with;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect::context) enum Holds {
    /// What chance made.
    Random,
    /// The same, or a user and a password: `app:gT7pQ2vX`.
    Login,
    /// What a person may have made up.
    Chosen,
}

/// How the names of settings end, in small letters; of three letters at least.
pub(in crate::detect::context) const LAST: [&str; 8] =
    ["key", "token", "pat", "salt", "hmac", "auth", "creds", "credentials"];
/// The last words of variables that hold what chance made.
const RANDOM: [&[u8]; 5] = [b"KEY", b"TOKEN", b"PAT", b"SALT", b"HMAC"];
/// Of those that may hold a user and a password.
const LOGIN: [&[u8]; 4] = [b"AUTH", b"CREDS", b"CREDENTIAL", b"CREDENTIALS"];
/// Of those that people choose, behind a word for what they open.
const CHOSEN: [&[u8]; 4] = [b"SECRET", b"PASSPHRASE", b"PASS", b"PW"];
/// Before these words: what everybody may see, or what finds something.
const OPEN: [&[u8]; 25] = [
    b"PUBLIC",
    b"PUBKEY",
    b"CACHE",
    b"SORT",
    b"HASH",
    b"RANGE",
    b"PRIMARY",
    b"PARTITION",
    b"FOREIGN",
    b"ROW",
    b"OBJECT",
    b"GROUP",
    b"INDEX",
    b"LOOKUP",
    b"MAP",
    b"SHARD",
    b"IDEMPOTENCY",
    b"DEDUP",
    b"HOST",
    b"S3",
    b"CONFIG",
    b"FEATURE",
    b"QUERY",
    b"TLS",
    b"PULL",
];
/// Tokens that only tell where a list goes on, or which request this is.
const PLACES: [&[u8]; 18] = [
    b"next",
    b"page",
    b"pagination",
    b"continuation",
    b"continue",
    b"start",
    b"starting",
    b"sync",
    b"cursor",
    b"client",
    b"request",
    b"idempotency",
    b"resume",
    b"cancellation",
    b"forward",
    b"backward",
    b"change",
    b"lock",
];

/// What a setting of this name holds, if it is a secret.
pub(in crate::detect::context) fn holds(key: &[u8]) -> Option<Holds> {
    let name = key.rsplit(|b| b".:".contains(b)).next().unwrap_or_default();
    if !name.iter().any(u8::is_ascii_lowercase) {
        return of_variable(name);
    }
    // `nextToken`, `next_token`
    let before = name.get(..name.len().checked_sub(5)?)?;
    let before = before.strip_suffix(b"_").or(before.strip_suffix(b"-")).unwrap_or(before);
    let place = PLACES.iter().any(|word| ends_with(before, word));
    (ends_with(name, b"token") && !place).then_some(Holds::Random)
}

fn of_variable(name: &[u8]) -> Option<Holds> {
    let mut words = name.rsplit(|b| b"_-".contains(b));
    let (last, before) = (words.next()?, words.next());
    if before.is_some_and(|word| OPEN.contains(&word) || is_place(word)) {
        return None;
    }
    if LOGIN.contains(&last) {
        return Some(Holds::Login);
    }
    match (RANDOM.contains(&last), before) {
        (true, None) => (last != b"KEY" && last != b"PAT").then_some(Holds::Random),
        (true, Some(_)) => Some(Holds::Random),
        // What a test did.
        (false, Some(b"TEST")) if last == b"PASS" => None,
        (false, Some(_)) => CHOSEN.contains(&last).then_some(Holds::Chosen),
        (false, None) => None,
    }
}

fn is_place(word: &[u8]) -> bool {
    PLACES.iter().any(|place| place.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_settings_hold() {
        for name in [
            "STRIPE_KEY",
            "GITHUB_PAT",
            "RAILS_MASTER_KEY",
            "SALT",
            "token",
            "user.token",
            "ci_token",
            "buildToken",
        ] {
            assert_eq!(holds(name.as_bytes()), Some(Holds::Random), "{name}");
        }
        for name in ["REDIS_AUTH", "DB_CREDS", "CREDENTIALS"] {
            assert_eq!(holds(name.as_bytes()), Some(Holds::Login), "{name}");
        }
        for name in ["ADMIN_PW", "SESSION_SECRET", "SUDO_PASS", "CA_PASSPHRASE"] {
            assert_eq!(holds(name.as_bytes()), Some(Holds::Chosen), "{name}");
        }
        for name in [
            "PUBLIC_KEY",
            "CACHE_KEY",
            "NEXT_TOKEN",
            "nextToken",
            "page_token",
            "key",
            "bypass",
            "PASS",
            "KEY",
            "SECRET",
            "TLS_SECRET",
            "monkey",
            "pat",
            "",
        ] {
            assert_eq!(holds(name.as_bytes()), None, "{name}");
        }
    }
}
