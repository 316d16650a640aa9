//! Durations as a histogram: two atomic additions for each, and no lock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::MetricEncoder;
use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::TypedMetric;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;

/// Upper bounds in nanoseconds: a small request takes microseconds, 32 MiB take seconds.
const BOUNDS: [u64; 20] = [
    10 * US,
    25 * US,
    50 * US,
    100 * US,
    250 * US,
    500 * US,
    MS,
    2_500 * US,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    S,
    2_500 * MS,
    5 * S,
    10 * S,
    30 * S,
];
/// And one for all that is above.
const BUCKETS: usize = BOUNDS.len() + 1;

/// Cloning shares the numbers.
#[derive(Clone, Debug, Default)]
pub struct Timing(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// What a [`Timing`] has seen, or has seen between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    counts: [u64; BUCKETS],
    nanos: u64,
}

impl Timing {
    pub fn observe(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < nanos);
        if let Some(count) = self.0.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    #[must_use]
    pub fn spread(&self) -> Spread {
        let counts = self.0.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        Spread { counts, nanos: self.0.nanos.load(Ordering::Relaxed) }
    }
}

impl Spread {
    /// What came after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        Self { counts, nanos: self.nanos.saturating_sub(earlier.nanos) }
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// In milliseconds; 0 if there was nothing.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        let count = self.count();
        if count == 0 { 0.0 } else { millis(self.nanos) / as_f64(count) }
    }

    /// So many of a hundred took at most this, in milliseconds: evenly spread in
    /// its bucket; 0 if there was nothing.
    #[must_use]
    pub fn percentile_ms(&self, percent: u32) -> f64 {
        let rank = as_f64(self.count()) * f64::from(percent) / 100.0;
        let (mut below, mut lower) = (0.0, 0.0);
        for (&count, bound) in self.counts.iter().zip(BOUNDS) {
            let (inside, upper) = (as_f64(count), millis(bound));
            if count > 0 && below + inside >= rank {
                return lower + (upper - lower) * ((rank - below) / inside);
            }
            below += inside;
            lower = upper;
        }
        if self.count() == 0 { 0.0 } else { lower }
    }
}

fn millis(nanos: u64) -> f64 {
    as_f64(nanos) / 1e6
}

/// Counts are far below 2^52, above which doubles skip numbers.
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds stay below 2^52")]
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

impl EncodeMetric for Timing {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let spread = self.spread();
        let bounds = BOUNDS.into_iter().map(|bound| as_f64(bound) / 1e9).chain([f64::MAX]);
        let buckets: Vec<_> = bounds.zip(spread.counts).collect();
        let sum = as_f64(spread.nanos) / 1e9;
        encoder.encode_histogram::<NoLabelSet>(sum, spread.count(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Timing {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn percentiles_are_read_from_buckets() {
        let timing = Timing::default();
        let before = timing.spread();
        assert!(close(before.percentile_ms(99), 0.0) && close(before.mean_ms(), 0.0));
        for _ in 0..98 {
            timing.observe(Duration::from_millis(4));
        }
        timing.observe(Duration::from_millis(80));
        timing.observe(Duration::from_secs(60));
        let spread = timing.spread();
        assert_eq!(spread.count(), 100);
        assert!(close(spread.percentile_ms(98), 5.0), "{}", spread.percentile_ms(98));
        assert!(close(spread.percentile_ms(49), 3.75), "{}", spread.percentile_ms(49));
        assert!(close(spread.percentile_ms(99), 100.0));
        assert!(close(spread.percentile_ms(100), 30_000.0), "above all bounds: the last");
        assert!(close(spread.mean_ms(), (98.0 * 4.0 + 80.0 + 60_000.0) / 100.0));
        timing.observe(Duration::from_micros(10));
        let later = timing.spread().since(&spread);
        assert_eq!(later.count(), 1);
        assert!(close(later.percentile_ms(100), 0.01), "a bound belongs to what is below");
    }
}
