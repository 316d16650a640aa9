//! When a certificate ends: so much of X.509 (RFC 5280 section 4.1) and no more.

use std::path::Path;

use crate::listen::tls;
use crate::telemetry::utc;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The version, which old certificates leave out.
const VERSION: u8 = 0xa0;

/// When the first certificate of a file ends, in Unix time; none: it cannot be read.
#[must_use]
pub fn expiry(path: &Path) -> Option<u64> {
    not_after(tls::certificates(path).ok()?.first()?)
}

fn not_after(certificate: &[u8]) -> Option<u64> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // Serial number, algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        fields = element(fields, tag)?.1;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_, _, rest) = time(validity)?;
    let (tag, time, _) = time(rest)?;
    let time = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let (year, rest) = time.split_at_checked(if tag == UTC_TIME { 2 } else { 4 })?;
    let year: u64 = year.parse().ok()?;
    let year = match tag {
        UTC_TIME if year < 50 => 2000 + year,
        UTC_TIME => 1900 + year,
        _ => year,
    };
    let field = |at: usize| rest.get(2 * at..2 * at + 2)?.parse::<u64>().ok();
    Some(utc::unix((year, field(0)?, field(1)?), (field(2)?, field(3)?, field(4)?)))
}

/// The form of a time, the time, and what comes after it.
fn time(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    [UTC_TIME, GENERALIZED_TIME].into_iter().find_map(|tag| {
        let (contents, rest) = element(bytes, tag)?;
        Some((tag, contents, rest))
    })
}

/// The contents of an element with this tag, and what comes after it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[own, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |number, &digit| number << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    if own != tag { None } else { rest.split_at_checked(length) }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_end_is_read_from_real_certificates() {
        for (year, month, day, unix) in [
            (2031, 3, 1, 1_930_089_600),
            (2049, 12, 31, 2_524_521_600),
            (2071, 7, 9, 3_203_625_600),
        ] {
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_before = date_time_ymd(1990, 1, 1);
            params.not_after = date_time_ymd(year, month, day);
            let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            assert_eq!(not_after(made.der()), Some(unix), "{year}");
            for cut in 0..made.der().len() {
                // A certificate that is cut off has no end.
                assert!(not_after(&made.der()[..cut]).is_none(), "{cut}");
            }
        }
    }
}
