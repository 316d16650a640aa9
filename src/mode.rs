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
mod tests;
