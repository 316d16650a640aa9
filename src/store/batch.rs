//! What one round trip carries, and what comes back: sealed bytes only.

use std::sync::Arc;

use crate::store::redis::Failure;

/// What a mapping is called in the store.
pub(crate) type StoreKey = [u8; 16];

/// A sealed mapping on its way to the store.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: StoreKey,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) sealed: Arc<[u8]>,
}

#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) saves: Vec<Entry>,
    pub(crate) reveals: Vec<StoreKey>,
}

/// A batch is cut into parts of this many saves and reveals, so that other
/// exchanges on the same connection need not wait for a very large one.
pub(crate) const PART: usize = 1000;

/// One pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) saves: &'a [Entry],
    pub(crate) reveals: &'a [StoreKey],
}

impl Batch {
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut saves = self.saves.chunks(PART);
        let mut reveals = self.reveals.chunks(PART);
        std::iter::from_fn(move || {
            let saves = saves.next().unwrap_or_default();
            let reveals = reveals.next().unwrap_or_default();
            (!saves.is_empty() || !reveals.is_empty()).then_some(Part { saves, reveals })
        })
    }
}

/// What became of a save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    New,
    /// This was stored there already, and was left as it is.
    Existing(Vec<u8>),
    /// Not written; it waits in the queue.
    Waiting,
}

/// One for each save and each reveal, in their order.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    pub(crate) saves: Vec<Saved>,
    pub(crate) reveals: Vec<Option<Vec<u8>>>,
    /// The store answered, but refused at least one command.
    pub(crate) failure: Option<Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_in_order() {
        for (saves, reveals) in [(0, 0), (1, 0), (0, 1), (PART, PART), (PART + 1, 3), (2, 2500)] {
            let entry = |n: usize| Entry {
                key: [u8::try_from(n % 251).unwrap(); 16],
                fingerprint: [0; 32],
                sealed: Arc::from([].as_slice()),
            };
            let batch = Batch {
                saves: (0..saves).map(entry).collect(),
                reveals: (0..reveals).map(|n| entry(n).key).collect(),
            };
            let parts: Vec<_> = batch.parts().collect();
            assert_eq!(parts.len(), saves.max(reveals).div_ceil(PART));
            let keys: Vec<_> = parts.iter().flat_map(|p| p.reveals).copied().collect();
            assert_eq!(keys, batch.reveals);
            assert_eq!(parts.iter().map(|p| p.saves.len()).sum::<usize>(), saves);
            assert!(parts.iter().all(|p| p.saves.len() <= PART && p.reveals.len() <= PART));
        }
    }
}
