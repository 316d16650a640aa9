//! Degrees of operation: what is done when a part is missing, or fails.
//!
//! | mode | what happens | entered by |
//! |---|---|---|
//! | normal | mask, store, restore | start; whenever nothing below holds |
//! | degraded | the store is left alone, masking is complete | its breaker |
//! | block-all | every request is refused | an operator; or masking that fails for several tenants |
//! | bypass | requests pass unmasked | an operator, if the configuration allows it, with an end |
//!
//! What fails for one body or one tenant alone blocks only that. `now` is the
//! time since some fixed start, given by the caller.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::breaker::State;

/// How an exchange is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Mask, store, restore.
    #[default]
    Normal,
    /// The store is out of reach. Masking stays complete, an exchange's own
    /// placeholders are restored from memory, writes wait; what lives at the
    /// provider from one exchange to the next is refused.
    Degraded,
    /// Every request is refused.
    BlockAll,
    /// Every request passes unmasked, without the proof of masking.
    Bypass,
}

impl Mode {
    pub const ALL: [Self; 4] = [Self::Normal, Self::Degraded, Self::BlockAll, Self::Bypass];

    /// What the store's breaker alone makes of it.
    #[must_use]
    pub const fn of(store: State) -> Self {
        match store {
            State::Closed => Self::Normal,
            State::Open | State::HalfOpen => Self::Degraded,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Degraded => "degraded",
            Self::BlockAll => "block-all",
            Self::Bypass => "bypass",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When modes change by themselves, and what an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest bypass; none: there is no bypass.
    pub bypass: Option<Duration>,
    /// So many failures to mask within the window block.
    pub failures: usize,
    pub window: Duration,
    /// For so long.
    pub block: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let [window, block] = [60, 300].map(Duration::from_secs);
        Self { bypass: None, failures: 5, window, block }
    }
}

/// What an operator orders. It holds until its end, or until the next order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ends what was ordered and what is blocked.
    Normal,
    BlockAll {
        time: Option<Duration>,
    },
    Bypass {
        time: Option<Duration>,
    },
}

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    #[error(
        "the configuration does not allow bypass: `allow_bypass = true` under `[mode]` does, from the next start on"
    )]
    NotAllowed,
    #[error("bypass needs an end: say for how long")]
    Endless,
    #[error("bypass lasts at most {} s: `longest_bypass` under `[mode]`", .0.as_secs())]
    TooLong(Duration),
    #[error("the time must not be zero")]
    Zero,
}

/// Who decided on the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Store,
    Operator,
    Failures,
}

impl Cause {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Operator => "operator",
            Self::Failures => "failures",
        }
    }
}

/// The mode of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub mode: Mode,
    /// None: nothing is wrong.
    pub cause: Option<Cause>,
    /// Until it ends by itself; none: it does not.
    pub left: Option<Duration>,
}

/// What failures led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    Body,
    Tenant,
    All,
}

/// Whose body failed, and which: both hashed by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub tenant: u64,
    pub body: u64,
}

/// So many failures and blocked parts are remembered; the oldest go first.
const REMEMBERED: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Body(u64),
    Tenant(u64),
}

/// The state machine.
#[derive(Clone, Debug, Default)]
pub struct Modes {
    settings: Settings,
    /// What is ordered, and until when.
    order: Option<(Mode, Option<Duration>)>,
    /// Failures block everything until then.
    block: Option<Duration>,
    failures: VecDeque<(Duration, Mark)>,
    /// Blocked alone, until then.
    parts: VecDeque<(Duration, Part)>,
}

impl Modes {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    #[must_use]
    pub fn view(&self, now: Duration, store: State) -> View {
        let after = |end: Duration| end.checked_sub(now).filter(|left| !left.is_zero());
        let block = self.block.and_then(after);
        // What blocks wins: an operator who bypasses a block has ended it by that order.
        if let Some(left) = block {
            return View { mode: Mode::BlockAll, cause: Some(Cause::Failures), left: Some(left) };
        }
        if let Some((mode, end)) = self.order {
            let left = end.map(after);
            if left != Some(None) {
                return View { mode, cause: Some(Cause::Operator), left: left.flatten() };
            }
        }
        match Mode::of(store) {
            Mode::Normal => View::default(),
            mode => View { mode, cause: Some(Cause::Store), left: None },
        }
    }

    pub fn order(&mut self, order: Order, now: Duration) -> Result<(), Refused> {
        let end = |time: Option<Duration>| match time {
            Some(Duration::ZERO) => Err(Refused::Zero),
            time => Ok(time.map(|time| now.saturating_add(time))),
        };
        self.order = match order {
            Order::Normal => None,
            Order::BlockAll { time } => Some((Mode::BlockAll, end(time)?)),
            Order::Bypass { time } => {
                let longest = self.settings.bypass.ok_or(Refused::NotAllowed)?;
                let time = time.ok_or(Refused::Endless)?;
                if time > longest {
                    return Err(Refused::TooLong(longest));
                }
                Some((Mode::Bypass, end(Some(time))?))
            }
        };
        self.block = None;
        self.failures.clear();
        self.parts.clear();
        Ok(())
    }

    /// Masking failed, for no fault of the request.
    pub fn failed(&mut self, mark: Mark, now: Duration) -> Option<Blocked> {
        let window = self.settings.window;
        self.failures.retain(|(at, _)| now.saturating_sub(*at) < window);
        push(&mut self.failures, (now, mark));
        let all: BTreeSet<_> = self.failures.iter().map(|(_, mark)| mark.body).collect();
        let tenants: BTreeSet<_> = self.failures.iter().map(|(_, mark)| mark.tenant).collect();
        let own = self.failures.iter().filter(|(_, other)| other.tenant == mark.tenant);
        let own: BTreeSet<_> = own.map(|(_, mark)| mark.body).collect();
        let same = self.failures.iter().filter(|(_, other)| other.body == mark.body).count();
        let end = now.saturating_add(self.settings.block);
        let enough = self.settings.failures;
        if all.len() >= enough && tenants.len() > 1 {
            self.block = Some(end);
            self.failures.clear();
            Some(Blocked::All)
        } else if own.len() >= enough {
            push(&mut self.parts, (end, Part::Tenant(mark.tenant)));
            self.failures.retain(|(_, other)| other.tenant != mark.tenant);
            Some(Blocked::Tenant)
        } else if same >= enough {
            push(&mut self.parts, (end, Part::Body(mark.body)));
            self.failures.retain(|(_, other)| other.body != mark.body);
            Some(Blocked::Body)
        } else {
            None
        }
    }

    /// For how long this tenant or body is blocked alone, if it is.
    #[must_use]
    pub fn blocked(&self, mark: Mark, now: Duration) -> Option<Duration> {
        let its = [Part::Tenant(mark.tenant), Part::Body(mark.body)];
        let ends = self.parts.iter().filter(|(_, part)| its.contains(part)).map(|(end, _)| *end);
        ends.max()?.checked_sub(now).filter(|left| !left.is_zero())
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Step {
        /// At this second, of this tenant, this body.
        Fail(u64, u64, u64, Option<Blocked>),
        Say(u64, Order, Result<(), Refused>),
        Store(State),
    }
    use Step::{Fail, Say, Store};

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn block(time: Option<u64>) -> Order {
        Order::BlockAll { time: if let Some(time) = time { Some(seconds(time)) } else { None } }
    }

    const fn bypass(time: Option<u64>) -> Order {
        Order::Bypass { time: if let Some(time) = time { Some(seconds(time)) } else { None } }
    }

    fn check(name: &str, allowed: Option<u64>, steps: &[Step], views: &[(u64, &str)]) {
        let settings = Settings { bypass: allowed.map(seconds), ..Settings::default() };
        let mut modes = Modes::new(settings);
        let mut store = State::Closed;
        for (step, number) in steps.iter().zip(1..) {
            match *step {
                Fail(at, tenant, body, blocked) => {
                    let found = modes.failed(Mark { tenant, body }, seconds(at));
                    assert_eq!(found, blocked, "{name}: step {number}");
                }
                Say(at, order, result) => {
                    assert_eq!(modes.order(order, seconds(at)), result, "{name}: step {number}");
                }
                Store(state) => store = state,
            }
        }
        for (at, shown) in views {
            let view = modes.view(seconds(*at), store);
            let cause = view.cause.map_or("", Cause::as_str);
            let left = view.left.map(|left| left.as_secs().to_string()).unwrap_or_default();
            assert_eq!(format!("{} {cause} {left}", view.mode).trim(), *shown, "{name}: at {at}");
        }
    }

    fn fails(tenants: &[u64], last: Option<Blocked>) -> Vec<Step> {
        let all = tenants.iter().zip(0..);
        let count = tenants.len();
        let of = |(&tenant, body): (&u64, u64)| {
            Fail(10 + body, tenant, body, last.filter(|_| body + 1 == count as u64))
        };
        all.map(of).collect()
    }

    #[test]
    fn the_store_degrades() {
        for (state, shown) in [
            (State::Closed, "normal"),
            (State::Open, "degraded store"),
            (State::HalfOpen, "degraded store"),
        ] {
            check(shown, None, &[Store(state)], &[(0, shown)]);
        }
    }

    #[test]
    fn operators_order() {
        let ok = Ok(());
        let open = Store(State::Open);
        for (name, allowed, steps, views) in [
            ("endless", None, vec![Say(5, block(None), ok)], vec![(9999, "block-all operator")]),
            (
                "with an end",
                None,
                vec![Say(5, block(Some(10)), ok), open],
                vec![
                    (5, "block-all operator 10"),
                    (14, "block-all operator 1"),
                    (15, "degraded store"),
                ],
            ),
            (
                "ended",
                None,
                vec![Say(5, block(None), ok), Say(6, Order::Normal, ok)],
                vec![(7, "normal")],
            ),
            (
                "degraded cannot be ordered away",
                None,
                vec![open, Say(6, Order::Normal, ok)],
                vec![(7, "degraded store")],
            ),
            (
                "no time at all",
                None,
                vec![Say(1, block(Some(0)), Err(Refused::Zero))],
                vec![(1, "normal")],
            ),
        ] {
            check(name, allowed, &steps, &views);
        }
    }

    #[test]
    fn bypass_is_allowed_and_ends() {
        let ok = Ok(());
        let open = Store(State::Open);
        for (name, allowed, steps, views) in [
            (
                "not allowed",
                None,
                vec![Say(1, bypass(Some(9)), Err(Refused::NotAllowed))],
                vec![(1, "normal")],
            ),
            (
                "endless bypass",
                Some(60),
                vec![Say(1, bypass(None), Err(Refused::Endless))],
                vec![(1, "normal")],
            ),
            (
                "too long",
                Some(60),
                vec![Say(1, bypass(Some(61)), Err(Refused::TooLong(seconds(60))))],
                vec![(1, "normal")],
            ),
            (
                "no bypass",
                Some(60),
                vec![Say(1, bypass(Some(0)), Err(Refused::Zero))],
                vec![(1, "normal")],
            ),
            (
                "bypass",
                Some(60),
                vec![open, Say(1, bypass(Some(60)), ok)],
                vec![(1, "bypass operator 60"), (60, "bypass operator 1"), (61, "degraded store")],
            ),
            (
                "a refused order changes nothing",
                Some(60),
                vec![
                    Say(1, block(None), ok),
                    Say(2, bypass(Some(99)), Err(Refused::TooLong(seconds(60)))),
                ],
                vec![(3, "block-all operator")],
            ),
        ] {
            check(name, allowed, &steps, &views);
        }
    }

    #[test]
    fn failures_block() {
        let of = |more: Vec<Step>, last| [fails(&[1, 1, 2, 1, 3], last), more].concat();
        let all = Some(Blocked::All);
        for (name, allowed, steps, views) in [
            ("four", None, fails(&[1, 2, 3, 4], None), vec![(14, "normal")]),
            (
                "five of several",
                None,
                of(vec![], all),
                vec![
                    (14, "block-all failures 300"),
                    (313, "block-all failures 1"),
                    (314, "normal"),
                ],
            ),
            ("five of one", None, fails(&[7; 5], Some(Blocked::Tenant)), vec![(14, "normal")]),
            (
                "who is blocked alone does not count for all",
                None,
                [fails(&[7; 5], Some(Blocked::Tenant)), vec![Fail(20, 8, 99, None)]].concat(),
                vec![(20, "normal")],
            ),
            (
                "one body of several",
                None,
                (1..=5).map(|n| Fail(n, n, 1, (n == 5).then_some(Blocked::Body))).collect(),
                vec![(5, "normal")],
            ),
            (
                "slowly",
                None,
                (0..9).map(|n| Fail(n * 15, n % 2, n, None)).collect(),
                vec![(120, "normal")],
            ),
            (
                "an operator ends it",
                None,
                of(vec![Say(20, Order::Normal, Ok(()))], all),
                vec![(20, "normal")],
            ),
            (
                "it wins over the store",
                None,
                of(vec![Store(State::Open)], all),
                vec![(14, "block-all failures 300")],
            ),
            (
                "it wins over an earlier bypass",
                Some(600),
                [vec![Say(1, bypass(Some(600)), Ok(()))], of(vec![], all)].concat(),
                vec![(14, "block-all failures 300"), (314, "bypass operator 287")],
            ),
            (
                "a later bypass ends it",
                Some(600),
                of(vec![Say(20, bypass(Some(60)), Ok(()))], all),
                vec![(20, "bypass operator 60")],
            ),
        ] {
            check(name, allowed, &steps, &views);
        }
    }

    #[test]
    fn bodies_and_tenants_are_blocked_alone() {
        let mark = |tenant, body| Mark { tenant, body };
        let mut modes = Modes::new(Settings::default());
        for n in 0..5 {
            assert_eq!(modes.blocked(mark(1, 50), seconds(n)), None);
            modes.failed(mark(1, n), seconds(n));
        }
        assert_eq!(modes.blocked(mark(1, 50), seconds(5)), Some(seconds(299)));
        assert_eq!(modes.blocked(mark(2, 0), seconds(5)), None, "its bodies are not");
        assert_eq!(modes.blocked(mark(1, 50), seconds(304)), None, "it ends");
        for n in 0..5 {
            modes.failed(mark(n, 77), seconds(400));
        }
        assert_eq!(modes.blocked(mark(9, 77), seconds(400)), Some(seconds(300)));
        assert_eq!(modes.blocked(mark(9, 78), seconds(400)), None);
        modes.order(Order::Normal, seconds(401)).unwrap();
        assert_eq!(modes.blocked(mark(9, 77), seconds(401)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut modes = Modes::new(Settings { failures: 5000, ..Settings::default() });
        for body in 0..5000 {
            modes.failed(Mark { tenant: 1, body }, seconds(1));
        }
        assert_eq!(modes.failures.len(), REMEMBERED);
    }
}
