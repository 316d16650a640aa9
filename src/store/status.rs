//! What the store tells of itself: counts, never a value.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::breaker::State;

/// A moment's view; the counts grow from the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// `memory` or `redis`.
    pub backend: &'static str,
    pub breaker: State,
    /// Mappings that wait for the store to come back.
    pub queued: usize,
    /// Mappings that had to leave the queue unwritten.
    pub dropped: u64,
    /// Calls that failed or took too long, trials included.
    pub failures: u64,
    /// Mappings newly written.
    pub saved: u64,
    /// Placeholders for which a value was found.
    pub revealed: u64,
    /// Saves that needed no call.
    pub cache_hits: u64,
    /// Values refused because another one has their placeholder.
    pub collisions: u64,
    /// Stored mappings that could not be unsealed.
    pub unreadable: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) dropped: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) saved: AtomicU64,
    pub(crate) revealed: AtomicU64,
    pub(crate) cache_hits: AtomicU64,
    pub(crate) collisions: AtomicU64,
    pub(crate) unreadable: AtomicU64,
}

impl Counters {
    pub(crate) fn status(&self, backend: &'static str, breaker: State, queued: usize) -> Status {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            backend,
            breaker,
            queued,
            dropped: read(&self.dropped),
            failures: read(&self.failures),
            saved: read(&self.saved),
            revealed: read(&self.revealed),
            cache_hits: read(&self.cache_hits),
            collisions: read(&self.collisions),
            unreadable: read(&self.unreadable),
        }
    }
}
