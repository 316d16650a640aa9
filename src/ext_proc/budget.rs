//! The memory that bodies may take, in all and per tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::mask::Tenant;

/// Bytes of bodies, inflated and masked copies that are held now.
///
/// Nobody waits for a share: what does not fit is refused at once. A tenant may
/// hold a quarter of the whole, or all of it while no other holds anything.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    // Held for a few instructions, never over an await: no tokio mutex.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    tenants: HashMap<Tenant, usize>,
}

/// There is no room for more.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Budget {
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: Mutex::default() })
    }

    /// An empty share, which grows.
    #[must_use]
    pub fn share(self: &Arc<Self>, tenant: &Tenant) -> Share {
        Share { budget: Arc::clone(self), tenant: tenant.clone(), bytes: 0 }
    }

    #[must_use]
    pub fn held(&self) -> usize {
        self.lock().total
    }

    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one exchange holds; given back on drop.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    tenant: Tenant,
    bytes: usize,
}

impl Share {
    pub fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        if bytes == 0 {
            return Ok(());
        }
        let mut held = self.budget.lock();
        let own = held.tenants.get(&self.tenant).copied().unwrap_or_default();
        let alone = own == held.total;
        let bound = if alone { self.budget.limit } else { self.budget.limit / 4 };
        let fits = held.total.saturating_add(bytes) <= self.budget.limit
            && own.saturating_add(bytes) <= bound;
        if !fits {
            return Err(Full);
        }
        held.total += bytes;
        *held.tenants.entry(self.tenant.clone()).or_default() += bytes;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back everything.
    pub fn clear(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.budget.lock();
        held.total = held.total.saturating_sub(self.bytes);
        if let Some(own) = held.tenants.get_mut(&self.tenant) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                held.tenants.remove(&self.tenant);
            }
        }
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_a_quarter_unless_alone() {
        let budget = Budget::new(100);
        let (a, b) = (Tenant::named("a").unwrap(), Tenant::named("b").unwrap());
        let mut first = budget.share(&a);
        assert_eq!(first.grow(90), Ok(()));
        let mut second = budget.share(&b);
        assert_eq!(second.grow(11), Err(Full));
        assert_eq!(second.grow(10), Ok(()));
        assert_eq!(first.grow(1), Err(Full));
        first.clear();
        assert_eq!(second.grow(90), Ok(()), "b is alone now");
        drop((first, second));
        assert_eq!(budget.held(), 0);
        assert!(budget.lock().tenants.is_empty());
    }
}
