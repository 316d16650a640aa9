//! What each tenant of the table asked for, in numbers. All others are one: names that
//! clients or Envoy choose are no labels.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::telemetry::labels::Outcome;

/// Whose name is not in the table.
const OTHER: &str = "other";

/// Cloning shares the numbers.
#[derive(Clone, Debug, Default)]
pub struct Tenants {
    /// None: nothing is counted. A tenant that left the table keeps its label, as its
    /// numbers stay until the process ends.
    known: Arc<RwLock<Option<HashSet<Arc<str>>>>>,
    pub requests: Family<(Label, Outcome), Counter>,
    pub request_bytes: Family<Label, Counter>,
    pub masked: Family<Label, Counter>,
    pub restored: Family<Label, Counter>,
}

/// One exchange.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub outcome: Outcome,
    pub request_bytes: u64,
    pub masked: u64,
    pub restored: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label(Option<Arc<str>>);

impl EncodeLabelSet for Label {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("tenant", self.0.as_deref().unwrap_or(OTHER))].encode(encoder)
    }
}

impl Tenants {
    /// Counts these by name from now on, beside those that it was told before.
    pub fn know<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for name in names.into_iter().map(Arc::from) {
            self.begin(&Label(Some(Arc::clone(&name))));
            known.get_or_insert_default().insert(name);
        }
        if known.is_some() {
            self.begin(&Label(None));
        }
    }

    /// Shows its counters from the start.
    fn begin(&self, label: &Label) {
        for outcome in Outcome::ALL {
            drop(self.requests.get_or_create(&(label.clone(), *outcome)));
        }
        for family in [&self.request_bytes, &self.masked, &self.restored] {
            drop(family.get_or_create(label));
        }
    }

    pub fn count(&self, tenant: Option<&str>, counted: &Counted) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.as_ref() else { return };
        let label = Label(tenant.and_then(|name| known.get(name)).cloned());
        self.request_bytes.get_or_create(&label).inc_by(counted.request_bytes);
        self.masked.get_or_create(&label).inc_by(counted.masked);
        self.restored.get_or_create(&label).inc_by(counted.restored);
        self.requests.get_or_create(&(label, counted.outcome)).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_of_the_table_have_a_name() {
        let tenants = Tenants::default();
        let counted =
            Counted { outcome: Outcome::Masked, request_bytes: 10, masked: 3, restored: 2 };
        tenants.count(Some("payments"), &counted);
        tenants.know(["payments"]);
        for tenant in [Some("payments"), Some("guest"), None] {
            tenants.count(tenant, &counted);
        }
        let of = |tenant: Option<&str>| {
            let label = Label(tenant.map(Arc::from));
            let requests = tenants.requests.get_or_create(&(label.clone(), Outcome::Masked)).get();
            (requests, tenants.masked.get_or_create(&label).get())
        };
        assert_eq!((of(Some("payments")), of(None)), ((1, 3), (2, 6)));
        tenants.know(["guest"]);
        tenants.count(Some("guest"), &counted);
        assert_eq!(of(Some("guest")), (1, 3));
    }
}
