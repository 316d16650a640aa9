//! What is written about metrics, and asked of them, is what the program exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use masker::telemetry::labels::{Code, Listener};
use masker::telemetry::{Metrics, metrics};
use prometheus_client::registry::Registry;
use regex::Regex;

type Labels = BTreeSet<String>;

/// All metrics with their labels, as a scrape shows them.
fn exported() -> BTreeMap<String, Labels> {
    let mut registry = Registry::default();
    let all = Metrics::new(&mut registry);
    all.findings.add("EC2", "ec2_vpc", false, 1);
    all.new_findings.add("EC2", "ec2_vpc", false, 1);
    all.tenants.know(["payments"]);
    all.refusals.get_or_create(&Code("too_large")).inc();
    all.process.certificate_end.get_or_create(&Listener::Admin).set(1);
    let text = metrics::encode(&registry).unwrap();
    let mut found: BTreeMap<String, Labels> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        found.entry(name.to_owned()).or_default().extend(labels(line));
    }
    assert!(found.len() > 40, "{found:?}");
    found
}

/// Names before `=`, `!=`, `=~` and `!~`.
fn labels(text: &str) -> Labels {
    let label = Regex::new(r#"([a-z_]+)\s*(?:=~|!~|!=|=)\s*""#).unwrap();
    label.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// Queries of a dashboard, wherever they stand in it.
fn queries(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == "expr" || name == "query" => into.push(text.to_owned()),
                    _ => queries(value, into),
                }
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| queries(value, into)),
        _ => {}
    }
}

/// Where a query stands, and its text.
fn asked() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (file, least) in [("health", 6), ("masking", 4), ("performance", 8)] {
        let path = deploy().join(format!("grafana/dashboards/{file}.json"));
        let value: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert!(value["panels"].as_array().unwrap().len() >= least, "{file}");
        let mut found = Vec::new();
        queries(&value, &mut found);
        assert!(found.len() > least);
        all.extend(found.into_iter().map(|query| (file.to_owned(), query)));
    }
    for file in ["masker.rules.yml", "masker-first-day.rules.yml"] {
        let text = fs::read_to_string(deploy().join("prometheus").join(file)).unwrap();
        let before = all.len();
        let exprs = text.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
        all.extend(exprs.map(|query| (file.to_owned(), query.to_owned())));
        assert!(all.len() > before + 4, "{file}");
    }
    all
}

/// Metrics of others that a rule needs.
const OTHERS: [&str; 6] = [
    "up",
    "envoy_http_rbac_denied",
    // Of scripts/checks.sh.
    "masker_check_run_time_seconds",
    "masker_check_success_time_seconds",
    "masker_system_disk_free_ratio",
    "masker_system_memory_available_ratio",
];

#[test]
fn every_query_asks_for_what_is_exported() {
    let exported = exported();
    let rules = fs::read_to_string(deploy().join("prometheus/masker.rules.yml")).unwrap();
    let recorded: BTreeSet<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
    let metric = Regex::new(r"\b((?:masker|envoy)[a-z0-9_:]*|up)\b(\{[^}]*\})?").unwrap();
    let by = Regex::new(r"\bby \(([a-z_, ]+)\)").unwrap();
    let mut seen = BTreeSet::new();
    for (place, query) in asked() {
        let mut known = Labels::from(["instance".to_owned(), "job".to_owned()]);
        for found in metric.captures_iter(&query) {
            let name = &found[1];
            seen.insert(name.to_owned());
            let own = exported.get(name).cloned().unwrap_or_default();
            let here =
                exported.contains_key(name) || recorded.contains(name) || OTHERS.contains(&name);
            assert!(here, "{place}: {name} is not exported: {query}");
            known.extend(own);
            if name.starts_with("masker_check_") {
                known.insert("check".to_owned());
            }
            for label in found.get(2).iter().flat_map(|found| labels(found.as_str())) {
                assert!(known.contains(&label), "{place}: {name} has no {label}: {query}");
            }
        }
        for found in by.captures_iter(&query) {
            for label in found[1].split(',').map(str::trim) {
                assert!(known.contains(label), "{place}: nothing has {label}: {query}");
            }
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}

/// Who is woken finds what to do: the runbook names each alert, and no other.
#[test]
fn the_runbook_has_a_line_for_each_alert() {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    let all = |text: &str, name: &str| -> BTreeSet<String> {
        let name = Regex::new(name).unwrap();
        name.captures_iter(text).map(|found| found[1].to_owned()).collect()
    };
    let mut alerts = BTreeSet::new();
    for file in ["masker.rules.yml", "masker-first-day.rules.yml"] {
        let rules = read(deploy().join("prometheus").join(file));
        alerts.extend(all(&rules, r"- alert: (\w+)"));
    }
    assert!(alerts.len() > 30, "{alerts:?}");
    let runbook = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md"));
    let first: String = runbook
        .lines()
        .filter(|line| line.starts_with("| `Masker"))
        .filter_map(|line| line.split('|').nth(1))
        .collect();
    assert_eq!(all(&first, r"`(Masker\w+)`"), alerts);
}

#[test]
fn the_table_of_metrics_is_what_is_exported() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/METRICS.md");
    let text = fs::read_to_string(path).unwrap();
    let (text, checks) = text.split_once("`scripts/checks.sh`").unwrap();
    let code = Regex::new("`([a-z_]+)`").unwrap();
    let mut table = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| `masker_")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert!(!cells[3].is_empty(), "{row}");
        let labels: Labels =
            code.captures_iter(cells[2]).map(|found| found[1].to_owned()).collect();
        table.insert(code.captures(cells[1]).unwrap()[1].to_owned(), labels);
    }
    let mut all = BTreeMap::new();
    for (name, mut labels) in exported() {
        // A histogram is three names.
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        labels.remove("le");
        all.insert(base.unwrap_or(&name).to_owned(), labels);
    }
    assert_eq!(table, all);

    // What the scheduled checks write.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/checks.sh");
    let names = |text: &str| -> BTreeSet<String> {
        let name = Regex::new("masker_(?:check|system)_[a-z0-9_]+").unwrap();
        name.find_iter(text).map(|found| found.as_str().to_owned()).collect()
    };
    assert_eq!(names(checks), names(&fs::read_to_string(script).unwrap()));
}
