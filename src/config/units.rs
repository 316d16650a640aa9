//! Sizes (`32MiB`) and durations (`150ms`) as people write them.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum UnitError {
    #[error("write a size as \"32MiB\": a whole number and one of B, KiB, MiB, GiB")]
    Size,
    #[error("write a duration as \"30s\": a whole number and one of ms, s, m, h, d")]
    Duration,
    #[error("the number is too large")]
    Overflow,
}

/// Largest unit first, so that the shortest spelling is found first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// In milliseconds.
const DURATIONS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a size in bytes.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    parse(text, &SIZES, UnitError::Size)
}

/// Reads a duration, exact to the millisecond.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    parse(text, &DURATIONS, UnitError::Duration).map(Duration::from_millis)
}

fn parse(text: &str, units: &[(&str, u64)], wrong: UnitError) -> Result<u64, UnitError> {
    let split = text.bytes().take_while(u8::is_ascii_digit).count();
    let Some((digits, unit)) = text.split_at_checked(split) else { return Err(wrong) };
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(wrong);
    };
    if digits.is_empty() {
        return Err(wrong);
    }
    let number: u64 = digits.parse().map_err(|_| UnitError::Overflow)?;
    number.checked_mul(*factor).ok_or(UnitError::Overflow)
}

/// A size as it is written in a configuration: in the largest unit that divides it.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, &SIZES, "B")
    }
}

/// A duration as it is written in a configuration: in the largest unit that divides it.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        show(f, millis, &DURATIONS, "s")
    }
}

fn show(f: &mut fmt::Formatter<'_>, number: u64, units: &[(&str, u64)], zero: &str) -> fmt::Result {
    match units.iter().find(|(_, factor)| number.is_multiple_of(*factor)) {
        Some((unit, factor)) if number > 0 => write!(f, "{}{unit}", number / factor),
        _ => write!(f, "0{zero}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0B", 0),
            ("1B", 1),
            ("256KiB", 256 << 10),
            ("32MiB", 32 << 20),
            ("2GiB", 2 << 30),
            ("1025B", 1025),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(Size(bytes).to_string(), text);
        }
        for text in ["", "32", "MiB", "32 MiB", "32MB", "32mib", "-1B", "1.5MiB", "1MiBé", "٣B"] {
            assert_eq!(parse_size(text), Err(UnitError::Size), "{text}");
        }
        for text in ["99999999999999999999B", "18014398509481984KiB"] {
            assert_eq!(parse_size(text), Err(UnitError::Overflow), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("0s", 0),
            ("150ms", 150),
            ("1500ms", 1500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(Time(Duration::from_millis(millis)).to_string(), text);
        }
        for text in ["", "30", "s", "30 s", "30sec", "0.5s", "-1s", "1w", "30S"] {
            assert_eq!(parse_duration(text), Err(UnitError::Duration), "{text}");
        }
        assert_eq!(parse_duration("300000000000000d"), Err(UnitError::Overflow));
    }
}
