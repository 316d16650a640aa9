//! The tools that read `deploy/` accept it, and its alerts come when they should.

use std::path::Path;
use std::process::{Command, Output};

use crate::bed::program;

fn run(variable: &str, arguments: &[&str]) -> Output {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let program = program(variable);
    let output = Command::new(&program).args(arguments).current_dir(dir).output();
    output.unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

#[track_caller]
fn succeeds(variable: &str, arguments: &[&str]) {
    let output = run(variable, arguments);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
}

#[test]
fn alerts_come_when_they_should() {
    succeeds("PROMTOOL", &["test", "rules", "prometheus/masker.test.yml"]);
    let rules = ["prometheus/masker.rules.yml", "prometheus/masker-first-day.rules.yml"];
    succeeds("PROMTOOL", &["check", "rules", rules[0], rules[1]]);
    succeeds("PROMTOOL", &["check", "config", "--syntax-only", "prometheus/prometheus.yml"]);
}

#[test]
fn alertmanager_reads_its_examples() {
    for name in ["alertmanager", "email", "pagerduty", "slack"] {
        succeeds("AMTOOL", &["check-config", &format!("alertmanager/{name}.yml")]);
    }
}

#[test]
fn the_dashboards_of_grafana_are_those_of_the_script() {
    succeeds("PYTHON", &["../scripts/grafana.py", "--check"]);
}
