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
    /// The same value is stored, sealed under an older key: this takes its place.
    pub(crate) replaces: bool,
    /// The provider keeps what was sent: see [`Wants::lasting`].
    ///
    /// [`Wants::lasting`]: crate::store::Wants::lasting
    pub(crate) lasting: bool,
}

/// A call carries at most this many saves and as many reveals, so that other
/// exchanges on the same connection need not wait for a very large one.
pub(crate) const LARGEST: usize = 1000;

/// What one call asks.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) saves: Vec<Entry>,
    pub(crate) reveals: Vec<StoreKey>,
    /// Records to write, whatever is there.
    pub(crate) writes: Vec<Sealed>,
    /// Records to read.
    pub(crate) reads: Vec<StoreKey>,
}

/// A sealed record.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) key: StoreKey,
    pub(crate) value: Arc<[u8]>,
    /// As of an [`Entry`].
    pub(crate) lasting: bool,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        let Self { saves, reveals, writes, reads } = self;
        saves.len() + reveals.len() + writes.len() + reads.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
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

/// The record waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotWritten;

/// One for each save, reveal, write and read, in their order.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    pub(crate) saves: Vec<Saved>,
    pub(crate) reveals: Vec<Option<Vec<u8>>>,
    /// What was there before each write; none for those that were not written.
    pub(crate) writes: Vec<Result<Option<Vec<u8>>, NotWritten>>,
    pub(crate) reads: Vec<Option<Vec<u8>>>,
    /// The store answered, but refused at least one command.
    pub(crate) failure: Option<Failure>,
}
