//! What operators are warned of, for those without Prometheus: rules over the
//! history, pure. An alert begins when its condition does, ends with it, and
//! does not begin again before the cool-down is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::State;
use crate::mode::Mode;
use crate::telemetry::history::History;
use crate::telemetry::history::Totals;
use crate::telemetry::labels::Outcome;
use crate::telemetry::labels::Severity;
use crate::telemetry::timing::as_f64;

const RECENT: Duration = Duration::from_secs(5 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// So many requests make a rate, and a percentile.
const ENOUGH: u64 = 10;

/// When a condition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Percent of the requests of five minutes that masker failed.
    pub failures_warning: u32,
    pub failures_critical: u32,
    /// What 95 and 99 of a hundred requests must not take.
    pub p95: Duration,
    pub p99: Duration,
    /// Values of one critical kind in an hour.
    pub critical_per_hour: u64,
    pub cooldown: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            failures_warning: 10,
            failures_critical: 20,
            p95: Duration::from_millis(100),
            p99: Duration::from_millis(500),
            critical_per_hour: 10,
            cooldown: Duration::from_secs(15 * 60),
        }
    }
}

/// What is not a number of the history.
#[derive(Clone, Debug)]
pub struct Facts {
    pub breaker: State,
    pub mode: Mode,
    /// Names of kinds that are critical.
    pub critical: Vec<Box<str>>,
}

/// A closed set, as programs know it.
pub type Type = &'static str;

/// What holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub kind: Type,
    /// The name of a kind of identifiers, where it is about one.
    pub pattern: Option<Arc<str>>,
    pub severity: Severity,
    pub message: String,
    pub count: f64,
    pub threshold: f64,
}

/// What changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Began(u64, Condition),
    Ended(u64),
}

/// The conditions under way, and when each last began.
#[derive(Debug, Default)]
pub struct Alerts {
    known: BTreeMap<(Type, Option<Arc<str>>, Severity), Known>,
    next: u64,
}

#[derive(Debug)]
struct Known {
    id: u64,
    began: Duration,
    active: bool,
}

impl Alerts {
    /// Compares what holds with what held.
    pub fn update(
        &mut self,
        now: Duration,
        cooldown: Duration,
        holds: Vec<Condition>,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut seen = Vec::new();
        for condition in holds {
            let key = (condition.kind, condition.pattern.clone(), condition.severity);
            seen.push(key.clone());
            let known = self.known.get(&key);
            let waits =
                known.is_some_and(|own| own.active || now.saturating_sub(own.began) < cooldown);
            if waits {
                continue;
            }
            self.next += 1;
            self.known.insert(key, Known { id: self.next, began: now, active: true });
            changes.push(Change::Began(self.next, condition));
        }
        for (key, known) in &mut self.known {
            if known.active && !seen.contains(key) {
                known.active = false;
                changes.push(Change::Ended(known.id));
            }
        }
        self.known.retain(|_, own| own.active || now.saturating_sub(own.began) < cooldown);
        changes
    }
}

/// All conditions that hold now.
#[must_use]
pub fn holds(
    history: &History,
    now: &Totals,
    facts: &Facts,
    limits: &Thresholds,
) -> Vec<Condition> {
    let recent = history.last(now, RECENT);
    let mut all = rates(&recent, limits);
    all.extend(states(&recent, facts));
    let hour = history.last(now, HOUR);
    let critical = hour.new_kinds.iter().filter(|(kind, count)| {
        *count > limits.critical_per_hour && facts.critical.iter().any(|own| **own == **kind)
    });
    all.extend(critical.map(|(kind, count)| Condition {
        kind: "CRITICAL_PATTERN_THRESHOLD",
        pattern: Some(Arc::clone(kind)),
        severity: Severity::High,
        message: format!("{kind} was masked {count} times within an hour"),
        count: as_f64(*count),
        threshold: as_f64(limits.critical_per_hour),
    }));
    all
}

/// Conditions about requests: there must be some.
fn rates(recent: &Totals, limits: &Thresholds) -> Vec<Condition> {
    let mut all = Vec::new();
    let requests = recent.requests();
    let failed = 100.0 * as_f64(recent.outcome(Outcome::Failed)) / as_f64(requests.max(1));
    let failing = |severity, limit: u32| Condition {
        kind: "MASKING_FAILURE_RATE",
        pattern: None,
        severity,
        message: format!("{failed:.1} % of the requests of five minutes failed"),
        count: failed,
        threshold: limit.into(),
    };
    if requests >= ENOUGH && failed > limits.failures_critical.into() {
        all.push(failing(Severity::Critical, limits.failures_critical));
    } else if requests >= ENOUGH && failed > limits.failures_warning.into() {
        all.push(failing(Severity::Warning, limits.failures_warning));
    }
    for (percent, limit, severity) in
        [(95, limits.p95, Severity::Medium), (99, limits.p99, Severity::High)]
    {
        let took = recent.request.percentile_ms(percent);
        let limit = limit.as_secs_f64() * 1000.0;
        if recent.request.count() >= ENOUGH && took > limit {
            all.push(Condition {
                kind: "PERFORMANCE_DEGRADATION",
                pattern: None,
                severity,
                message: format!("{percent} % of the requests take up to {took:.0} ms in masker"),
                count: took,
                threshold: limit,
            });
        }
    }
    if recent.unmaskable > 0 {
        let count = recent.unmaskable;
        all.push(Condition {
            kind: "MASKING_PATTERN_MISMATCH",
            pattern: None,
            severity: Severity::Medium,
            message: format!("{count} findings stood in places that must not change"),
            count: as_f64(count),
            threshold: 0.0,
        });
    }
    all
}

/// Conditions that are states.
fn states(recent: &Totals, facts: &Facts) -> Vec<Condition> {
    let of = |kind, severity, message: &str| Condition {
        kind,
        pattern: None,
        severity,
        message: message.to_owned(),
        count: 1.0,
        threshold: 0.0,
    };
    let mut all = Vec::new();
    if facts.breaker != State::Closed {
        let text = "the mapping store does not answer: masking goes on, what lives at the provider is refused";
        all.push(of("CIRCUIT_BREAKER_TRIP", Severity::High, text));
    } else if recent.store_failures > 0 {
        let text = "calls to the mapping store failed";
        let count = as_f64(recent.store_failures);
        all.push(Condition { count, ..of("STORE_FAILURES", Severity::Warning, text) });
    }
    if recent.prefix_faults > 0 {
        let text = "the masked beginning of a conversation changed";
        let count = as_f64(recent.prefix_faults);
        all.push(Condition { count, ..of("PREFIX_FAULT", Severity::High, text) });
    }
    if recent.audit_lost > 0 {
        let text = "entries of the audit log could not be written";
        let count = as_f64(recent.audit_lost);
        all.push(Condition { count, ..of("AUDIT_LOST", Severity::High, text) });
    }
    if recent.unread > 0 {
        let text = "answers to masked requests passed as they came, placeholders and all";
        let count = as_f64(recent.unread);
        all.push(Condition { count, ..of("ANSWERS_UNREAD", Severity::Warning, text) });
    }
    match facts.mode {
        Mode::Bypass => {
            let text = "BYPASS: requests are forwarded unmasked";
            all.push(of("EMERGENCY_MODE_ACTIVATED", Severity::Critical, text));
        }
        Mode::BlockAll => {
            let text = "BLOCK_ALL: all requests are refused";
            all.push(of("EMERGENCY_MODE_ACTIVATED", Severity::Critical, text));
        }
        Mode::Normal | Mode::Degraded => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::timing::Timing;

    fn facts() -> Facts {
        Facts { breaker: State::Closed, mode: Mode::Normal, critical: vec!["ACCESS_KEY".into()] }
    }

    /// Kinds and severities of what holds after these outcomes.
    fn holding(now: &Totals, facts: &Facts) -> Vec<(Type, Severity)> {
        let all = holds(&History::default(), now, facts, &Thresholds::default());
        all.iter().map(|own| (own.kind, own.severity)).collect()
    }

    fn outcomes(masked: u64, failed: u64) -> Totals {
        let all = Outcome::ALL.iter().map(|own| match own {
            Outcome::Masked => masked,
            Outcome::Failed => failed,
            _ => 0,
        });
        let all: Vec<u64> = all.collect();
        Totals { outcomes: all.try_into().unwrap(), at: HOUR, ..Totals::default() }
    }

    #[test]
    fn rates_have_two_steps_and_need_some_requests() {
        let failing = |severity| vec![("MASKING_FAILURE_RATE", severity)];
        for (masked, failed, expected) in [
            (90, 10, vec![]),
            (89, 11, failing(Severity::Warning)),
            (79, 21, failing(Severity::Critical)),
            (0, 9, vec![]),
        ] {
            assert_eq!(holding(&outcomes(masked, failed), &facts()), expected);
        }
        // Polls for batches, which need a store that is down: its own alert tells of that.
        let mut polled = outcomes(10, 0);
        for (count, outcome) in polled.outcomes.iter_mut().zip(Outcome::ALL) {
            *count += if *outcome == Outcome::Unavailable { 90 } else { 0 };
        }
        assert_eq!(holding(&polled, &facts()), []);
    }

    #[test]
    fn slow_requests_critical_kinds_and_states_are_told() {
        let timing = Timing::default();
        (0..100).for_each(|_| timing.observe(Duration::from_millis(200)));
        let slow = Totals { request: timing.spread(), ..outcomes(100, 0) };
        assert_eq!(holding(&slow, &facts()), [("PERFORMANCE_DEGRADATION", Severity::Medium)]);

        let kinds: Arc<[(Arc<str>, u64)]> =
            Arc::from([("ACCESS_KEY".into(), 11), ("EC2".into(), 99)]);
        let again = Totals { kinds: Arc::clone(&kinds), ..outcomes(1, 0) };
        assert_eq!(holding(&again, &facts()), [], "a conversation that is sent again");
        let keys = Totals { new_kinds: kinds, ..outcomes(1, 0) };
        let all = holds(&History::default(), &keys, &facts(), &Thresholds::default());
        let found = all.first().unwrap();
        assert_eq!((found.kind, found.count), ("CRITICAL_PATTERN_THRESHOLD", 11.0));
        assert_eq!(found.pattern.as_deref(), Some("ACCESS_KEY"));
        assert_eq!(all.len(), 1);

        let fault = Totals { prefix_faults: 1, ..outcomes(0, 0) };
        assert_eq!(holding(&fault, &facts()), [("PREFIX_FAULT", Severity::High)]);

        let lost = Totals { audit_lost: 2, unread: 1, ..outcomes(0, 0) };
        let expected = [("AUDIT_LOST", Severity::High), ("ANSWERS_UNREAD", Severity::Warning)];
        assert_eq!(holding(&lost, &facts()), expected);

        let open = Facts { breaker: State::Open, mode: Mode::Bypass, ..facts() };
        let none = outcomes(0, 0);
        let expected = [
            ("CIRCUIT_BREAKER_TRIP", Severity::High),
            ("EMERGENCY_MODE_ACTIVATED", Severity::Critical),
        ];
        assert_eq!(holding(&none, &open), expected);
    }

    #[test]
    fn an_alert_begins_once_ends_and_waits_for_its_cool_down() {
        let cooldown = Duration::from_secs(900);
        let condition = states(&Totals::default(), &Facts { mode: Mode::Bypass, ..facts() });
        let mut alerts = Alerts::default();
        let mut at = |second, holds: &[Condition]| {
            let changes = alerts.update(Duration::from_secs(second), cooldown, holds.to_vec());
            changes
                .iter()
                .map(|change| match change {
                    Change::Began(id, _) => ("began", *id),
                    Change::Ended(id) => ("ended", *id),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(at(1, &condition), [("began", 1)]);
        assert_eq!(at(2, &condition), []);
        assert_eq!(at(3, &[]), [("ended", 1)]);
        assert_eq!(at(4, &condition), [], "it cools down");
        assert_eq!(at(902, &condition), [("began", 2)]);
        assert_eq!(at(5000, &condition), [], "one that lasts is told once");
    }
}
