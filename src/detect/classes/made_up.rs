//! Names that people give, told from words with hyphens.

use crate::detect::boundary::any_placeholder;
use crate::detect::classes::is_region;

/// Parts that a name has and a word has not.
const OWN: [&[u8]; 8] =
    [b"prod", b"production", b"dev", b"staging", b"stage", b"qa", b"my", b"company"];
/// What names end in, to say what they name.
const NOUNS: [&[u8]; 13] = [
    b"bucket",
    b"buckets",
    b"logs",
    b"db",
    b"data",
    b"backup",
    b"backups",
    b"cluster",
    b"instance",
    b"cache",
    b"uploads",
    b"assets",
    b"archive",
];
/// A number of so many digits is a year or counts.
const DIGITS: usize = 3;
/// A name with a number has so many parts at least: `orders-inbox-2`.
const PARTS: usize = 3;
/// What versions of databases begin with, and names of databases too.
const ENGINES: [&[u8]; 7] =
    [b"mysql", b"mariadb", b"postgres", b"postgresql", b"aurora", b"sqlserver", b"oracle"];
/// What versions and methods begin with: `python-3-12`, `aes-256-gcm`.
const METHODS: [&[u8]; 43] = [
    b"sha",
    b"aes",
    b"rsa",
    b"tls",
    b"ssl",
    b"utf",
    b"http",
    b"ipv",
    b"arm",
    b"amd",
    b"x",
    b"v",
    b"python",
    b"node",
    b"nodejs",
    b"java",
    b"dotnet",
    b"ruby",
    b"go",
    b"t",
    b"version",
    b"kubernetes",
    b"k8s",
    b"ubuntu",
    b"debian",
    b"linux",
    b"amazon",
    b"helm",
    b"docker",
    b"containerd",
    b"fargate",
    b"typescript",
    b"provided",
    b"max",
    b"min",
    b"issue",
    b"rfc",
    b"iso",
    b"cve",
    b"adr",
    b"page",
    b"sprint",
    b"step",
];

/// `my-data`, `orders-db`, `bucket-2023`, `orders-inbox-2`; not `server-side`, `db-instance` or `sha-256`.
pub(super) fn is_made_up(value: &[u8]) -> bool {
    let parts = || value.split(|b| b"-.".contains(b));
    let number = |part: &[u8]| part.len() >= DIGITS && part.iter().all(u8::is_ascii_digit);
    let noun = |part: &[u8]| NOUNS.contains(&part);
    let named = parts().next_back().is_some_and(noun) && !parts().all(noun);
    // `prod2`
    let plain = |part: &[u8]| part.iter().rposition(|b| !b.is_ascii_digit());
    let own = parts().any(|part| {
        let word = plain(part).and_then(|last| part.get(..=last)).unwrap_or(part);
        OWN.contains(&word) || number(part)
    });
    let region = value.split_last().is_some_and(|(_, zone)| is_region(zone)) || is_region(value);
    // A part of it is masked already: the rest is no name of its own.
    if any_placeholder(value) {
        return false;
    }
    // A date.
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    (parts().count() > 1 && (named || own) && !begins(value, &METHODS) && !region && letters)
        || (is_numbered(value) && !region)
}

fn begins(value: &[u8], words: &[&[u8]]) -> bool {
    let first = value.split(|b| b"-._".contains(b)).next().unwrap_or_default();
    let name = first.iter().rposition(|b| !b.is_ascii_digit()).and_then(|at| first.get(..=at));
    name.is_some_and(|name| words.iter().any(|word| name.eq_ignore_ascii_case(word)))
}

/// `orders-inbox-2`, `orders_sync_v2`; neither a version nor a date.
fn is_numbered(value: &[u8]) -> bool {
    let mut parts = value.split(|b| b"-._".contains(b));
    let first = parts.next().unwrap_or_default();
    let word = first.len() > 1 && first.iter().all(u8::is_ascii_alphabetic);
    let dotted = value.contains(&b'.');
    // `OPS-4521-alert`
    let ticket = first.iter().all(u8::is_ascii_uppercase);
    let (mut count, mut digit, mut short) = (1, false, false);
    for part in parts {
        count += 1;
        digit |= part.iter().any(u8::is_ascii_digit);
        short |= part.is_empty();
    }
    word && !ticket
        && !begins(value, &METHODS)
        && !begins(value, &ENGINES)
        && !dotted
        && digit
        && !short
        && count >= PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_made_up() {
        for name in [
            "my-data",
            "orders-db",
            "bucket-2023",
            "prod-db-2",
            "my.bucket.with.dots",
            "ledger-prod2",
            "orders-inbox-2",
            "orders_sync_v2",
            "acme-raw-7f3",
        ] {
            assert!(is_made_up(name.as_bytes()), "{name}");
        }
        for word in [
            "server-side",
            "db-instance",
            "sha-256",
            "us-east-1",
            "us-east-1a",
            "bucket",
            "multi-az",
            "aes-256-gcm",
            "python-3-12",
            "2024-01-15",
            "step-2",
            "a.b.c1",
            "acme-AWS_EC2_BF3K9Q2MX4TB-prod",
            "OPS-45-alert",
        ] {
            assert!(!is_made_up(word.as_bytes()), "{word}");
        }
    }
}
