//! Mappings in this process: bounded, with an end, sealed as in Redis.
//!
//! Nothing is shared with another replica and nothing survives a restart.
//! Masking does not need either: placeholders are computed, not counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::batch::{Batch, Replies, Saved, StoreKey};
use crate::store::lru::Lru;
use crate::store::seal;

/// Fewer than this are not worth more than one lock.
const SHARD: usize = 4096;
const SHARDS_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Memory {
    shards: Vec<Mutex<Lru<Arc<[u8]>>>>,
    ttl: Duration,
}

impl Memory {
    pub(crate) fn new(entries: usize, ttl: Duration) -> Self {
        let count = (entries / SHARD).clamp(1, SHARDS_MAX);
        let shards = (0..count).map(|_| Mutex::new(Lru::new(entries / count))).collect();
        Self { shards, ttl }
    }

    /// The fingerprint stored under this key, whose end moves away.
    pub(crate) fn known(&self, key: &StoreKey, now: Duration) -> Option<[u8; 32]> {
        let mut shard = self.shard(key)?;
        let fingerprint = seal::fingerprint(shard.find(key, now)?).copied();
        shard.extend(key, now.saturating_add(self.ttl));
        fingerprint
    }

    pub(crate) fn run(&self, batch: &Batch, now: Duration) -> Replies {
        let mut replies = Replies::default();
        let ends = now.saturating_add(self.ttl);
        for save in &batch.saves {
            let Some(mut shard) = self.shard(&save.key) else { continue };
            let existing = shard.find(&save.key, now).map(|sealed| sealed.to_vec());
            replies.saves.push(if let Some(existing) = existing {
                shard.extend(&save.key, ends);
                Saved::Existing(existing)
            } else {
                shard.insert(save.key, Arc::clone(&save.sealed), ends);
                Saved::New
            });
        }
        for key in &batch.reveals {
            let mut shard = self.shard(key);
            let found = shard.as_mut().and_then(|shard| shard.find(key, now));
            replies.reveals.push(found.map(|sealed| sealed.to_vec()));
        }
        replies
    }

    fn shard(&self, key: &StoreKey) -> Option<MutexGuard<'_, Lru<Arc<[u8]>>>> {
        let [first, ..] = *key;
        let shard = self.shards.get(usize::from(first) % self.shards.len().max(1))?;
        // Nothing panics while it holds the lock, and each step leaves the map whole.
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
