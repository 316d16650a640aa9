//! Mappings in this process: bounded, with an end, sealed as in Redis.
//!
//! Nothing is shared with another replica and nothing survives a restart.
//! Masking does not need either: placeholders are computed, not counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::batch::{Batch, Entry, Replies, Saved, StoreKey};
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

    /// Is the value with this fingerprint stored under this key? Its end moves away.
    /// None: nothing is.
    pub(crate) fn knows(&self, key: &StoreKey, hmac: &[u8; 32], now: Duration) -> Option<bool> {
        let mut shard = self.shard(key)?;
        let same = seal::is_of(shard.find(key, now)?, hmac);
        shard.extend(key, now.saturating_add(self.ttl));
        Some(same)
    }

    pub(crate) fn run(&self, batch: &Batch, now: Duration) -> Replies {
        let mut replies = Replies::default();
        let ends = now.saturating_add(self.ttl);
        for save in &batch.saves {
            replies.saves.push(self.save(save, now, ends));
        }
        for key in &batch.reveals {
            let mut shard = self.shard(key);
            let found = shard.as_mut().and_then(|shard| shard.find(key, now));
            replies.reveals.push(found.map(|sealed| sealed.to_vec()));
        }
        replies
    }

    fn save(&self, entry: &Entry, now: Duration, ends: Duration) -> Saved {
        let Some(mut shard) = self.shard(&entry.key) else { return Saved::Waiting };
        if let Some(existing) = shard.find(&entry.key, now).map(|sealed| sealed.to_vec()) {
            shard.extend(&entry.key, ends);
            return Saved::Existing(existing);
        }
        shard.insert(entry.key, Arc::clone(&entry.sealed), ends);
        Saved::New
    }

    fn shard(&self, key: &StoreKey) -> Option<MutexGuard<'_, Lru<Arc<[u8]>>>> {
        // Maps hash a key by its first bytes.
        let [.., last] = *key;
        let shard = self.shards.get(usize::from(last) % self.shards.len().max(1))?;
        // Nothing panics while it holds the lock, and each step leaves the map whole.
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
