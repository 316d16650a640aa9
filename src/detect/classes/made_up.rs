//! Names that people give, told from words with hyphens.

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

/// `my-data`, `orders-db`, `bucket-2023`; not `server-side`, `db-instance` or `sha-256`.
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
    parts().count() > 1 && (named || own) && !value.starts_with(b"sha") && !is_region(value)
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
        ] {
            assert!(is_made_up(name.as_bytes()), "{name}");
        }
        for word in ["server-side", "db-instance", "sha-256", "us-east-1", "bucket", "multi-az"] {
            assert!(!is_made_up(word.as_bytes()), "{word}");
        }
    }
}
