//! How a running masker does, beside how it did when a baseline was recorded: read from its
//! metrics, since its start.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use tokio::time::timeout;

use crate::cli::doctor::Finding;
use crate::cli::doctor::bad;
use crate::cli::doctor::envoy;
use crate::cli::doctor::good;
use crate::cli::doctor::note;
use crate::listen::Address;
use crate::telemetry::utc;

const PATIENCE: Duration = Duration::from_secs(10);
const VERSION: u32 = 1;
/// So many requests make a figure.
const ENOUGH: f64 = 100.0;
/// So many times what it was is worse.
const WORSE: f64 = 1.5;

/// A figure: its name, its unit, and what is too little to speak of.
type Figure = (&'static str, &'static str, f64);

const FIGURES: [Figure; 7] = [
    ("request p95", "ms", 1.0),
    ("request p99", "ms", 2.0),
    ("store p95", "ms", 1.0),
    ("failed", "%", 0.5),
    ("refused", "%", 2.0),
    ("unknown placeholders", "%", 2.0),
    ("memory", "MiB", 64.0),
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    version: u32,
    recorded: String,
    masker: String,
    figures: BTreeMap<String, f64>,
}

/// Records a baseline where there is none, else compares with it.
pub(super) async fn examine(address: &Address, file: &Path) -> Vec<Finding> {
    let shown = match timeout(PATIENCE, envoy::fetch(address, "/metrics")).await {
        Ok(Ok(shown)) => shown.text,
        Ok(Err(why)) => return vec![silent(address, &why)],
        Err(_) => return vec![silent(address, "no answer in time")],
    };
    let Some(now) = figures(&shown) else {
        return vec![note(
            "baseline: fewer than 100 requests since the start make no figures",
            "ask again after some load",
        )];
    };
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![record(file, now)],
        Err(error) => vec![unreadable(&error.to_string())],
        Ok(text) => match serde_json::from_str::<Baseline>(&text) {
            Ok(before) if before.version == VERSION => compare(&before, &now),
            Ok(_) | Err(_) => vec![unreadable("it is no baseline of this version")],
        },
    }
}

fn silent(address: &Address, why: &str) -> Finding {
    let what = format!("baseline: masker's metrics at {address} cannot be read: {why}");
    bad(
        what,
        "start masker, or name its admin listener as `admin.address`; with TLS, a unix socket or loopback is needed",
    )
}

fn unreadable(why: &str) -> Finding {
    bad(format!("baseline: the file cannot be read: {why}"), "delete it to record another")
}

fn record(file: &Path, figures: BTreeMap<String, f64>) -> Finding {
    let told = list(&figures);
    let recorded = utc::rfc3339(SystemTime::now());
    let masker = env!("CARGO_PKG_VERSION").to_owned();
    let baseline = Baseline { version: VERSION, recorded, masker, figures };
    let written = serde_json::to_string_pretty(&baseline)
        .map_err(io::Error::from)
        .and_then(|text| fs::write(file, text + "\n"));
    match written {
        Ok(()) => good(format!("baseline: recorded: {told}")),
        Err(error) => bad(
            format!("baseline: the file cannot be written: {error}"),
            "name a file in a directory that may be written to",
        ),
    }
}

fn list(figures: &BTreeMap<String, f64>) -> String {
    let one = |&(name, unit, _): &Figure| Some(format!("{name} {:.1} {unit}", figures.get(name)?));
    FIGURES.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}

fn compare(before: &Baseline, now: &BTreeMap<String, f64>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, unit, little) in FIGURES {
        let (Some(was), Some(is)) = (before.figures.get(name), now.get(name)) else { continue };
        if *is > was * WORSE && is - was > little {
            let when = &before.recorded;
            let what = format!("baseline: {name} is {is:.1} {unit}; it was {was:.1} on {when}");
            found.push(bad(what, "what changed since: version, configuration, load, the store?"));
        }
    }
    if found.is_empty() {
        let (when, told) = (&before.recorded, list(now));
        found.push(good(format!("baseline: as on {when}: {told}")));
    }
    found
}

/// What the metrics come to; none: there were too few requests.
fn figures(metrics: &str) -> Option<BTreeMap<String, f64>> {
    let number = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or_default()
    };
    let outcome = |name: &str| number(&format!("masker_requests_total{{outcome=\"{name}\"}}"));
    let requests: f64 = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("masker_requests_total{")?.rsplit(' ').next())
        .filter_map(|text| text.parse::<f64>().ok())
        .sum();
    if requests < ENOUGH {
        return None;
    }
    let restored = |name: &str| number(&format!("masker_restored_total{{result=\"{name}\"}}"));
    let share = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    let (known, unknown) = (restored("known"), restored("unknown"));
    let values = [
        percentile(metrics, "masker_request_seconds", 0.95),
        percentile(metrics, "masker_request_seconds", 0.99),
        percentile(metrics, "masker_store_seconds", 0.95),
        share(outcome("failed"), requests),
        share(outcome("refused"), requests),
        share(unknown, known + unknown),
        number("masker_resident_bytes") / f64::from(1 << 20),
    ];
    Some(
        FIGURES.iter().zip(values).map(|((name, ..), value)| ((*name).to_owned(), value)).collect(),
    )
}

/// In milliseconds, evenly spread in its bucket; 0 if there was nothing.
fn percentile(metrics: &str, name: &str, part: f64) -> f64 {
    let start = format!("{name}_bucket{{le=\"");
    let buckets: Vec<(f64, f64)> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(&start)?.split_once("\"} "))
        .filter_map(|(bound, count)| {
            let count = count.split(' ').next().unwrap_or(count);
            Some((bound.parse().ok()?, count.parse().ok()?))
        })
        .collect();
    let rank = buckets.last().map_or(0.0, |(_, all)| all * part);
    let (mut lower, mut below) = (0.0, 0.0);
    for (upper, count) in buckets {
        if count > 0.0 && count >= rank {
            let upper = if upper.is_finite() { upper } else { lower };
            return 1000.0
                * (lower + (upper - lower) * ((rank - below) / (count - below).max(1.0)));
        }
        (lower, below) = (upper, count);
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(slow: u32, failed: u32) -> String {
        format!(
            "masker_requests_total{{outcome=\"masked\"}} 200\n\
             masker_requests_total{{outcome=\"failed\"}} {failed}\n\
             masker_restored_total{{result=\"known\"}} 90\n\
             masker_restored_total{{result=\"unknown\"}} 10\n\
             masker_request_seconds_bucket{{le=\"0.001\"}} {}\n\
             masker_request_seconds_bucket{{le=\"0.01\"}} 200\n\
             masker_request_seconds_bucket{{le=\"+Inf\"}} 200\n\
             masker_resident_bytes 104857600\n",
            200 - slow
        )
    }

    #[test]
    fn only_what_is_clearly_worse_is_told() {
        let first = figures(&metrics(0, 0)).unwrap();
        assert_eq!((first["request p95"], first["memory"]), (0.95, 100.0));
        assert_eq!(first["unknown placeholders"], 10.0);
        let (version, recorded, masker) = (VERSION, "then".to_owned(), "0".to_owned());
        let before = Baseline { version, recorded, masker, figures: first.clone() };
        let same = compare(&before, &figures(&metrics(1, 0)).unwrap());
        assert!(same[0].what.starts_with("baseline: as on then: "), "{same:?}");
        let worse = compare(&before, &figures(&metrics(100, 40)).unwrap());
        let told: Vec<_> = worse.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("baseline: request p95 is 9.1 ms; it was "), "{told:?}");
        assert!(told[2].starts_with("baseline: failed is 16.7 %"), "{told:?}");
        assert_eq!(figures("masker_requests_total{outcome=\"masked\"} 99\n"), None);
    }
}
