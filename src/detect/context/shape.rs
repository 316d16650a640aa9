//! The shapes that need a context.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Twelve digits, also `1234-5678-9012`.
    Account,
    /// Forty characters of base64 without an order.
    SecretKey,
    /// A hundred characters of base64 or more.
    SessionToken,
    Uuid,
    /// `Z` and at least nine capitals and digits.
    HostedZone,
    /// `E` and twelve to fourteen capitals and digits.
    Distribution,
    /// A global IP address, which a version may look like.
    PublicIp,
    /// What follows the word.
    Password,
    /// Made by chance, and as long as a key.
    Random,
}

/// Less order than this is random: words and paths have less than 4 bits.
const ENTROPY: f64 = 4.0;

/// Is this the secret half of an access key?
pub(crate) fn is_secret_key(value: &[u8]) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    value.len() == 40
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && !value.iter().all(u8::is_ascii_hexdigit)
        && entropy(value) >= ENTROPY
}

/// Shannon's, in bits for each byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) / total);
    shares.map(|share| -share * share.log2()).sum()
}

pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

pub(super) fn is_account(value: &[u8]) -> bool {
    match value.len() {
        12 => value.iter().all(u8::is_ascii_digit),
        14 => value.iter().enumerate().all(|(at, b)| match at {
            4 | 9 => *b == b'-',
            _ => b.is_ascii_digit(),
        }),
        _ => false,
    }
}

/// `Z…` or `E…`, with as many digits as a word does not have.
pub(super) fn id(value: &[u8]) -> Option<Shape> {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    match (value.first()?, value.len()) {
        (b'Z', 10..=32) if digits >= 1 => Some(Shape::HostedZone),
        (b'E', 13..=15) if digits >= 1 => Some(Shape::Distribution),
        _ => None,
    }
}

/// Year, month, day, hour and minute: words before do not make it an account.
pub(super) fn is_time(value: &[u8]) -> bool {
    let number = |from: usize| {
        let digits = value.get(from..from + 2).and_then(|two| std::str::from_utf8(two).ok());
        digits.and_then(|two| two.parse::<u8>().ok()).unwrap_or(u8::MAX)
    };
    value.len() == 12
        && matches!(number(0), 19 | 20)
        && (1..=12).contains(&number(4))
        && (1..=31).contains(&number(6))
        && number(8) < 24
        && number(10) < 60
}
