//! Findings by kind: counters that are found by name, so that nothing is
//! allocated for a kind that was counted before.
//!
//! There are as many as the catalog has kinds: names are data of the catalog,
//! never a part of a body.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::MetricEncoder;
use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::TypedMetric;

/// Cloning shares the numbers.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<RwLock<BTreeMap<Box<str>, Counted>>>);

#[derive(Debug)]
struct Counted {
    family: Box<str>,
    critical: bool,
    count: AtomicU64,
}

/// One kind, and how often it was masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: Box<str>,
    pub family: Box<str>,
    pub critical: bool,
    pub count: u64,
}

impl Findings {
    pub fn add(&self, kind: &str, family: &str, critical: bool, count: u64) {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = all.get(kind) {
            counted.count.fetch_add(count, Ordering::Relaxed);
            return;
        }
        drop(all);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Counted { family: family.into(), critical, count: AtomicU64::new(0) };
        all.entry(kind.into()).or_insert_with(new).count.fetch_add(count, Ordering::Relaxed);
    }

    /// All kinds that were seen, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Found> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::with_capacity(all.len());
        for (kind, counted) in &*all {
            found.push(Found {
                kind: kind.clone(),
                family: counted.family.clone(),
                critical: counted.critical,
                count: counted.count.load(Ordering::Relaxed),
            });
        }
        found
    }
}

impl EncodeMetric for Findings {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for Found { kind, family, critical, count } in self.all() {
            let critical = if critical { "true" } else { "false" };
            let labels = [("kind", &*kind), ("family", &*family), ("critical", critical)];
            encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Findings {
    const TYPE: MetricType = MetricType::Counter;
}
