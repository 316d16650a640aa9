//! Records of conversations: sealed, and written again with each turn.
//!
//! ```text
//! sealed = version(1) ‖ seal id(1) ‖ nonce(12) ‖ ciphertext ‖ tag(16)
//! aad    = "record" ‖ version(1) ‖ seal id(1) ‖ key(16)
//! ```
//!
//! AES-256-GCM-SIV under the tenant's key for records, of which each seal key of the ring has one.
//! A write answers what was there before, so that a replica that did not see another's turn
//! learns of it in the round trip that it makes anyway. The memory store is what is remembered
//! here; beside Redis that is a cache.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use zeroize::Zeroizing;

use crate::mask::conversation::RecordKey;
use crate::mask::{Label, Scope};
use crate::store::SealError;
use crate::store::batch::{Batch, NotWritten, Replies, Sealed, StoreKey};
use crate::store::lru::Lru;

const VERSION: u8 = 1;
const NONCE: usize = 12;
/// Of so many entries for mappings, one is for a record.
const SHARE: usize = 16;

/// The bytes of a record.
pub type Plain = Zeroizing<Vec<u8>>;

/// What an exchange asks of records.
#[derive(Clone, Debug, Default)]
pub struct RecordWants {
    /// What this replica remembers is given without a call.
    pub read: Vec<RecordKey>,
    pub write: Vec<(RecordKey, Plain)>,
}

/// What the store says of them, in their order.
#[derive(Clone, Debug, Default)]
pub struct RecordAnswer {
    pub read: Vec<Option<Plain>>,
    /// What another replica had written in the place of what this one remembers.
    pub found: Vec<Option<Plain>>,
}

/// What this replica remembers, and what waits to be written.
#[derive(Debug)]
pub(crate) struct Records {
    state: Mutex<State>,
    capacity: usize,
    ttl: Duration,
}

#[derive(Debug)]
struct State {
    kept: Lru<Arc<[u8]>>,
    waiting: BTreeMap<StoreKey, Arc<[u8]>>,
}

impl Records {
    /// In the room of so many mappings.
    pub(crate) fn new(entries: usize, ttl: Duration) -> Self {
        let capacity = (entries / SHARE).max(16);
        let state = State { kept: Lru::new(capacity), waiting: BTreeMap::new() };
        Self { state: Mutex::new(state), capacity, ttl }
    }

    pub(crate) fn find(&self, key: &StoreKey, now: Duration) -> Option<Vec<u8>> {
        let mut state = self.state();
        let found = state.kept.find(key, now).map(|sealed| sealed.to_vec());
        if found.is_some() {
            state.kept.extend(key, now.saturating_add(self.ttl));
        }
        found
    }

    fn keep(&self, sealed: &Sealed, now: Duration) {
        let ends = now.saturating_add(self.ttl);
        self.state().kept.insert(sealed.key, Arc::clone(&sealed.value), ends);
    }

    /// The memory store's part of a call.
    pub(crate) fn run(&self, batch: &Batch, now: Duration, replies: &mut Replies) {
        for sealed in &batch.writes {
            replies.writes.push(Ok(self.find(&sealed.key, now)));
            self.keep(sealed, now);
        }
        replies.reads.extend(batch.reads.iter().map(|key| self.find(key, now)));
    }

    /// Remembers what Redis said, and what waits for it.
    pub(crate) fn remember(&self, batch: &Batch, replies: &Replies, now: Duration) {
        for (sealed, written) in batch.writes.iter().zip(&replies.writes) {
            match written {
                Ok(_) => {
                    let waiting = &mut self.state().waiting;
                    if waiting.get(&sealed.key).is_some_and(|own| *own == sealed.value) {
                        waiting.remove(&sealed.key);
                    }
                }
                Err(NotWritten) => self.wait(sealed),
            }
            self.keep(sealed, now);
        }
        for (&key, read) in batch.reads.iter().zip(&replies.reads) {
            if let Some(read) = read {
                self.keep(&Sealed { key, value: read.as_slice().into() }, now);
            }
        }
    }

    /// No call: what is remembered is the answer.
    pub(crate) fn defer(&self, batch: &Batch, now: Duration, replies: &mut Replies) {
        replies.writes = vec![Err(NotWritten); batch.writes.len()];
        replies.reads = batch.reads.iter().map(|key| self.find(key, now)).collect();
        self.remember(batch, replies, now);
    }

    /// The last of a record counts; when there is no room, what is written next turn.
    fn wait(&self, sealed: &Sealed) {
        let mut state = self.state();
        if state.waiting.len() < self.capacity || state.waiting.contains_key(&sealed.key) {
            state.waiting.insert(sealed.key, Arc::clone(&sealed.value));
        }
    }

    pub(crate) fn waits(&self) -> usize {
        self.state().waiting.len()
    }

    pub(crate) fn waiting(&self, count: usize) -> Vec<Sealed> {
        let state = self.state();
        let sealed =
            |(&key, value): (&StoreKey, &Arc<[u8]>)| Sealed { key, value: Arc::clone(value) };
        state.waiting.iter().take(count).map(sealed).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and each step leaves the maps whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seals and opens one tenant's records.
#[derive(Debug)]
pub(crate) struct Seal<'s>(&'s Scope);

impl<'s> Seal<'s> {
    pub(crate) fn new(scope: &'s Scope) -> Self {
        Self(scope)
    }

    fn cipher(&self, id: u8) -> Option<Aes256GcmSiv> {
        self.0.record_seal_key(id).map(|key| Aes256GcmSiv::new(key.into()))
    }

    pub(crate) fn seal(&self, key: RecordKey, plain: &[u8]) -> Result<Sealed, SealError> {
        // The same record is sealed to the same bytes, which is all that a repeated nonce tells.
        let digest = self.0.digest(Label::Record, &[&key.0, plain]);
        let nonce = *digest.first_chunk::<NONCE>().ok_or(SealError::Length)?;
        let id = self.0.seal_id();
        let payload = Payload { msg: plain, aad: &aad(id, &key) };
        let cipher = self.cipher(id).ok_or(SealError::Key)?;
        let text = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Length)?;
        let value = [&[VERSION, id], nonce.as_slice(), &text].concat().into();
        Ok(Sealed { key: key.0, value })
    }

    /// None: damaged, or another's, or of a newer version.
    pub(crate) fn open(&self, key: RecordKey, sealed: &[u8]) -> Option<Plain> {
        let (&id, rest) = sealed.strip_prefix(&[VERSION])?.split_first()?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg, aad: &aad(id, &key) };
        self.cipher(id)?.decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

fn aad(id: u8, key: &RecordKey) -> Vec<u8> {
    [b"record".as_slice(), &[VERSION, id], &key.0].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MasterKey, Tenant};

    fn scope(tenant: &str) -> Scope {
        let master = MasterKey::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
        master.scope(&Tenant::named(tenant).unwrap())
    }

    #[test]
    fn a_record_is_opened_by_its_tenant_under_its_key_only() {
        let (own, other) = (scope("a"), scope("b"));
        let (seal, key) = (Seal::new(&own), RecordKey([7; 16]));
        let sealed = seal.seal(key, b"canary").unwrap().value;
        assert_eq!(seal.open(key, &sealed).as_deref(), Some(&b"canary".to_vec()));
        assert_eq!(Seal::new(&other).open(key, &sealed), None);
        assert_eq!(seal.open(RecordKey([8; 16]), &sealed), None);
        for at in 0..sealed.len() {
            let mut damaged = sealed.to_vec();
            damaged[at] ^= 1;
            assert_eq!(seal.open(key, &damaged), None, "byte {at}");
        }
        assert!(!sealed.windows(6).any(|bytes| bytes == b"canary"));
    }

    #[test]
    fn what_was_not_written_waits_and_the_last_counts() {
        let records = Records::new(0, Duration::from_secs(9));
        let sealed = |value: u8| Sealed { key: [1; 16], value: Arc::from([value].as_slice()) };
        let batch = |value| Batch { writes: vec![sealed(value)], ..Batch::default() };
        let now = Duration::ZERO;
        for value in [1, 2] {
            records.defer(&batch(value), now, &mut Replies::default());
        }
        assert_eq!(records.find(&[1; 16], now), Some(vec![2]));
        let waiting = records.waiting(9);
        assert_eq!(waiting.iter().map(|own| own.value.to_vec()).collect::<Vec<_>>(), [[2]]);
        // Another was written meanwhile: the last still waits.
        let written = Replies { writes: vec![Ok(None)], ..Replies::default() };
        records.remember(&batch(1), &written, now);
        assert_eq!(records.waits(), 1);
        records.remember(&batch(2), &written, now);
        assert_eq!(records.waits(), 0);
        assert_eq!(records.find(&[1; 16], Duration::from_secs(9)), None, "it ends");
    }
}
