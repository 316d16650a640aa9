//! Parameters of the monitoring API: each has a closed set or bounds, and what
//! is wrong is told, not guessed.

use std::time::Duration;

use crate::telemetry::history::POINTS;
use crate::telemetry::labels::Severity;

/// What a request may ask for at most.
const ALERTS: usize = 200;
const TOP: usize = 100;
const REQUESTS: usize = 100;
/// A sample is taken each second.
const FINEST: Duration = Duration::from_secs(1);

pub(super) const SPANS: [(&str, Duration); 6] = [
    ("1min", Duration::from_secs(60)),
    ("5min", Duration::from_secs(300)),
    ("15min", Duration::from_secs(900)),
    ("1h", Duration::from_secs(3600)),
    ("6h", Duration::from_secs(21_600)),
    ("24h", Duration::from_secs(86_400)),
];

/// The parameters of one request: names and values as they came.
#[derive(Debug)]
pub(super) struct Query<'q> {
    all: Vec<(&'q str, &'q str)>,
}

/// What is wrong with a parameter. Its text is the caller's own.
pub(super) type Wrong = String;

impl<'q> Query<'q> {
    /// `known` are the names that the endpoint has.
    pub(super) fn parse(query: Option<&'q str>, known: &[&str]) -> Result<Self, Wrong> {
        let mut all: Vec<(&str, &str)> = Vec::new();
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !known.contains(&name) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("there is no such parameter; known: {known}"));
            }
            if all.iter().any(|(own, _)| *own == name) {
                return Err(format!("{name} is given twice"));
            }
            all.push((name, value));
        }
        Ok(Self { all })
    }

    fn text(&self, name: &str) -> Option<&'q str> {
        self.all.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }

    fn number(
        &self,
        name: &str,
        default: usize,
        least: usize,
        most: usize,
    ) -> Result<usize, Wrong> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && (least..=most).contains(number));
        number.ok_or_else(|| format!("{name} must be a number from {least} to {most}"))
    }

    fn span(&self, name: &str, default: &str) -> Result<(&'static str, Duration), Wrong> {
        let text = self.text(name).unwrap_or(default);
        SPANS.into_iter().find(|(own, _)| *own == text).ok_or_else(|| {
            let names: Vec<_> = SPANS.iter().map(|(name, _)| *name).collect();
            format!("{name} must be one of {}", names.join(", "))
        })
    }

    pub(super) fn period(&self) -> Result<(&'static str, Duration), Wrong> {
        self.span("period", "5min")
    }

    /// The span of a trend, and in how many parts it is shown: none is shorter than
    /// the time between samples.
    pub(super) fn trend(&self) -> Result<(&'static str, Duration, u32), Wrong> {
        let (name, span) = self.span("interval", "1h")?;
        let points = self.number("points", 60, 2, POINTS)?;
        let points = u32::try_from(points).unwrap_or(2);
        let finest = u32::try_from(span.as_millis() / FINEST.as_millis()).unwrap_or(points);
        Ok((name, span, points.min(finest)))
    }

    pub(super) fn top(&self) -> Result<usize, Wrong> {
        self.number("top", 10, 1, TOP)
    }

    pub(super) fn limit(&self) -> Result<usize, Wrong> {
        self.number("limit", 50, 1, ALERTS)
    }

    pub(super) fn requests(&self) -> Result<usize, Wrong> {
        self.number("limit", 20, 1, REQUESTS)
    }

    /// None: all.
    pub(super) fn severity(&self) -> Result<Option<Severity>, Wrong> {
        let text = self.text("severity").unwrap_or("all");
        if text == "all" {
            return Ok(None);
        }
        let known = Severity::ALL.iter().find(|own| own.as_str().eq_ignore_ascii_case(text));
        known.copied().map(Some).ok_or_else(|| {
            let names: Vec<_> = Severity::ALL.iter().map(|own| own.as_str()).collect();
            format!("severity must be all or one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bounded() {
        let all = ["interval", "points", "top", "limit", "severity", "period"];
        let parse = |text| Query::parse(Some(text), &all).unwrap();
        let none = Query::parse(None, &[]).unwrap();
        assert_eq!(none.trend().unwrap(), ("1h", Duration::from_secs(3600), 60));
        assert_eq!((none.top().unwrap(), none.limit().unwrap()), (10, 50));
        assert_eq!(parse("interval=24h&points=300").trend().unwrap().2, 300);
        assert_eq!(parse("interval=1min&points=300").trend().unwrap().2, 60);
        assert_eq!(parse("severity=high").severity().unwrap(), Some(Severity::High));
        for wrong in [
            "points=0",
            "points=1",
            "points=301",
            "points=-5",
            "points=+9",
            "points=",
            "interval=2h",
        ] {
            parse(wrong).trend().unwrap_err();
        }
        for wrong in ["top=0", "top=101", "top=99999999999999999999", "top=1e3", "top=%31"] {
            parse(wrong).top().unwrap_err();
        }
        parse("severity=bad").severity().unwrap_err();
        for wrong in ["x=1", "top=1&top=2", "top=1&<script>"] {
            let error = Query::parse(Some(wrong), &all).unwrap_err();
            assert!(!error.contains("script"), "{error}");
        }
    }
}
