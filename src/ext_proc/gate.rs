//! The mode of operation, asked at the door of each exchange and set by operators.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ext_proc::refuse::Reason;
use crate::mask::Tenant;
use crate::mode::{Mark, Mode, Modes, Order, Refused, Settings, View};
use crate::store::Store;

/// A body is told from others by its length and this much of its ends: the
/// bodies of one conversation begin alike, and hashing all of one costs as
/// much as masking it.
const ENDS: usize = 1024;

/// Clones share the mode.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    modes: Mutex<Modes>,
    started: Instant,
    /// Keyed: nobody can choose a body that looks like another.
    hash: RandomState,
    store: Store,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({})", self.view().mode)
    }
}

impl Gate {
    #[must_use]
    pub fn new(settings: Settings, store: Store) -> Self {
        let modes = Mutex::new(Modes::new(settings));
        let (started, hash) = (Instant::now(), RandomState::new());
        Self(Arc::new(Inner { modes, started, hash, store }))
    }

    #[must_use]
    pub fn view(&self) -> View {
        let store = self.0.store.status().breaker;
        self.modes().view(self.now(), store)
    }

    /// Carries out an operator's order.
    pub fn order(&self, order: Order) -> Result<View, Refused> {
        self.modes().order(order, self.now())?;
        let view = self.view();
        let left = view.left.map(|left| left.as_secs());
        tracing::warn!(mode = view.mode.as_str(), left, "an operator set the mode");
        Ok(view)
    }

    pub(crate) fn mark(&self, tenant: &Tenant, body: &[u8]) -> Mark {
        let first = body.get(..ENDS).unwrap_or(body);
        let last = body.get(body.len().saturating_sub(ENDS)..).unwrap_or_default();
        let hash = &self.0.hash;
        Mark { tenant: hash.hash_one(tenant), body: hash.hash_one((body.len(), first, last)) }
    }

    /// Refuses a body that is about to be masked, if all are blocked or this one is.
    pub(crate) fn admit(&self, mark: Mark) -> Result<(), Reason> {
        let view = self.view();
        if view.mode == Mode::BlockAll {
            return Err(Reason::Blocked(view.left));
        }
        let left = self.modes().blocked(mark, self.now());
        left.map_or(Ok(()), |left| Err(Reason::Blocked(Some(left))))
    }

    /// Masking failed, for no fault of the request.
    pub(crate) fn failed(&self, mark: Mark) {
        let now = self.now();
        let Some(blocked) = self.modes().failed(mark, now) else { return };
        tracing::error!(?blocked, "masking fails again and again: blocked");
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    fn modes(&self) -> MutexGuard<'_, Modes> {
        // Nothing panics while it holds the lock, and each step leaves the state whole.
        self.0.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::config::StoreConfig;

    #[tokio::test(start_paused = true)]
    async fn bodies_of_several_tenants_that_fail_block_all() {
        let store = Store::open(&StoreConfig::default()).await.unwrap();
        let gate = Gate::new(Settings::default(), store);
        let [a, b] = ["a", "b"].map(|name| Tenant::named(name).unwrap());
        let body = |n: usize| [vec![b'x'; 2 * ENDS], n.to_string().into_bytes()].concat();
        for n in 0..4 {
            gate.failed(gate.mark(&a, &body(n)));
            gate.failed(gate.mark(&a, &body(n)));
        }
        let mark = gate.mark(&a, &body(9));
        assert_eq!(gate.admit(mark), Ok(()));
        gate.failed(gate.mark(&b, &body(4)));
        let left = Settings::default().block;
        assert_eq!(gate.admit(mark), Err(Reason::Blocked(Some(left))));
        tokio::time::advance(left).await;
        assert_eq!(gate.admit(mark), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_fails_is_blocked_alone() {
        let store = Store::open(&StoreConfig::default()).await.unwrap();
        let gate = Gate::new(Settings::default(), store);
        let tenant = Tenant::default();
        let bad = gate.mark(&tenant, b"bad");
        for _ in 0..5 {
            gate.failed(bad);
        }
        assert!(gate.admit(bad).is_err());
        assert_eq!(gate.admit(gate.mark(&tenant, b"good")), Ok(()));
        assert_eq!(gate.view().mode, Mode::Normal);
    }
}
