//! Watches the process: takes a sample each second, warns, and tells what happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;

use crate::breaker::State;
use crate::mode::Mode;
use crate::telemetry::Metrics;
use crate::telemetry::alerts;
use crate::telemetry::alerts::Alerts;
use crate::telemetry::alerts::Change;
use crate::telemetry::alerts::Facts;
use crate::telemetry::alerts::Thresholds;
use crate::telemetry::findings::Found;
use crate::telemetry::history::History;
use crate::telemetry::history::Point;
use crate::telemetry::history::Totals;
use crate::telemetry::labels;
use crate::telemetry::labels::Cause;
use crate::telemetry::labels::Outcome;
use crate::telemetry::labels::Place;
use crate::telemetry::labels::Restored;
use crate::telemetry::labels::Severity;
use crate::telemetry::labels::Unread;
use crate::telemetry::utc;

const EVERY: Duration = Duration::from_secs(1);
/// So many alerts, and so many events, are remembered.
const KEPT: usize = 200;
/// Listeners that are slower than this miss what is older.
const NEWS: usize = 64;

/// What happened, for people: never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    pub id: u64,
    pub timestamp: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub severity: &'static str,
    pub message: String,
}

/// A warning, as the monitoring API shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    pub id: String,
    pub timestamp: String,
    pub severity: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub message: String,
    pub details: Details,
    /// Does it still hold?
    pub active: bool,
    pub resolved_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Details {
    pub pattern: Option<Box<str>>,
    pub count: f64,
    pub threshold: f64,
}

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum News {
    Event(Event),
    Alert(Alert),
}

type Look = Arc<dyn Fn() -> Facts + Send + Sync>;

/// Cloning shares everything.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    alerts: Family<Severity, Counter>,
    thresholds: Thresholds,
    /// What the parts say of themselves, brought up to date in the metrics.
    look: Look,
    started: Instant,
    started_at: SystemTime,
    state: Mutex<Kept>,
    news: broadcast::Sender<News>,
}

#[derive(Debug)]
struct Kept {
    history: History,
    rules: Alerts,
    alerts: VecDeque<Alert>,
    events: VecDeque<Event>,
    next_event: u64,
    breaker: State,
    mode: Mode,
    why: Why,
    /// How many calls to the store had failed at the last look, and when one did.
    failures: u64,
    last_failure: Option<String>,
}

/// Since when the mode is what it is, and who said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Why {
    pub reason: String,
    pub activated_at: String,
    pub activated_by: String,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Watch {
    /// `started` is when everything was zero.
    #[must_use]
    pub fn new(metrics: Metrics, thresholds: Thresholds, look: Look, started: Instant) -> Self {
        let started_at = SystemTime::now().checked_sub(started.elapsed());
        let state = Kept {
            history: History::default(),
            rules: Alerts::default(),
            alerts: VecDeque::new(),
            events: VecDeque::new(),
            next_event: 1,
            breaker: State::Closed,
            mode: Mode::Normal,
            why: Why::default(),
            failures: 0,
            last_failure: None,
        };
        Self(Arc::new(Inner {
            alerts: metrics.alerts.clone(),
            metrics,
            thresholds,
            look,
            started,
            started_at: started_at.unwrap_or(SystemTime::UNIX_EPOCH),
            state: Mutex::new(state),
            news: broadcast::channel(NEWS).0,
        }))
    }

    /// Takes a sample each second, until it is dropped.
    pub async fn run(&self) -> Infallible {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.sample();
        }
    }

    /// Looks at everything once.
    pub fn sample(&self) {
        let facts = (self.0.look)();
        let mut state = self.state();
        self.transitions(&mut state, &facts);
        let now = self.totals();
        if now.store_failures > state.failures {
            (state.failures, state.last_failure) = (now.store_failures, Some(self.now()));
        }
        state.history.record(now.clone());
        let holds = alerts::holds(&state.history, &now, &facts, &self.0.thresholds);
        let changes = state.rules.update(now.at, self.0.thresholds.cooldown, holds);
        for change in changes {
            self.change(&mut state, change);
        }
    }

    /// What became of the breaker and the mode since the last look.
    fn transitions(&self, state: &mut Kept, facts: &Facts) {
        // A store that is down is tried again every few seconds: that is no news.
        match (std::mem::replace(&mut state.breaker, facts.breaker), facts.breaker) {
            (State::Closed, State::Open | State::HalfOpen) => {
                self.0.metrics.breaker_trips.inc();
                let message = "the store's breaker is open".to_owned();
                self.push(state, "breaker", Severity::High, message);
            }
            (State::Open | State::HalfOpen, State::Closed) => {
                self.push(state, "breaker", Severity::Info, "the store is back".to_owned());
            }
            _ => {}
        }
        if state.mode != facts.mode {
            let reason = match facts.mode {
                Mode::Normal => "nothing is wrong any more",
                Mode::Degraded => "the mapping store does not answer",
                Mode::BlockAll => "masking failed again and again",
                Mode::Bypass => "",
            };
            self.enter(state, facts.mode, reason, "masker");
        }
    }

    /// An operator set the mode.
    pub fn ordered(&self, mode: Mode, reason: &str, by: &str) {
        self.enter(&mut self.state(), mode, reason, by);
    }

    fn enter(&self, state: &mut Kept, mode: Mode, reason: &str, by: &str) {
        let colon = if reason.is_empty() { "" } else { ": " };
        let message = format!("{mode} after {}, by {by}{colon}{reason}", state.mode);
        state.mode = mode;
        state.why = Why {
            reason: reason.to_owned(),
            activated_at: self.now(),
            activated_by: by.to_owned(),
        };
        let severity = if mode == Mode::Normal { Severity::Info } else { Severity::High };
        self.0.metrics.mode_changes.inc();
        self.push(state, "mode", severity, message);
    }

    /// Why the mode is what it is.
    #[must_use]
    pub fn why(&self) -> Why {
        self.state().why.clone()
    }

    /// When a call to the store last failed.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.state().last_failure.clone()
    }

    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    fn change(&self, state: &mut Kept, change: Change) {
        let now = self.now();
        let alert = match change {
            Change::Began(id, condition) => {
                self.0.alerts.get_or_create(&condition.severity).inc();
                let severity = condition.severity.as_str();
                tracing::warn!(
                    severity,
                    kind = condition.kind,
                    message = condition.message,
                    "alert"
                );
                let alert = Alert {
                    id: format!("alert-{id}"),
                    timestamp: now,
                    severity,
                    kind: condition.kind,
                    message: condition.message,
                    details: Details {
                        pattern: condition.pattern.map(|own| Box::from(&*own)),
                        count: condition.count,
                        threshold: condition.threshold,
                    },
                    active: true,
                    resolved_at: None,
                };
                limit(&mut state.alerts, alert.clone());
                alert
            }
            Change::Ended(id) => {
                let id = format!("alert-{id}");
                let Some(alert) = state.alerts.iter_mut().find(|own| own.id == id) else { return };
                alert.active = false;
                alert.resolved_at = Some(now);
                tracing::info!(kind = alert.kind, "an alert has ended");
                alert.clone()
            }
        };
        self.tell(News::Alert(alert));
    }

    /// Tells everybody, and remembers.
    pub fn event(&self, kind: &'static str, severity: Severity, message: String) {
        self.push(&mut self.state(), kind, severity, message);
    }

    fn push(&self, state: &mut Kept, kind: &'static str, severity: Severity, message: String) {
        let id = state.next_event;
        state.next_event += 1;
        let (timestamp, severity) = (self.now(), severity.as_str());
        let event = Event { id, timestamp, kind, severity, message };
        limit(&mut state.events, event.clone());
        self.tell(News::Event(event));
    }

    fn tell(&self, news: News) {
        // An error: nobody listens.
        drop(self.0.news.send(news));
    }

    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.0.news.subscribe()
    }

    /// The newest first.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        self.state().alerts.iter().rev().cloned().collect()
    }

    /// The newest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.state().events.iter().rev().cloned().collect()
    }

    /// What was counted in the last `span`; since the start if it is shorter.
    #[must_use]
    pub fn last(&self, span: Duration) -> Totals {
        let now = self.totals();
        self.state().history.last(&now, span)
    }

    #[must_use]
    pub fn trend(&self, span: Duration, points: u32) -> Vec<Point> {
        let now = self.totals();
        self.state().history.trend(&now, span, points)
    }

    /// What the parts say; their metrics are brought up to date.
    pub fn facts(&self) -> Facts {
        (self.0.look)()
    }

    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// A time since the start as people write it.
    #[must_use]
    pub fn written(&self, since_start: Duration) -> String {
        utc::rfc3339(self.0.started_at + since_start)
    }

    /// A time before now as people write it; it may be before the start.
    #[must_use]
    pub fn ago(&self, ago: Duration) -> String {
        let now = self.0.started_at + self.uptime();
        utc::rfc3339(now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    #[must_use]
    pub fn now(&self) -> String {
        self.written(self.uptime())
    }

    /// All that was counted until now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        totals(&self.0.metrics, self.uptime())
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The oldest go.
fn limit<T>(all: &mut VecDeque<T>, new: T) {
    if all.len() >= KEPT {
        all.pop_front();
    }
    all.push_back(new);
}

fn totals(metrics: &Metrics, at: Duration) -> Totals {
    let mut outcomes = [0; Outcome::ALL.len()];
    for (count, outcome) in outcomes.iter_mut().zip(Outcome::ALL) {
        *count = metrics.requests.get_or_create(outcome).get();
    }
    let found = metrics.findings.all();
    let named = |found: Vec<Found>| found.into_iter().map(|own| (Arc::from(own.kind), own.count));
    Totals {
        at,
        outcomes,
        request_bytes: metrics.request_bytes.get(),
        answer_bytes: metrics.answer_bytes.get(),
        findings: found.iter().map(|own| own.count).sum(),
        critical: found.iter().filter(|own| own.critical).map(|own| own.count).sum(),
        unmaskable: Place::ALL.iter().map(|own| metrics.unmaskable.get_or_create(own).get()).sum(),
        restored: metrics.restored.get_or_create(&Restored::Known).get(),
        unknown: metrics.restored.get_or_create(&Restored::Unknown).get(),
        kept: labels::Kept::ALL.iter().map(|own| metrics.kept.get_or_create(own).get()).sum(),
        held: metrics.held_events.get(),
        store_failures: metrics.store.failures.get(),
        breaker_trips: metrics.breaker_trips.get(),
        prefix_faults: Cause::ALL
            .iter()
            .map(|own| metrics.prefix_faults.get_or_create(own).get())
            .sum(),
        records_lost: metrics.records_lost.get(),
        unread: Unread::ALL.iter().map(|own| metrics.unread.get_or_create(own).get()).sum(),
        audit_lost: metrics.audit_lost.get(),
        mode_changes: metrics.mode_changes.get(),
        mask: metrics.mask_seconds.spread(),
        store: metrics.store_seconds.spread(),
        request: metrics.request_seconds.spread(),
        kinds: named(found).collect(),
        new_kinds: named(metrics.new_findings.all()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Registry;

    #[tokio::test]
    async fn an_outage_of_the_store_is_two_events_however_often_it_is_tried() {
        let breaker = Arc::new(Mutex::new(State::Closed));
        let own = Arc::clone(&breaker);
        let look = Arc::new(move || Facts {
            breaker: *own.lock().unwrap(),
            mode: Mode::Normal,
            critical: Vec::new(),
        });
        let metrics = Metrics::new(&mut Registry::default());
        let watch = Watch::new(metrics, Thresholds::default(), look, Instant::now());
        let outage = [State::Open, State::HalfOpen, State::Open, State::HalfOpen, State::Closed];
        for state in outage {
            *breaker.lock().unwrap() = state;
            watch.sample();
        }
        let told: Vec<_> = watch.events().into_iter().map(|event| event.message).collect();
        assert_eq!(told, ["the store is back", "the store's breaker is open"]);
        assert_eq!(watch.metrics().breaker_trips.get(), 1);
    }
}
