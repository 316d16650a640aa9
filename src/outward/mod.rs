//! What masker tells others by itself: alerts to a webhook, events to channels of Redis,
//! the audit log to a stream of Redis, traces to a collector. Never a value.
//!
//! Nobody waits for these: each has a bounded queue and a task of its own, and what does not
//! fit or cannot be sent is counted and dropped.

use std::time::Duration;

pub mod audit;
pub mod channels;
pub mod http;
pub mod traces;
pub mod webhook;

/// Between two attempts: each pause is twice the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, most: Duration) -> Self {
        Self { next: first, most }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.most);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let pauses: Vec<_> = (0..5).map(|_| backoff.pause().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
    }
}
