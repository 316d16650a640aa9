//! Between the exchanges and Redis: a deadline, a breaker, a queue for what
//! could not be written, and a memory of what was.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::breaker::Breaker;
use crate::store::batch::{Batch, Entry, LARGEST, Replies, Saved, StoreKey};
use crate::store::clock::Clock;
use crate::store::config::StoreConfig;
use crate::store::lru::Lru;
use crate::store::outage::Outage;
use crate::store::queue::{Queue, Queued};
use crate::store::record::Records;
use crate::store::redis::{Failure, Link};
use crate::store::seal;
use crate::store::status::Counters;

/// What is cached ends after this part of the time to live, so that the next
/// save refreshes what is stored.
const REFRESH: u32 = 4;
/// How often sentinels are asked who is the primary.
const FOLLOW: Duration = Duration::from_secs(1);
/// After so many of these the server is asked whether it is still the same.
const LOOK: u32 = 3;
/// Between two attempts to write what waits while the breaker is closed.
const FLUSH_PAUSE: Duration = Duration::from_millis(100);
/// Replicas do not all try at the same moment: each waits up to so much longer.
const JITTER_MS: u64 = 250;
/// Between two attempts of a call that has found no connection, or a replica.
const AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Guard {
    link: Link,
    clock: Clock,
    ttl: Duration,
    deadline: Duration,
    connect_timeout: Duration,
    counters: Arc<Counters>,
    state: Mutex<State>,
    records: Records,
    /// There is something new to wait for: the breaker opened, or the queue
    /// is no longer empty.
    wake: Notify,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    queue: Queue,
    /// Fingerprints of what was saved lately, and whether it is to last.
    cache: Lru<([u8; 32], bool)>,
    /// Of the connection over which they were saved.
    epoch: u64,
    /// Attempts to connect since it answered last.
    attempts: u32,
    outage: Outage,
}

impl State {
    /// Forgets what was saved over a connection that is no more: the store
    /// behind it may have lost everything.
    fn enter(&mut self, epoch: u64) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.cache.clear();
        }
    }
}

impl Guard {
    pub(crate) fn new(link: Link, config: &StoreConfig, counters: Arc<Counters>) -> Self {
        let state = State {
            breaker: Breaker::new(config.breaker),
            queue: Queue::new(config.queue_entries),
            cache: Lru::new(config.cache_entries),
            epoch: link.epoch(),
            attempts: 0,
            outage: Outage::default(),
        };
        Self {
            link,
            clock: Clock::start(),
            ttl: config.ttl,
            deadline: config.deadline,
            connect_timeout: config.connect_timeout,
            counters,
            state: Mutex::new(state),
            records: Records::new(config.record_bytes, config.ttl),
            wake: Notify::new(),
        }
    }

    /// The first call. A store that does not answer it counts as down.
    pub(crate) async fn first(&self) {
        if let Err(failure) = self.probe().await {
            warn!(%failure, "the mapping store does not answer: starting degraded");
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
            self.state().breaker.trip(self.clock.now());
        }
    }

    pub(crate) fn breaker(&self) -> crate::breaker::State {
        self.state().breaker.state()
    }

    pub(crate) const fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn queued(&self) -> usize {
        self.state().queue.len() + self.records.waits()
    }

    /// The fingerprint saved lately under this key, and for as long as it must be.
    pub(crate) fn known(&self, key: &StoreKey, lasting: bool) -> Option<[u8; 32]> {
        let epoch = self.link.epoch();
        let mut state = self.state();
        state.enter(epoch);
        let &mut (fingerprint, lasts) = state.cache.find(key, self.clock.now())?;
        (lasts || !lasting).then_some(fingerprint)
    }

    /// The record that this replica wrote or read last under this key.
    pub(crate) fn record(&self, key: &StoreKey) -> Option<Vec<u8>> {
        self.records.find(key, self.clock.now())
    }

    /// May a call be made?
    pub(crate) fn is_closed(&self) -> bool {
        self.state().breaker.is_closed()
    }

    /// One round trip within the deadline. None: no answer; see [`Guard::defer`].
    pub(crate) async fn run(&self, batch: &Batch) -> Option<Replies> {
        let mut replies = self.call(batch, self.deadline).await?;
        if replies.saves.contains(&Saved::Waiting) {
            let mut state = self.state();
            let refused = batch.saves.iter().zip(&mut replies.saves);
            for (entry, saved) in refused.filter(|(_, saved)| **saved == Saved::Waiting) {
                *saved = self.push(&mut state, entry);
            }
        }
        self.reveal_waiting(batch, &mut replies);
        Some(replies)
    }

    /// No round trip: the saves wait, and revealed is what waits.
    pub(crate) fn defer(&self, batch: &Batch) -> Replies {
        let mut state = self.state();
        let saves = batch.saves.iter().map(|entry| self.push(&mut state, entry)).collect();
        drop(state);
        let reveals = vec![None; batch.reveals.len()];
        let mut replies = Replies { saves, reveals, ..Replies::default() };
        self.reveal_waiting(batch, &mut replies);
        self.records.defer(batch, self.clock.now(), &mut replies);
        if self.records.waits() > 0 {
            self.wake.notify_one();
        }
        replies
    }

    /// A call that counts for the breaker. None: no answer in time.
    async fn call(&self, batch: &Batch, deadline: Duration) -> Option<Replies> {
        let epoch = self.link.epoch();
        match self.answered(batch, deadline).await {
            Ok(replies) => {
                self.report(replies.failure.as_ref().map_or(Ok(()), Err));
                self.remember(batch, &replies, epoch);
                Some(replies)
            }
            Err(failure) => {
                self.report(Err(&failure));
                None
            }
        }
    }

    /// What the store answers, over the connection that there is by then: where a server was
    /// started again or another became the primary, the next one is a moment away, and what is
    /// done twice is done once. What the primary before it says may be old.
    async fn answered(&self, batch: &Batch, deadline: Duration) -> Result<Replies, Failure> {
        let mut last = Err(Failure::Deadline(deadline));
        let answered = timeout(deadline, async {
            loop {
                let answer = self.link.run(batch).await;
                let failure = match &answer {
                    Ok(replies) => replies.failure.as_ref(),
                    Err(failure) => Some(failure),
                };
                if !failure.is_some_and(Failure::passes) {
                    return answer;
                }
                last = answer;
                sleep(AGAIN).await;
            }
        });
        answered.await.unwrap_or(last)
    }

    fn report(&self, result: Result<(), &Failure>) {
        let now = self.clock.now();
        let mut state = self.state();
        let before = state.breaker.state();
        match result {
            Ok(()) => {
                state.breaker.success();
                state.attempts = 0;
            }
            Err(_) => state.breaker.failure(now),
        }
        let changed = before != state.breaker.state();
        let tells = changed && result.map_or_else(|own| state.outage.tells(own, now), |()| true);
        if changed && result.is_ok() {
            state.outage = Outage::default();
        }
        drop(state);
        if let Err(failure) = result {
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
            if tells {
                warn!(%failure, "the mapping store is out of reach: degraded");
            }
            if changed {
                self.wake.notify_one();
            }
        } else if tells {
            info!("the mapping store is back");
        }
    }

    /// Remembers what is stored now.
    fn remember(&self, batch: &Batch, replies: &Replies, epoch: u64) {
        self.records.remember(batch, replies, self.clock.now());
        let ends = self.clock.now().saturating_add(self.ttl / REFRESH);
        let mut state = self.state();
        // What a lost connection had confirmed is not known to have survived.
        let current = self.link.epoch() == epoch;
        if current {
            state.enter(epoch);
        }
        for (entry, saved) in batch.saves.iter().zip(&replies.saves) {
            let stored = match saved {
                Saved::New => {
                    self.counters.saved.fetch_add(1, Ordering::Relaxed);
                    true
                }
                Saved::Existing(sealed) => {
                    let same = seal::is_of(sealed, &entry.fingerprint);
                    if same && !entry.replaces && seal::is_older(sealed, &entry.sealed) {
                        let again = Entry { replaces: true, ..entry.clone() };
                        self.push(&mut state, &again);
                    }
                    same
                }
                Saved::Waiting => false,
            };
            if stored && current {
                state.cache.insert(entry.key, (entry.fingerprint, entry.lasting), ends);
            }
        }
    }

    fn push(&self, state: &mut State, entry: &Entry) -> Saved {
        if state.queue.len() == 0 {
            self.wake.notify_one();
        }
        match state.queue.push(entry.clone()) {
            Queued::Already(sealed) => Saved::Existing(sealed.to_vec()),
            Queued::Waiting { dropped } => {
                self.counters.dropped.fetch_add(dropped, Ordering::Relaxed);
                Saved::Waiting
            }
        }
    }

    /// What is not in the store may wait for it.
    fn reveal_waiting(&self, batch: &Batch, replies: &mut Replies) {
        let state = self.state();
        for (key, reveal) in batch.reveals.iter().zip(&mut replies.reveals) {
            if reveal.is_none() {
                *reveal = state.queue.find(key).map(|sealed| sealed.to_vec());
            }
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        let deadline = self.connect_timeout.saturating_add(self.deadline);
        let probed = timeout(deadline, self.link.probe()).await;
        probed.unwrap_or(Err(Failure::Deadline(deadline)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and each step leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn jitter() -> Duration {
    Duration::from_millis(getrandom::u64().unwrap_or_default() % JITTER_MS)
}

/// The background task: tries a store that is out of reach, and writes what
/// waits once it is back. Ends with `stop`, after a last attempt.
pub(crate) async fn keep(guard: Arc<Guard>, stop: CancellationToken) {
    loop {
        let due = guard.next_turn();
        let turn = async {
            match due {
                Some(pause) => sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = guard.wake.notified() => {}
            () = turn => guard.turn().await,
        }
    }
    while guard.is_closed() && guard.queued() > 0 && guard.flush().await {}
    let lost = guard.queued();
    if lost > 0 {
        warn!(lost, "mappings were not written before the end");
    }
}

/// As often is a new primary tried, once in each [`FOLLOW`], before the breaker's own pause counts.
const EAGER: u32 = 10;

/// The other background task: notices another primary behind sentinels or an
/// address, and goes there at once. Ends with `stop`.
pub(crate) async fn follow(guard: Arc<Guard>, stop: CancellationToken) {
    guard.look().await;
    let (mut turns, mut eager) = (0_u32, 0_u32);
    loop {
        let demoted = tokio::select! {
            () = stop.cancelled() => return,
            () = guard.link.demoted.notified() => true,
            () = sleep(FOLLOW) => false,
        };
        turns = turns.wrapping_add(1);
        if demoted || guard.link.moved().await {
            info!("the mapping store has another primary: connecting to it");
            if guard.renew().await {
                guard.retry_now();
            }
            eager = EAGER;
            // Until a name or the sentinels know of it, it may be the old one again.
            sleep(FOLLOW).await;
        } else if eager > 0 && !guard.is_closed() {
            // It may not have been ready.
            eager -= 1;
            guard.retry_now();
        } else if turns.is_multiple_of(LOOK) {
            guard.look().await;
        }
    }
}

impl Guard {
    async fn look(&self) {
        if self.is_closed() {
            // A server that says nothing is seen by the calls.
            timeout(self.connect_timeout, self.link.look()).await.ok();
        }
    }

    fn retry_now(&self) {
        let now = self.clock.now();
        self.state().breaker.retry_at(now);
        self.wake.notify_one();
    }

    /// How long until there is something to do; none: until woken.
    fn next_turn(&self) -> Option<Duration> {
        let now = self.clock.now();
        let state = self.state();
        match state.breaker.next_trial() {
            Some(due) if due <= now => Some(Duration::ZERO),
            Some(due) => Some(due.saturating_sub(now).saturating_add(jitter())),
            // A blip: what it left behind is written a moment later.
            None => (state.queue.len() > 0 || self.records.waits() > 0).then_some(FLUSH_PAUSE),
        }
    }

    async fn turn(&self) {
        let (state, trial) = {
            let mut state = self.state();
            (state.breaker.state(), state.breaker.begin_trial(self.clock.now()))
        };
        if state == crate::breaker::State::Closed {
            self.flush().await;
            return;
        }
        if !trial {
            return;
        }
        let fresh = state == crate::breaker::State::HalfOpen || self.renew().await;
        let probed = if fresh { self.probe().await } else { Err(Failure::Client("files")) };
        self.report(probed.as_ref().copied());
    }

    async fn renew(&self) -> bool {
        match self.link.renew().await {
            Ok(()) => true,
            Err(error) => {
                let mut state = self.state();
                state.attempts = state.attempts.saturating_add(1);
                // It is tried each few seconds, and told less and less often.
                if state.attempts.is_power_of_two() {
                    let attempts = state.attempts;
                    warn!(%error, attempts, "cannot connect to the mapping store");
                }
                false
            }
        }
    }

    /// Writes the oldest of what waits. False: it did not go well.
    async fn flush(&self) -> bool {
        let saves = self.state().queue.oldest(LARGEST);
        let writes = self.records.waiting(LARGEST);
        let batch = Batch { saves, writes, ..Batch::default() };
        let Some(replies) = self.call(&batch, self.connect_timeout.max(self.deadline)).await else {
            return false;
        };
        let mut state = self.state();
        for (entry, saved) in batch.saves.iter().zip(&replies.saves) {
            match saved {
                Saved::New => {}
                // What stands there is an older write of the same, or another
                // value. Its exchange is over: count it, and keep the first.
                Saved::Existing(sealed) => {
                    if !seal::is_of(sealed, &entry.fingerprint) {
                        self.counters.collisions.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Saved::Waiting => continue,
            }
            state.queue.remove(&entry.key);
        }
        replies.failure.is_none()
    }
}
