//! Settings that are secrets whatever they open: `STRIPE_KEY`, `GITHUB_PAT`, `token`.
//!
//! Variables of an environment are named by people who know what they hold, so that their last
//! word is enough. In other names it is not: `key` and `pass` have many meanings in code.

use memchr::memmem;

use crate::detect::context::bytes::ends_with;
use crate::detect::context::password::{self, near};

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect::context) enum Holds {
    /// What chance made.
    Random,
    /// The same, or a user and a password: `app:gT7pQ2vX`.
    Login,
    /// What a person may have made up.
    Chosen,
    /// The same, where it looks so: many things are called like it.
    Evident,
}

/// How the names of settings end, in small letters: those of three letters at least,
/// and the only shorter one.
pub(in crate::detect::context) const LAST: [&str; 9] =
    ["hmac", "key", "token", "pat", "salt", "auth", "creds", "credential", "credentials"];
pub(in crate::detect::context) const SHORTEST: &str = "pw";
/// The last words of variables that hold what chance made.
const RANDOM: [&[u8]; 5] = [b"HMAC", b"KEY", b"TOKEN", b"PAT", b"SALT"];
/// Of those that may hold a user and a password.
const LOGIN: [&[u8]; 4] = [b"AUTH", b"CREDS", b"CREDENTIAL", b"CREDENTIALS"];
/// Of those that people choose, behind a word for what they open.
const CHOSEN: [&[u8]; 4] = [b"SECRET", b"PASSPHRASE", b"PASS", b"PW"];
/// The short words for a password.
const SHORT: [&[u8]; 3] = [b"pass", b"pwd", b"pw"];
/// Before these words: what everybody may see, or what finds something.
const OPEN: [&[u8]; 76] = [
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
    b"UNIQUE",
    b"MERGE",
    b"SURROGATE",
    b"NATURAL",
    b"BUSINESS",
    b"JOIN",
    b"DISTRIBUTION",
    b"COMPOSITE",
    b"ROUTING",
    b"ROUTE",
    b"EVENT",
    b"MESSAGE",
    b"DOCUMENT",
    b"FILE",
    b"BLOB",
    b"IMAGE",
    b"LAYER",
    b"ARTIFACT",
    b"SNAPSHOT",
    b"STATE",
    b"BUCKET",
    b"RESTORE",
    b"BUILD",
    b"DEDUPE",
    b"DEDUPLICATION",
    b"GPG",
    b"K8S",
    b"CERT",
    b"INGRESS",
    b"EXISTING",
    b"VAULT",
    b"COLOR",
    b"RENDER",
    b"DEPTH",
    b"SHADOW",
    b"LIGHT",
    b"GL",
    b"FIRST",
    b"SECOND",
    b"TOTAL",
    b"MAX",
    b"MIN",
    b"BAND",
    b"LOW",
    b"HIGH",
    b"E2E",
    b"TESTS",
    b"UNIT",
    b"PULSE",
    b"CLK",
    b"RST",
];
/// In the names of tokens that only tell where a list goes on, or which request this is.
const PLACES: [&[u8]; 38] = [
    b"next",
    b"page",
    b"pagin",
    b"contin",
    b"start",
    b"sync",
    b"cursor",
    b"client",
    b"request",
    b"idempot",
    b"resume",
    b"cancel",
    b"forward",
    b"backward",
    b"change",
    b"lock",
    b"prev",
    b"after",
    b"before",
    b"skip",
    b"delta",
    b"scroll",
    b"marker",
    b"creation",
    b"caller",
    b"receipt",
    b"upload",
    b"trace",
    b"correlation",
    b"etag",
    b"fenc",
    b"lease",
    b"version",
    b"commit",
    b"task",
    b"design",
    b"syntax",
    b"symbol",
];

/// What a setting of this name holds, if it is a secret.
pub(in crate::detect::context) fn holds(key: &[u8]) -> Option<Holds> {
    let name = key.rsplit(|b| b".:".contains(b)).next().unwrap_or_default();
    if is_short(name) {
        return Some(Holds::Evident);
    }
    if !name.iter().any(u8::is_ascii_lowercase) {
        return of_variable(name);
    }
    if ends_with(name, b"token") {
        return (!is_place(name)).then_some(Holds::Random);
    }
    // Headers: `X-Partner-Auth`
    if let [b'X' | b'x', b'-', ..] = name {
        let holds = of_variable(&name.to_ascii_uppercase());
        return holds.filter(|holds| matches!(holds, Holds::Random | Holds::Login));
    }
    // `partner_key`
    let variable = !name.iter().any(u8::is_ascii_uppercase) && name.contains(&b'_');
    let holds = variable.then(|| of_variable(&name.to_ascii_uppercase())).flatten();
    holds.filter(|holds| *holds == Holds::Random)
}

/// `pass`, `db_master_pw`, `replicaPw`: short for a password, and for other things.
pub(in crate::detect::context) fn is_short(key: &[u8]) -> bool {
    let name = key.rsplit(|b| b".:".contains(b)).next().unwrap_or_default();
    let last = name.rsplit(|b| b"_-".contains(b)).next().unwrap_or_default();
    let camel = [b"Pw".as_slice(), b"Pwd", b"Pass"].iter().any(|end| name.ends_with(end));
    let small = name.iter().any(u8::is_ascii_lowercase) || name.len() == last.len();
    (small && SHORT.iter().any(|short| last.eq_ignore_ascii_case(short))) || camel
}

/// May what such a setting holds be a password? `apart`: in quotes, or no words follow it.
pub(in crate::detect::context) fn is_evident(value: &[u8], apart: bool) -> bool {
    near::is_made(value) || password::is_chosen(value) || (apart && password::is_evident(value))
}

/// May a person have chosen this for such a setting? Numbers and names of things are no secrets.
pub(in crate::detect::context) fn is_chosen(key: &[u8], value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let part = |part: &[u8]| part.iter().all(u8::is_ascii_lowercase) || part.len() < 4;
    let of_name = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    let named =
        value.contains(&b'-') && value.iter().all(of_name) && value.split(|b| *b == b'-').all(part);
    // A path holds no plus.
    let path = value.contains(&b'/') && !value.contains(&b'+');
    let open = ends_with(key, b"secret") && (named || path);
    letters && !value.starts_with(b"0x") && !open
}

fn of_variable(name: &[u8]) -> Option<Holds> {
    let mut words = name.rsplit(|b| b"_-".contains(b));
    let (last, before) = (words.next()?, words.next());
    if before.is_some_and(is_open) || (last == b"TOKEN" && is_place(name)) {
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

/// Does this word say that everybody may see it, or that it finds something?
pub(super) fn is_open(word: &[u8]) -> bool {
    OPEN.contains(&word)
}

/// `nextToken`, `next_token`
pub(super) fn is_place(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    PLACES.iter().any(|place| memmem::find(&name, place).is_some())
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
        for name in ["REDIS_AUTH", "DB_CREDS", "CREDENTIALS", "X-Partner-Auth"] {
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
