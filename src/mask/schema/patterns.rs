//! What a pattern of a schema lacks to match placeholders.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::bytes::{Regex, RegexBuilder};

/// Matches every placeholder, and little else.
const ANY: &str = "(AWS|SECRET)_[A-Z0-9_]+";
/// The shortest kind, and the longest placeholder that may be.
pub(super) const SAMPLES: [&str; 2] =
    ["AWS_EC2_BF3K9Q2MX4TB", "SECRET_ABCDEFGHIJKLMNOPQRST_BF3K9Q2MX4TB"];

/// What is masked looks like one of these.
const VALUES: [&str; 44] = [
    "i-0123456789abcdef0",
    "i-0a1b2c3d",
    "vpc-0123456789abcdef0",
    "subnet-0123456789abcdef0",
    "sg-0123456789abcdef0",
    "eni-0123456789abcdef0",
    "ami-0123456789abcdef0",
    "vol-0123456789abcdef0",
    "snap-0123456789abcdef0",
    "eipalloc-0123456789abcdef0",
    "tgw-attach-0123456789abcdef0",
    "fs-0123456789abcdef0",
    "123456789012",
    "1234-5678-9012",
    "AKIAIOSFODNN7EXAMPLE",
    "AROAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "01234567-89ab-cdef-0123-456789abcdef",
    "mrk-0123456789abcdef0123456789abcdef",
    "eu-west-1:01234567-89ab-cdef-0123-456789abcdef",
    "eu-west-1_AbCdEf123",
    "E1ABCDEF2GHIJK",
    "Z0123456789ABCDEFGHIJ",
    "d-0123456789",
    "o-a1b2c3d4e5",
    "ou-ab12-c3d4e5f6",
    "r-ab12",
    "j-0123456789ABC",
    "abcdef1234",
    "10.0.1.2",
    "10.0.0.0/16",
    "fd12:3456:789a::1",
    "ip-10-0-1-2.eu-west-1.compute.internal",
    "db.abcdefghijkl.eu-west-1.rds.amazonaws.com",
    "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
    "s3://acme-data/key",
    "/aws/lambda/orders",
    "acme-data",
    "acme.data",
    "prod_db_1",
    "OrdersRole7",
    "production",
    "Pa55-word!",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
];

/// Patterns above this are widened without a look at what they admit.
pub(super) const PATTERN: usize = 1_000;
/// So many patterns are remembered, of at most [`PATTERN`] bytes each.
const REMEMBERED: usize = 1_000;

/// [`more`] of a pattern. The tools of a conversation come again with each turn, and to read
/// an expression takes longer than to mask a kilobyte.
pub(super) fn remembered(pattern: &str, look: bool) -> Option<String> {
    static SEEN: LazyLock<Mutex<HashMap<Box<str>, Option<String>>>> = LazyLock::new(Mutex::default);
    if !look {
        return more(pattern, look);
    }
    // Nothing panics while it holds the lock.
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = seen().get(pattern) {
        return known.clone();
    }
    let found = more(pattern, look);
    let mut seen = seen();
    if seen.len() >= REMEMBERED {
        seen.clear();
    }
    seen.insert(pattern.into(), found.clone());
    found
}

/// What a pattern lacks to match placeholders; `None`: nothing.
pub(super) fn more(pattern: &str, look: bool) -> Option<String> {
    let regex = if look { read(pattern) } else { None };
    let admits = |text: &str| match &regex {
        Some(regex) => regex.is_match(text.as_bytes()),
        None => false,
    };
    // Nothing that is masked has this form: the model writes it as it is.
    let none = |regex: &Regex| !VALUES.iter().any(|value| regex.is_match(value.as_bytes()));
    if head(pattern).is_none() && regex.as_ref().is_some_and(none) {
        return None;
    }
    let mut more = String::new();
    let bare = format!("|^{ANY}$");
    if !SAMPLES.into_iter().all(admits) && !pattern.contains(&bare) {
        more += &bare;
    }
    if let Some(head) = head(pattern) {
        let inside = format!("|^{head}[!-~]*{ANY}[!-~]*$");
        let plain = head.replace(['\\', '?'], "");
        if !admits(&format!("{plain}{}/x", SAMPLES[0])) && !pattern.contains(&inside) {
            more += &inside;
        }
    }
    (!more.is_empty()).then_some(more)
}

/// An expression as far as this crate knows what it means; the others are widened.
fn read(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).size_limit(1 << 15).build().ok()
}

/// With what every match of an ARN's or a URI's pattern begins, up to the last `:` or `/`:
/// no value is masked across them.
pub(super) fn head(pattern: &str) -> Option<&str> {
    let rest = pattern.strip_prefix('^')?;
    let rest = rest.strip_prefix("(?:").or(rest.strip_prefix('(')).unwrap_or(rest);
    let bytes = rest.as_bytes();
    let (mut at, mut end) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let (symbol, mut next) = match byte {
            b'\\' => (*bytes.get(at + 1)?, at + 2),
            byte => (byte, at + 1),
        };
        let literal = match byte {
            b'\\' => b":/.-@_".contains(&symbol),
            byte => byte.is_ascii_alphanumeric() || b":/-@_%=,".contains(&byte),
        };
        match bytes.get(next) {
            Some(b'*' | b'+' | b'{') => break,
            Some(b'?') => next += 1,
            _ => {}
        }
        if !literal {
            break;
        }
        if matches!(symbol, b':' | b'/') {
            end = next;
        }
        at = next;
    }
    rest.get(..end).filter(|head| !head.is_empty())
}
