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
/// What a record takes beside its bytes, about.
const BESIDE: usize = 256;

/// The bytes of a record.
pub type Plain = Zeroizing<Vec<u8>>;

/// What an exchange asks of records.
#[derive(Clone, Debug, Default)]
pub struct RecordWants {
    /// What this replica remembers is given without a call.
    pub read: Vec<RecordKey>,
    pub write: Vec<(RecordKey, Plain)>,
    /// The provider keeps the conversation, for weeks: so is what is written.
    pub lasting: bool,
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
    /// Bytes of those that wait, at most; as many of those that are remembered.
    capacity: usize,
    ttl: Duration,
}

#[derive(Debug)]
struct State {
    kept: Lru<Arc<[u8]>>,
    waiting: BTreeMap<StoreKey, Sealed>,
    /// Bytes of what waits.
    load: usize,
}

impl Records {
    /// In so many bytes.
    pub(crate) fn new(capacity: usize, ttl: Duration) -> Self {
        let state = State { kept: Lru::new(capacity), waiting: BTreeMap::new(), load: 0 };
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
        let value = Arc::clone(&sealed.value);
        self.state().kept.insert_weighed(sealed.key, value, weight(sealed), ends);
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
                Ok(_) => self.state().written(sealed),
                Err(NotWritten) => self.wait(sealed),
            }
            self.keep(sealed, now);
        }
        for (&key, read) in batch.reads.iter().zip(&replies.reads) {
            if let Some(read) = read {
                self.keep(&Sealed { key, value: read.as_slice().into(), lasting: false }, now);
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
        state.forget(&sealed.key);
        if state.load + weight(sealed) <= self.capacity {
            state.load += weight(sealed);
            state.waiting.insert(sealed.key, sealed.clone());
        }
    }

    pub(crate) fn waits(&self) -> usize {
        self.state().waiting.len()
    }

    pub(crate) fn waiting(&self, count: usize) -> Vec<Sealed> {
        self.state().waiting.values().take(count).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and each step leaves the maps whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// It waits no longer, unless another was written meanwhile.
    fn written(&mut self, sealed: &Sealed) {
        if self.waiting.get(&sealed.key).is_some_and(|own| own.value == sealed.value) {
            self.forget(&sealed.key);
        }
    }

    fn forget(&mut self, key: &StoreKey) {
        if let Some(sealed) = self.waiting.remove(key) {
            self.load -= weight(&sealed);
        }
    }
}

fn weight(sealed: &Sealed) -> usize {
    sealed.value.len() + BESIDE
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

    pub(crate) fn seal(
        &self,
        key: RecordKey,
        plain: &[u8],
        lasting: bool,
    ) -> Result<Sealed, SealError> {
        // The same record is sealed to the same bytes, which is all that a repeated nonce tells.
        let digest = self.0.digest(Label::Record, &[&key.0, plain]);
        let nonce = *digest.first_chunk::<NONCE>().ok_or(SealError::Length)?;
        let id = self.0.seal_id();
        let payload = Payload { msg: plain, aad: &aad(id, &key) };
        let cipher = self.cipher(id).ok_or(SealError::Key)?;
        let text = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Length)?;
        let value = [&[VERSION, id], nonce.as_slice(), &text].concat().into();
        Ok(Sealed { key: key.0, value, lasting })
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
        let sealed = seal.seal(key, b"canary", false).unwrap().value;
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
        let records = Records::new(1000, Duration::from_secs(9));
        let sealed = |value: u8| Sealed {
            key: [1; 16],
            value: Arc::from([value].as_slice()),
            lasting: false,
        };
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

    #[test]
    fn records_are_bounded_by_their_bytes() {
        let records = Records::new(4 * (BESIDE + 100), Duration::from_secs(9));
        let sealed =
            |n: u8, len: usize| Sealed { key: [n; 16], value: vec![n; len].into(), lasting: false };
        let now = Duration::ZERO;
        let defer = |sealed: Sealed| {
            let batch = Batch { writes: vec![sealed], ..Batch::default() };
            records.defer(&batch, now, &mut Replies::default());
        };
        let held =
            || -> Vec<u8> { (0..9).filter(|&n| records.find(&[n; 16], now).is_some()).collect() };
        (0..6).for_each(|n| defer(sealed(n, 100)));
        assert_eq!((records.waits(), held()), (4, vec![2, 3, 4, 5]));
        // A large one takes the room of others that are remembered, and does not wait.
        defer(sealed(6, 100 + BESIDE));
        assert_eq!((records.waits(), held()), (4, vec![4, 5, 6]));
        // One that waits already, and is larger now, waits no longer as it was.
        defer(sealed(0, 5000));
        assert_eq!((records.waits(), held()), (3, vec![4, 5, 6]));
        for n in 1..4 {
            let batch = Batch { writes: vec![sealed(n, 100)], ..Batch::default() };
            let replies = Replies { writes: vec![Ok(None)], ..Replies::default() };
            records.remember(&batch, &replies, now);
        }
        assert_eq!((records.waits(), records.state().load), (0, 0));
    }
}
