//! The mapping store: which value a placeholder stands for.
//!
//! Masking needs no store: placeholders are computed. The store lets another
//! replica, or this one after a restart, restore what this one masked. Both
//! kinds hold sealed bytes only, and nobody waits long for either.

mod batch;
pub mod bulk;
mod clock;
pub mod config;
pub mod doctor;
mod guard;
pub mod legacy;
mod lru;
mod memory;
mod outage;
pub mod outlet;
mod queue;
pub mod record;
mod redis;
mod seal;
mod status;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::breaker::State;
use crate::mask::{Mapping, MasterKey, Placeholder, Scope, Value};
use crate::mode::Mode;
use crate::store::batch::{Batch, Entry, LARGEST, Replies, Saved, StoreKey};
use crate::store::clock::Clock;
use crate::store::config::{Backend, RedisConfig, StoreConfig};
use crate::store::guard::Guard;
use crate::store::memory::Memory;
use crate::store::record::{RecordAnswer, RecordWants, Records, Seal};
use crate::store::redis::{Link, Target};
use crate::store::seal::{Existing, Sealer};
use crate::store::status::Counters;

pub use redis::{Facts, FileError};
pub use seal::SealError;
pub use status::Status;

/// So many are kept in memory, or found there, in less time than another task takes its turn.
const FEW: usize = 100;

/// What an exchange asks of the store.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    pub save: Vec<Arc<Mapping>>,
    pub reveal: Vec<Placeholder>,
    pub records: RecordWants,
    /// The provider keeps what was sent, for weeks: so are the mappings saved.
    pub lasting: bool,
}

/// What the store answers.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// One for each placeholder asked for, in order.
    pub revealed: Vec<(Placeholder, Option<Value>)>,
    pub records: RecordAnswer,
    /// The store was out of reach: saves wait, and what was not revealed may
    /// be known to it.
    pub degraded: bool,
}

/// What must refuse the exchange.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("two values have the placeholder {placeholder}")]
    Collision { placeholder: Placeholder },
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What is wrong with the configuration. A Redis that is down is not.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("mapping store: {0}")]
    File(#[from] FileError),
    #[error("mapping store: {0} must not be zero")]
    Zero(&'static str),
}

/// A handle to the store. Clones share it; with the last one its background
/// task ends.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.status()).finish()
    }
}

struct Inner {
    counters: Arc<Counters>,
    kind: Kind,
}

enum Kind {
    Memory { memory: Memory, records: Records, clock: Clock },
    Redis { guard: Arc<Guard>, stop: DropGuard, task: Mutex<Option<JoinHandle<()>>> },
}

impl Store {
    /// Opens the store. A Redis that does not answer is no error: the store
    /// starts degraded and finds it later.
    pub async fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        for (name, zero) in [
            ("ttl", config.ttl.is_zero()),
            ("lasting_ttl", config.lasting_ttl.is_zero()),
            ("deadline", config.deadline.is_zero()),
            ("connect_timeout", config.connect_timeout.is_zero()),
            ("breaker.failures", config.breaker.failures == 0),
            ("breaker.retry_every", config.breaker.retry_every.is_zero()),
            ("breaker.successes", config.breaker.successes == 0),
        ] {
            if zero {
                return Err(OpenError::Zero(name));
            }
        }
        let counters = Arc::new(Counters::default());
        let kind = match &config.backend {
            Backend::Memory { entries: 0 } => return Err(OpenError::Zero("entries")),
            Backend::Memory { entries } => Kind::Memory {
                memory: Memory::new(*entries, config.ttl),
                records: Records::new(config.record_bytes, config.ttl),
                clock: Clock::start(),
            },
            Backend::Redis(redis) => {
                let target = Target {
                    redis: RedisConfig::clone(redis),
                    connect_timeout: config.connect_timeout,
                    deadline: config.deadline,
                    ttl: config.ttl,
                    lasting_ttl: config.lasting_ttl,
                };
                let link = Link::new(target).await?;
                let guard = Arc::new(Guard::new(link, config, Arc::clone(&counters)));
                guard.first().await;
                let stop = CancellationToken::new();
                tokio::spawn(guard::follow(Arc::clone(&guard), stop.clone()));
                let task = tokio::spawn(guard::keep(Arc::clone(&guard), stop.clone()));
                Kind::Redis { guard, stop: stop.drop_guard(), task: Mutex::new(Some(task)) }
            }
        };
        Ok(Self(Arc::new(Inner { counters, kind })))
    }

    /// Saves and reveals in one round trip (one per 1,000 of each), within the
    /// deadline. A store that is out of reach is no error: the exchange goes on
    /// with what it knows itself. Dropping the future may drop its saves.
    pub async fn fetch(&self, scope: &Scope, wants: Wants) -> Result<Answer, StoreError> {
        let sealer = Sealer::new(scope);
        let mut revealed = Vec::with_capacity(wants.reveal.len());
        let mut degraded = self.mode() == Mode::Degraded;
        let mut records = RecordAnswer::default();
        // They go with the first call.
        let mut asked = Some(&wants.records);
        let mut saves = wants.save.chunks(LARGEST);
        let mut reveals = wants.reveal.chunks(LARGEST);
        loop {
            let (save, reveal, asking) = (saves.next(), reveals.next(), asked.take());
            if save.is_none() && reveal.is_none() && asking.is_none() {
                return Ok(Answer { revealed, records, degraded });
            }
            let (entries, mappings) =
                self.seal(scope, &sealer, save.unwrap_or_default(), wants.lasting)?;
            let reveal = reveal.unwrap_or_default();
            let keys = reveal.iter().map(|placeholder| scope.store_key(placeholder)).collect();
            let mut batch = Batch { saves: entries, reveals: keys, ..Batch::default() };
            let seal = Seal::new(scope);
            if let Some(asking) = asking {
                self.ask(&seal, asking, &mut batch, &mut records)?;
            }
            let replies = self.run(&batch, &mut degraded).await;
            if let Some(asking) = asking {
                answer(&seal, asking, &batch, &replies, &mut records);
            }
            for ((entry, mapping), saved) in batch.saves.iter().zip(mappings).zip(&replies.saves) {
                self.check(&sealer, &entry.key, mapping, saved)?;
            }
            let sealed = batch.reveals.iter().zip(replies.reveals);
            for (placeholder, (key, sealed)) in reveal.iter().zip(sealed) {
                revealed.push((placeholder.clone(), self.unseal(&sealer, key, sealed)));
            }
        }
    }

    /// Adds to a call what is asked of records, unless this replica remembers it.
    fn ask(
        &self,
        seal: &Seal<'_>,
        asking: &RecordWants,
        batch: &mut Batch,
        records: &mut RecordAnswer,
    ) -> Result<(), StoreError> {
        for (key, plain) in &asking.write {
            batch.writes.push(seal.seal(*key, plain, asking.lasting)?);
        }
        let remembered = asking.read.iter().map(|key| match &self.0.kind {
            Kind::Memory { records, clock, .. } => records.find(&key.0, clock.now()),
            Kind::Redis { guard, .. } => guard.record(&key.0),
        });
        let remembered: Vec<_> = remembered.collect();
        if remembered.iter().all(Option::is_some) {
            let open = |(key, sealed): (&_, Option<Vec<u8>>)| seal.open(*key, &sealed?);
            records.read = asking.read.iter().zip(remembered).map(open).collect();
        } else {
            batch.reads = asking.read.iter().map(|key| key.0).collect();
        }
        Ok(())
    }

    /// One call. After the first that fails, an exchange makes no other.
    async fn run(&self, batch: &Batch, degraded: &mut bool) -> Replies {
        if batch.is_empty() {
            return Replies::default();
        }
        match &self.0.kind {
            Kind::Memory { memory, records, clock } => {
                let mut replies = memory.run(batch, clock.now());
                records.run(batch, clock.now(), &mut replies);
                self.count_new(&replies);
                if batch.len() > FEW {
                    // A large request must not hold the thread.
                    tokio::task::yield_now().await;
                }
                replies
            }
            Kind::Redis { guard, .. } => {
                let called = if *degraded { None } else { guard.run(batch).await };
                *degraded |= called.as_ref().is_none_or(|replies| replies.failure.is_some());
                called.unwrap_or_else(|| guard.defer(batch))
            }
        }
    }

    /// Seals what is not known to be stored already.
    fn seal<'a>(
        &self,
        scope: &Scope,
        sealer: &Sealer,
        save: &'a [Arc<Mapping>],
        lasting: bool,
    ) -> Result<(Vec<Entry>, Vec<&'a Mapping>), StoreError> {
        let mut entries = Vec::new();
        let mut mappings = Vec::new();
        for mapping in save {
            let key = scope.store_key(&mapping.placeholder);
            match self.knows(&key, &mapping.fingerprint, lasting) {
                Some(true) => {
                    self.0.counters.cache_hits.fetch_add(1, Ordering::Relaxed);
                }
                Some(false) => return Err(self.collision(mapping)),
                _ => {
                    let sealed = sealer.seal(&key, mapping)?.into();
                    let fingerprint = mapping.fingerprint;
                    entries.push(Entry { key, fingerprint, sealed, replaces: false, lasting });
                    mappings.push(mapping.as_ref());
                }
            }
        }
        Ok((entries, mappings))
    }

    /// Is this value known to be stored, for as long as it must be? None: not known.
    fn knows(&self, key: &StoreKey, hmac: &[u8; 32], lasting: bool) -> Option<bool> {
        match &self.0.kind {
            Kind::Memory { memory, clock, .. } => memory.knows(key, hmac, clock.now()),
            Kind::Redis { guard, .. } => guard.known(key, lasting).map(|known| known == *hmac),
        }
    }

    fn check(
        &self,
        sealer: &Sealer,
        key: &StoreKey,
        mapping: &Mapping,
        saved: &Saved,
    ) -> Result<(), StoreError> {
        let Saved::Existing(sealed) = saved else { return Ok(()) };
        match sealer.compare(key, sealed, mapping) {
            Existing::Same => Ok(()),
            Existing::Other => Err(self.collision(mapping)),
            // Not overwritten: a newer version may have written it. This
            // exchange knows its own values.
            Existing::Unreadable => {
                self.0.counters.unreadable.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    fn collision(&self, mapping: &Mapping) -> StoreError {
        self.0.counters.collisions.fetch_add(1, Ordering::Relaxed);
        StoreError::Collision { placeholder: mapping.placeholder.clone() }
    }

    fn unseal(&self, sealer: &Sealer, key: &StoreKey, sealed: Option<Vec<u8>>) -> Option<Value> {
        let opened = sealer.open(key, &sealed?);
        let counter = match opened {
            Ok(_) => &self.0.counters.revealed,
            Err(_) => &self.0.counters.unreadable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        opened.ok()
    }

    fn count_new(&self, replies: &Replies) {
        let new = replies.saves.iter().filter(|saved| **saved == Saved::New).count();
        self.0.counters.saved.fetch_add(u64::try_from(new).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    #[must_use]
    pub fn status(&self) -> Status {
        match &self.0.kind {
            Kind::Memory { .. } => self.0.counters.status("memory", State::Closed, 0),
            Kind::Redis { guard, .. } => {
                self.0.counters.status("redis", guard.breaker(), guard.queued())
            }
        }
    }

    /// Tells which key this process has, so that replicas with another are noticed.
    pub fn expect_key(&self, master: &MasterKey) {
        if let Kind::Redis { guard, .. } = &self.0.kind {
            guard.link().expect(master.check());
        }
    }

    /// Why this store should get no exchanges; empty as long as nothing is known
    /// to be wrong. A store that is down is not: masking goes on.
    #[must_use]
    pub fn unfit(&self) -> Vec<String> {
        match &self.0.kind {
            Kind::Memory { .. } => Vec::new(),
            Kind::Redis { guard, .. } => guard.link().unfit(),
        }
    }

    #[must_use]
    pub fn mode(&self) -> Mode {
        Mode::of(self.status().breaker)
    }

    /// Writes what waits, for at most `deadline`, and ends the background task.
    pub async fn close(&self, deadline: Duration) {
        let Kind::Redis { stop, task, .. } = &self.0.kind else { return };
        stop.token().cancel();
        let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task
            && timeout(deadline, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

/// What the store said of records.
fn answer(
    seal: &Seal<'_>,
    asking: &RecordWants,
    batch: &Batch,
    replies: &Replies,
    records: &mut RecordAnswer,
) {
    let open = |(key, sealed): (_, &Option<Vec<u8>>)| seal.open(key, sealed.as_ref()?);
    if !batch.reads.is_empty() {
        let keys = asking.read.iter().copied();
        records.read = keys.zip(&replies.reads).map(open).collect();
    }
    let before = asking.write.iter().zip(&replies.writes);
    let before = before.map(|((key, _), before)| open((*key, before.as_ref().ok()?)));
    records.found = before.collect();
}
