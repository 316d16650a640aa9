//! What was counted when: totals in rings, from one minute to one day back.
//!
//! A sample holds all totals since the start, so what happened between two
//! moments is a difference, and nothing is lost between samples. No clock: time
//! is passed in, as the time since the process started.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::labels::Outcome;
use crate::telemetry::timing::Spread;

/// Samples of a ring, and the most points of a chart.
pub const POINTS: usize = 300;

/// The step of a ring that covers so many seconds.
const fn step(seconds: u64) -> Duration {
    Duration::from_millis(seconds * 1000 / POINTS as u64)
}

/// How many there are. Not `RINGS.len()`: a type whose size hangs on a call of a function
/// is a cycle to the compiler when it optimizes.
const SPANS: usize = 5;

/// The spans that can be asked for, each with a ring in which it fills all places.
const RINGS: [Duration; SPANS] = [step(300), step(900), step(3600), step(21_600), step(86_400)];

/// All that was counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Since the start.
    pub at: Duration,
    /// In the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    pub request_bytes: u64,
    pub answer_bytes: u64,
    pub findings: u64,
    pub critical: u64,
    /// In places that must not change.
    pub unmaskable: u64,
    pub restored: u64,
    pub unknown: u64,
    pub kept: u64,
    pub held: u64,
    pub store_failures: u64,
    pub breaker_trips: u64,
    pub prefix_faults: u64,
    pub records_lost: u64,
    pub unread: u64,
    pub audit_lost: u64,
    pub mode_changes: u64,
    pub mask: Spread,
    pub store: Spread,
    pub request: Spread,
    /// Findings by kind, by name; and those that had not been sent before.
    pub kinds: Kinds,
    pub new_kinds: Kinds,
}

type Kinds = Arc<[(Arc<str>, u64)]>;

/// What came after `earlier`.
fn after(kinds: &Kinds, earlier: &Kinds) -> Kinds {
    let less = kinds.iter().map(|(kind, count)| {
        let before = earlier.binary_search_by(|(own, _)| own.cmp(kind)).ok();
        let before = before.and_then(|at| earlier.get(at)).map_or(0, |(_, count)| *count);
        (Arc::clone(kind), count.saturating_sub(before))
    });
    less.collect()
}

impl Totals {
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        let all = Outcome::ALL.iter().zip(self.outcomes);
        all.filter(|(own, _)| **own == outcome).map(|(_, count)| count).sum()
    }

    #[must_use]
    pub fn requests(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Findings where nothing had been sent before.
    #[must_use]
    pub fn new_findings(&self) -> u64 {
        self.new_kinds.iter().map(|(_, count)| count).sum()
    }

    /// What came after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut outcomes = self.outcomes;
        for (count, before) in outcomes.iter_mut().zip(earlier.outcomes) {
            *count = count.saturating_sub(before);
        }
        let less = |of: fn(&Self) -> u64| of(self).saturating_sub(of(earlier));
        Self {
            at: self.at.saturating_sub(earlier.at),
            outcomes,
            request_bytes: less(|own| own.request_bytes),
            answer_bytes: less(|own| own.answer_bytes),
            findings: less(|own| own.findings),
            critical: less(|own| own.critical),
            unmaskable: less(|own| own.unmaskable),
            restored: less(|own| own.restored),
            unknown: less(|own| own.unknown),
            kept: less(|own| own.kept),
            held: less(|own| own.held),
            store_failures: less(|own| own.store_failures),
            breaker_trips: less(|own| own.breaker_trips),
            prefix_faults: less(|own| own.prefix_faults),
            records_lost: less(|own| own.records_lost),
            unread: less(|own| own.unread),
            audit_lost: less(|own| own.audit_lost),
            mode_changes: less(|own| own.mode_changes),
            mask: self.mask.since(&earlier.mask),
            store: self.store.since(&earlier.store),
            request: self.request.since(&earlier.request),
            kinds: after(&self.kinds, &earlier.kinds),
            new_kinds: after(&self.new_kinds, &earlier.new_kinds),
        }
    }
}

/// What happened in one part of a span.
#[derive(Clone, Debug)]
pub struct Point {
    /// How long ago the part ended.
    pub ago: Duration,
    /// False: the process was not running then.
    pub known: bool,
    pub totals: Totals,
}

#[derive(Debug)]
pub struct History {
    rings: [VecDeque<Arc<Totals>>; SPANS],
    /// Everything began with nothing.
    start: Arc<Totals>,
}

impl Default for History {
    fn default() -> Self {
        let start = Arc::new(Totals::default());
        Self { rings: std::array::from_fn(|_| VecDeque::from([Arc::clone(&start)])), start }
    }
}

impl History {
    /// Keeps a sample where its time has come.
    pub fn record(&mut self, totals: Totals) {
        let totals = Arc::new(totals);
        for (ring, every) in self.rings.iter_mut().zip(RINGS) {
            let slot = |at: Duration| at.as_millis() / every.as_millis();
            if ring.back().is_some_and(|last| slot(last.at) >= slot(totals.at)) {
                continue;
            }
            // One more than points: between them are the parts.
            if ring.len() > POINTS {
                ring.pop_front();
            }
            ring.push_back(Arc::clone(&totals));
        }
    }

    /// What was counted in the last `span`, up to `now`.
    #[must_use]
    pub fn last(&self, now: &Totals, span: Duration) -> Totals {
        now.since(&self.at(now.at.saturating_sub(span)))
    }

    /// The last `span` in `points` equal parts, the oldest first.
    #[must_use]
    pub fn trend(&self, now: &Totals, span: Duration, points: u32) -> Vec<Point> {
        let part = span / points.max(1);
        let mut from =
            now.at.checked_sub(span).map_or_else(|| Arc::clone(&self.start), |at| self.at(at));
        let mut all = Vec::new();
        for back in (0..points).rev() {
            let end = now.at.checked_sub(part * back);
            let to = match end {
                Some(_) if back == 0 => Arc::new(now.clone()),
                Some(end) => self.at(end),
                None => Arc::clone(&self.start),
            };
            let known = end.is_some_and(|end| !end.is_zero());
            all.push(Point { ago: part * back, known, totals: to.since(&from) });
            from = to;
        }
        all
    }

    /// The newest sample that is not younger, from the finest ring that reaches so far back.
    fn at(&self, at: Duration) -> Arc<Totals> {
        let reaches = |ring: &&VecDeque<Arc<Totals>>| ring.front().is_some_and(|own| own.at <= at);
        let ring = self.rings.iter().find(reaches).or(self.rings.last());
        let found = ring.and_then(|ring| {
            let younger = ring.partition_point(|own| own.at <= at);
            ring.get(younger.saturating_sub(1))
        });
        Arc::clone(found.unwrap_or(&self.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(second: u64, masked: u64) -> Totals {
        let mut outcomes = [0; Outcome::ALL.len()];
        outcomes[0] = masked;
        let kinds = Arc::from([(Arc::from("EC2"), 2 * masked)]);
        Totals { at: Duration::from_secs(second), outcomes, kinds, ..Totals::default() }
    }

    /// One request each second.
    fn running(seconds: u64) -> History {
        let mut history = History::default();
        for second in 1..=seconds {
            history.record(totals(second, second));
        }
        history
    }

    #[test]
    fn differences_are_exact_within_a_rings_step() {
        let day = 86_400;
        let history = running(2 * day);
        let now = totals(2 * day, 2 * day + 7);
        for (span, off) in [(60, 0), (300, 0), (900, 3), (3600, 12), (21_600, 72), (day, 288)] {
            let last = history.last(&now, Duration::from_secs(span));
            let more = last.requests() - (span + 7);
            assert!(more <= off, "{span}: {more}");
            assert_eq!(last.kinds[0].1, 2 * last.requests());
        }
        assert_eq!(
            history.last(&now, 3 * Duration::from_secs(day)).requests() / day,
            1,
            "one day is kept"
        );
        for ring in &history.rings {
            assert!(ring.len() <= POINTS + 1);
        }
    }

    #[test]
    fn a_trend_has_all_parts_and_says_what_it_does_not_know() {
        let history = running(90);
        let now = totals(90, 90);
        let minute = history.trend(&now, Duration::from_secs(60), 60);
        assert_eq!(minute.len(), 60);
        assert!(minute.iter().all(|point| point.known && point.totals.requests() == 1));
        let more = history.trend(&now, Duration::from_secs(300), 5);
        let known: Vec<_> = more.iter().map(|point| point.known).collect();
        assert_eq!(known, [false, false, false, true, true]);
        let requests: Vec<_> = more.iter().map(|point| point.totals.requests()).collect();
        assert_eq!(requests, [0, 0, 0, 30, 60]);
        let whole: u64 = history
            .trend(&now, Duration::from_secs(86_400), 300)
            .iter()
            .map(|p| p.totals.requests())
            .sum();
        assert_eq!(whole, 90, "nothing falls between the parts");
    }

    #[test]
    fn the_start_is_a_sample() {
        let history = History::default();
        let last = history.last(&totals(2, 5), Duration::from_secs(60));
        assert_eq!((last.requests(), last.at), (5, Duration::from_secs(2)));
    }
}
