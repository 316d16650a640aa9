//! A rate limit that refills evenly: so many units in a minute, as a burst or one by one.
//!
//! The generic cell rate algorithm (ITU-T I.371): one point in time says when
//! the bucket is full again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Rate {
    per_minute: u32,
    /// The time in which one unit comes back.
    unit: Duration,
    full_at: Mutex<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    /// Enough will be there then.
    Wait(Duration),
    /// More than a minute's worth.
    Never,
}

impl Rate {
    pub(super) fn new(per_minute: u32) -> Self {
        let unit = MINUTE.checked_div(per_minute).unwrap_or(MINUTE);
        Self { per_minute, unit, full_at: Mutex::new(Instant::now()) }
    }

    /// Takes all of `units` or nothing.
    pub(super) fn take(&self, units: u64) -> Result<(), Exceeded> {
        let units = u32::try_from(units).map_err(|_| Exceeded::Never)?;
        if units > self.per_minute {
            return Err(Exceeded::Never);
        }
        let now = Instant::now();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = now.max(*full_at) + self.unit.saturating_mul(units);
        match next.duration_since(now).checked_sub(MINUTE) {
            Some(wait) if !wait.is_zero() => Err(Exceeded::Wait(wait)),
            _ => {
                *full_at = next;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_one_at_a_time() {
        let rate = Rate::new(60);
        assert_eq!(rate.take(61), Err(Exceeded::Never));
        assert_eq!(rate.take(u64::MAX), Err(Exceeded::Never));
        assert_eq!(rate.take(59), Ok(()));
        assert_eq!(rate.take(2), Err(Exceeded::Wait(Duration::from_secs(1))));
        assert_eq!(rate.take(1), Ok(()));
        assert_eq!(rate.take(1), Err(Exceeded::Wait(Duration::from_secs(1))));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(rate.take(3), Ok(()));
        assert_eq!(rate.take(1), Err(Exceeded::Wait(Duration::from_secs(1))));
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(rate.take(60), Ok(()), "no more than a minute is saved up");
        assert!(rate.take(1).is_err());
        assert_eq!(Rate::new(0).take(1), Err(Exceeded::Never));
    }
}
