//! What of an outage is told: that it begins, when its cause changes, and now and then that it
//! lasts. A store that is down is tried every few seconds, for a whole night perhaps.

use std::time::Duration;

use crate::store::redis::Failure;

/// An outage that lasts is told this often.
const EVERY: Duration = Duration::from_secs(600);

/// What was told of an outage last.
#[derive(Debug, Default)]
pub(super) struct Outage(Option<(Failure, Duration)>);

impl Outage {
    /// Is this failure to be told?
    pub(super) fn tells(&mut self, failure: &Failure, now: Duration) -> bool {
        let same =
            |(told, at): &(Failure, Duration)| told == failure && now.saturating_sub(*at) < EVERY;
        if self.0.as_ref().is_some_and(same) {
            return false;
        }
        self.0 = Some((failure.clone(), now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_outage_is_told_seldom_and_a_new_cause_at_once() {
        let mut outage = Outage::default();
        let (gone, slow) =
            (Failure::Client("no connection"), Failure::Deadline(Duration::from_millis(150)));
        let told = |outage: &mut Outage, failure: &Failure, seconds: std::ops::Range<u64>| {
            seconds.filter(|&at| outage.tells(failure, Duration::from_secs(at))).count()
        };
        assert_eq!(told(&mut outage, &slow, 0..1), 1, "it begins");
        assert_eq!(told(&mut outage, &gone, 1..3601), 6, "an hour, tried each second");
        assert_eq!(told(&mut outage, &slow, 3601..3610), 1);
    }
}
