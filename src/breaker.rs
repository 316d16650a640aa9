//! A circuit breaker: spares callers the wait for a part that does not answer.
//!
//! ```text
//! Closed ──failures in a row──► Open ──retry_every──► HalfOpen ──successes──► Closed
//!                                 ▲───────a failure──────┘
//! ```
//!
//! `now` is the time since some fixed start, given by the caller.

use std::fmt;
use std::time::Duration;

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many failures in a row open it.
    pub failures: u32,
    /// An open breaker is tried this often.
    pub retry_every: Duration,
    /// So many trials that succeed in a row close it.
    pub successes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { failures: 5, retry_every: Duration::from_secs(2), successes: 3 }
    }
}

/// What a breaker shows to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Closed,
    Open,
    HalfOpen,
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed {
        failures: u32,
    },
    /// A trial is due then.
    Open {
        due: Duration,
    },
    /// `trial` is when the trial under way began, if there is one.
    HalfOpen {
        successes: u32,
        trial: Option<Duration>,
    },
}

#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    settings: Settings,
    phase: Phase,
}

impl Breaker {
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings, phase: Phase::Closed { failures: 0 } }
    }

    #[must_use]
    pub const fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// May an ordinary call be made? While the breaker is not closed, only
    /// trials are.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. })
    }

    /// When a trial may begin; none while closed.
    #[must_use]
    pub fn next_trial(&self) -> Option<Duration> {
        match self.phase {
            Phase::Closed { .. } => None,
            Phase::Open { due } => Some(due),
            Phase::HalfOpen { trial: None, .. } => Some(Duration::ZERO),
            // The result of a trial may get lost: its caller may have been dropped.
            Phase::HalfOpen { trial: Some(began), .. } => {
                Some(began.saturating_add(self.settings.retry_every))
            }
        }
    }

    /// Begins a trial if one is due; its caller reports how it went.
    pub fn begin_trial(&mut self, now: Duration) -> bool {
        if self.next_trial().is_none_or(|due| now < due) {
            return false;
        }
        let successes = match self.phase {
            Phase::HalfOpen { successes, .. } => successes,
            Phase::Closed { .. } | Phase::Open { .. } => 0,
        };
        self.phase = Phase::HalfOpen { successes, trial: Some(now) };
        true
    }

    /// A call went well.
    pub fn success(&mut self) {
        match &mut self.phase {
            Phase::Closed { failures } => *failures = 0,
            // A late answer to a call from before it opened proves little.
            Phase::Open { .. } => {}
            Phase::HalfOpen { successes, trial } => {
                *successes += 1;
                *trial = None;
                if *successes >= self.settings.successes {
                    self.phase = Phase::Closed { failures: 0 };
                }
            }
        }
    }

    /// A call failed.
    pub fn failure(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Closed { failures } => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    self.phase = self.open(now);
                }
            }
            // Calls that were under way must not put the next trial off.
            Phase::Open { .. } => {}
            Phase::HalfOpen { .. } => self.phase = self.open(now),
        }
    }

    const fn open(&self, now: Duration) -> Phase {
        Phase::Open { due: now.saturating_add(self.settings.retry_every) }
    }

    /// Brings the next trial forward, if it is open: there is a reason to believe
    /// that what it guards answers again.
    pub fn retry_at(&mut self, now: Duration) {
        if let Phase::Open { due } = &mut self.phase {
            *due = now.min(*due);
        }
    }

    /// Opens at once: what it guards is known not to answer.
    pub fn trip(&mut self, now: Duration) {
        self.phase = self.open(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Fail(u64),
        Succeed,
        Trip(u64),
        Retry(u64),
        /// At this second a trial is begun, or is not.
        Trial(u64, bool),
    }
    use Step::{Fail, Retry, Succeed, Trial, Trip};

    fn check(name: &str, steps: &[Step], state: State, next: Option<u64>) {
        let settings = Settings { failures: 5, retry_every: Duration::from_secs(30), successes: 3 };
        let mut breaker = Breaker::new(settings);
        for step in steps {
            match *step {
                Fail(at) => breaker.failure(Duration::from_secs(at)),
                Succeed => breaker.success(),
                Trip(at) => breaker.trip(Duration::from_secs(at)),
                Retry(at) => breaker.retry_at(Duration::from_secs(at)),
                Trial(at, begun) => {
                    let begins = breaker.begin_trial(Duration::from_secs(at));
                    assert_eq!(begins, begun, "{name}: trial at {at}");
                }
            }
        }
        assert_eq!(breaker.state(), state, "{name}");
        assert_eq!(breaker.is_closed(), state == State::Closed, "{name}");
        assert_eq!(breaker.next_trial(), next.map(Duration::from_secs), "{name}");
    }

    #[test]
    fn opens_tries_and_closes() {
        use State::{Closed, HalfOpen, Open};
        let f = Fail(10);
        let t = |at| Trial(at, true);
        for (name, steps, state, next) in [
            ("new", vec![], Closed, None),
            ("no trial while closed", vec![Trial(99, false)], Closed, None),
            ("four failures", vec![f; 4], Closed, None),
            ("five failures", vec![f; 5], Open, Some(40)),
            ("not in a row", vec![f, f, f, f, Succeed, f], Closed, None),
            ("late failures do not put off", vec![f, f, f, f, f, Fail(39)], Open, Some(40)),
            (
                "late successes do not close",
                vec![Trip(1), Succeed, Succeed, Succeed],
                Open,
                Some(31),
            ),
            ("too early", vec![Trip(10), Trial(39, false)], Open, Some(40)),
            ("one trial at a time", vec![Trip(10), t(40), Trial(41, false)], HalfOpen, Some(70)),
            ("sooner", vec![Trip(1), Retry(2), t(2)], HalfOpen, Some(32)),
            ("no reason while closed", vec![Retry(50)], Closed, None),
            ("a lost trial", vec![Trip(10), t(40), t(70)], HalfOpen, Some(100)),
            ("one success", vec![Trip(10), t(40), Succeed], HalfOpen, Some(0)),
            ("fails again", vec![Trip(10), t(40), Succeed, t(40), Fail(41)], Open, Some(71)),
            (
                "starts over after failing again",
                vec![Trip(0), t(30), Succeed, t(30), Fail(31), t(61), Succeed, t(61), Succeed],
                HalfOpen,
                Some(0),
            ),
            (
                "three successes",
                vec![Trip(10), t(40), Succeed, t(40), Succeed, t(40), Succeed],
                Closed,
                None,
            ),
        ] {
            check(name, &steps, state, next);
        }
    }
}
