//! Points in time as RFC 3339 writes them, in UTC with milliseconds.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::telemetry::timing::as_f64;

const DAY: u64 = 86_400;

#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day since 1970: Howard Hinnant's `civil_from_days`,
/// whose years begin in March.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// A day and a time of it in Unix time: `days_from_civil`, the way back.
#[must_use]
pub fn unix((year, month, day): (u64, u64, u64), (hour, minute, second): (u64, u64, u64)) -> u64 {
    let year = if month > 2 { year } else { year.saturating_sub(1) };
    let (era, of_era) = (year / 400, year % 400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day.saturating_sub(1);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    days.saturating_sub(719_468) * DAY + hour * 3600 + minute * 60 + second
}

/// The Unix time of an HTTP date, such as `Sat, 21 Nov 2026 16:36:14 GMT`.
#[must_use]
pub fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.strip_suffix(" GMT")?.split(' ');
    let day = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = (1..).zip(MONTHS).find_map(|(number, own)| (own == name).then_some(number))?;
    let year = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':').map(str::parse);
    let mut field = || time.next()?.ok();
    Some(unix((year, month, day), (field()?, field()?, field()?)))
}

/// Seconds as a number with a fraction.
#[must_use]
pub fn seconds(time: Duration) -> f64 {
    as_f64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00.250Z"),
            (951_782_399, "2000-02-28T23:59:59.250Z"),
            (951_782_400, "2000-02-29T00:00:00.250Z"),
            (1_735_689_599, "2024-12-31T23:59:59.250Z"),
            (4_107_542_400, "2100-03-01T00:00:00.250Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(unix) + Duration::from_millis(250);
            assert_eq!(rfc3339(time), text);
        }
    }

    #[test]
    fn dates_of_http_are_read() {
        for (text, unix) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("", None),
        ] {
            assert_eq!(http_date(text), unix, "{text}");
        }
    }
}
