//! Degrees of operation: what is done when a part is missing.

use std::fmt;

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
}

impl Mode {
    /// Normal only while the store's breaker is closed.
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
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_decides() {
        for (state, mode, name) in [
            (State::Closed, Mode::Normal, "normal"),
            (State::Open, Mode::Degraded, "degraded"),
            (State::HalfOpen, Mode::Degraded, "degraded"),
        ] {
            assert_eq!(Mode::of(state), mode);
            assert_eq!(mode.to_string(), name);
        }
    }
}
