//! The connection to a Redis: one to each server, multiplexed, for all exchanges.
//!
//! ```text
//! key    m1:<22 characters>    base64url of Scope::store_key, an HMAC of the placeholder
//! value  see seal.rs           sealed under the tenant's key, with its fingerprint
//! key    m1:r:<22 characters>  a record of a conversation, or the names of a session
//! value  see record.rs         sealed under the tenant's key for records
//! ```
//!
//! One pipeline per call; for each mapping `SET key value NX GET EX ttl`
//! (Redis 7.0), which writes where nothing is and else answers what is there,
//! and `EXPIRE key ttl GT`, which refreshes what was there unless it lives longer. A stored value is
//! never overwritten, but by itself, sealed under a newer key (`SET key value XX KEEPTTL GET`). For
//! each placeholder to reveal, `GET key`. Records are overwritten with each turn,
//! `SET key value EX ttl GET`, and read with `GET key`. What a provider keeps lives longer.
//!
//! The connection speaks RESP3, in which the client learns of a lost
//! connection at once; it reconnects in the background with backoff and jitter.
//! Where sentinels name the primary, they are asked again every second.

mod cluster;
mod connect;
mod facts;
mod failure;
mod line;
mod sentinel;
mod servers;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{Cmd, Value};
use tokio::sync::Notify;
use tracing::warn;

use crate::store::batch::{Batch, NotWritten, Replies, Saved, StoreKey};
use crate::store::config::RedisConfig;
use crate::store::redis::facts::{CHECK_KEY, Checked};
use crate::store::redis::failure::NO_CONNECTION;
use crate::store::redis::line::{Answers, Ask, Line, Who};

pub use connect::FileError;
pub use facts::Facts;
pub(crate) use failure::Failure;
pub(crate) use servers::Holder;

/// Written to see whether the store takes writes again.
const PROBE_KEY: &str = "m1:probe";
const PROBE_TTL: u64 = 60;

/// Where to connect, and how.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) redis: RedisConfig,
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) ttl: Duration,
    pub(crate) lasting_ttl: Duration,
}

impl Target {
    /// How long an answer may take that nobody waits for any more.
    fn patience(&self) -> Duration {
        self.connect_timeout.max(self.deadline)
    }
}

pub(crate) struct Link {
    target: Target,
    line: Mutex<Option<Line>>,
    /// Grows with each connection that is lost: what is known of the content
    /// of the store ends there.
    epoch: Arc<AtomicU64>,
    /// The server said that it is not the primary any more.
    pub(crate) demoted: Notify,
    /// What the server said of itself when it was last asked.
    facts: Mutex<Option<Facts>>,
    /// Told by the key that this process has.
    key: Mutex<Option<[u8; 16]>>,
    checked: Mutex<Option<Checked>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Link {
    /// Reads the files; connects later.
    pub(crate) async fn new(target: Target) -> Result<Self, FileError> {
        let link = Self {
            target,
            line: Mutex::default(),
            epoch: Arc::default(),
            demoted: Notify::new(),
            facts: Mutex::default(),
            key: Mutex::default(),
            checked: Mutex::default(),
        };
        link.renew().await?;
        Ok(link)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Drops the connection and makes another: one that hangs does not tell,
    /// the files may have changed, and another server may be the primary.
    pub(crate) async fn renew(&self) -> Result<(), FileError> {
        let line = connect::connect(&self.target, &self.epoch).await?;
        self.epoch.fetch_add(1, Ordering::AcqRel);
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
        Ok(())
    }

    /// Do the sentinels name another primary than the one we are connected to?
    pub(crate) async fn moved(&self) -> bool {
        let watch = self.line().ok().and_then(|line| line.watch());
        match watch {
            Some(watch) => watch.moved().await,
            None => false,
        }
    }

    /// Asks the server who it is, and whose content it holds. Behind an address
    /// that stays connected there may be another one, which does not know what
    /// this one was told.
    pub(crate) async fn look(&self) {
        let Ok(line) = self.line() else { return };
        let key = *self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let mut info = redis::cmd("INFO");
        info.arg("server").arg("memory").arg("persistence").arg("replication");
        let mut get = redis::cmd("GET");
        get.arg(CHECK_KEY);
        let ask = |key: &str, command| Ask { key: key.to_owned(), commands: vec![command] };
        let asks = vec![ask("", info), ask(CHECK_KEY, get)];
        let Ok(answers) = line.send(asks, Who::Primary, self.target.deadline).await else { return };
        let mut answers = answers.into_iter();
        // Whom the ACL forbids `INFO` sees lost connections only.
        if let Some(facts) = answers.next().and_then(|info| Facts::read(info.ok()?)) {
            self.compare(facts, matches!(line, Line::Cluster(_)));
        }
        let (Some(key), Some(Ok(stored))) = (key, answers.next()) else { return };
        let stored = if let Value::BulkString(bytes) = stored { Some(bytes) } else { None };
        let checked = facts::check(stored.as_deref(), &key);
        if checked == Checked::Stale {
            let mut set = redis::cmd("SET");
            set.arg(CHECK_KEY).arg(facts::check_text(&key));
            set.arg("EX").arg(self.target.ttl.as_secs().max(2 * facts::CHECK_AGE));
            let written = line.send(vec![ask(CHECK_KEY, set)], Who::Primary, self.target.deadline);
            // What is not written now is written at the next look.
            written.await.ok();
        }
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
    }

    /// Keeps what a server told; another run of it ends what is known of the store.
    fn compare(&self, facts: Facts, cluster: bool) {
        let mut known = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let other = known.as_ref().is_some_and(|known| known.run != facts.run);
        // In a cluster it is now this node that answers, now that one.
        if other && !cluster {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        if facts.evicts() && known.as_ref().is_none_or(|known| known.policy != facts.policy) {
            warn!(policy = facts.policy, "the mapping store throws mappings away when it is full");
        }
        *known = Some(facts);
    }

    pub(crate) fn facts(&self) -> Option<Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn expect(&self, key: [u8; 16]) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// Why this store should not be used as it is.
    pub(crate) fn unfit(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(facts) = self.facts().filter(Facts::evicts)
            && !self.target.redis.allow_eviction
        {
            reasons.push(format!(
                "the mapping store evicts ({}): set its maxmemory-policy to noeviction, or store.allow_eviction",
                facts.policy
            ));
        }
        let checked = *self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        match checked {
            Some(Checked::Foreign) => reasons.push(format!(
                "the mapping store was filled with another master key: give all replicas the same one; after `masker keys retag`, delete {CHECK_KEY} in Redis"
            )),
            Some(Checked::Ahead) => reasons.push(
                "the clock of another replica is more than five minutes ahead of this one's".to_owned(),
            ),
            Some(Checked::Ours | Checked::Stale) | None => {}
        }
        reasons
    }

    /// A command to one server, as it is; for looking into the store.
    pub(crate) async fn raw(
        &self,
        key: &str,
        command: Cmd,
        limit: Duration,
    ) -> Result<Value, Failure> {
        let ask = Ask { key: key.to_owned(), commands: vec![command] };
        let answers = self.line()?.send(vec![ask], Who::Primary, limit).await?;
        answers.into_iter().next().unwrap_or(Err(Failure::Client("protocol error")))
    }

    /// One round trip, and where replicas are read from one more for what they
    /// do not know.
    pub(crate) async fn run(&self, batch: &Batch) -> Result<Replies, Failure> {
        let line = self.line()?;
        // What is written, and records, which must be the newest.
        let mut saves = self.saves(batch);
        saves.append(&mut self.records(batch));
        let mut reveals = reveals(&batch.reveals);
        let limit = self.target.deadline;
        let answers = if line.has_replicas() && !reveals.is_empty() {
            let reads = line.send(reveals.clone(), Who::Anybody, limit);
            let (written, read) = if saves.is_empty() {
                (Ok(Vec::new()), reads.await)
            } else {
                tokio::join!(line.send(saves, Who::Primary, limit), reads)
            };
            let read = read.unwrap_or_else(|failure| vec![Err(failure); reveals.len()]);
            let read = ask_again(&line, reveals, read, limit).await;
            [written?, read].concat()
        } else {
            let mut asks = saves;
            asks.append(&mut reveals);
            line.send(asks, Who::Primary, limit).await?
        };
        if answers.iter().flat_map(|answer| answer.as_ref().err()).any(Failure::is_of_replica) {
            self.demoted.notify_one();
        }
        read_answers(batch, answers)
    }

    /// Seconds that something lives.
    fn ttl(&self, lasting: bool) -> u64 {
        let Target { ttl, lasting_ttl, .. } = self.target;
        let ttl = if lasting { lasting_ttl.max(ttl) } else { ttl };
        ttl.as_secs().max(1)
    }

    fn saves(&self, batch: &Batch) -> Vec<Ask> {
        let save = |save: &crate::store::batch::Entry| {
            let ttl = self.ttl(save.lasting);
            let key = key(&save.key);
            let mut set = Cmd::with_capacity(7, 64 + save.sealed.len());
            set.arg("SET").arg(&key).arg(save.sealed.as_ref());
            match save.replaces {
                true => set.arg("XX").arg("KEEPTTL").arg("GET"),
                false => set.arg("NX").arg("GET").arg("EX").arg(ttl),
            };
            let mut expire = Cmd::with_capacity(4, 48);
            expire.arg("EXPIRE").arg(&key).arg(ttl).arg("GT");
            Ask { key, commands: vec![set, expire] }
        };
        batch.saves.iter().map(save).collect()
    }

    /// Records to write, then those to read.
    fn records(&self, batch: &Batch) -> Vec<Ask> {
        let write = batch.writes.iter().map(|write| {
            let ttl = self.ttl(write.lasting);
            let key = record_key(&write.key);
            let mut set = Cmd::with_capacity(6, 64 + write.value.len());
            set.arg("SET").arg(&key).arg(write.value.as_ref()).arg("EX").arg(ttl).arg("GET");
            Ask { key, commands: vec![set] }
        });
        let read = batch.reads.iter().map(|read| {
            let key = record_key(read);
            let mut get = Cmd::with_capacity(2, 32);
            get.arg("GET").arg(&key);
            Ask { key, commands: vec![get] }
        });
        write.chain(read).collect()
    }

    /// Writes a key of its own, which ends soon. A store that is full,
    /// read-only or too old would answer a `PING`.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        let mut set = redis::cmd("SET");
        set.arg(PROBE_KEY).arg("1").arg("NX").arg("GET").arg("EX").arg(PROBE_TTL);
        let ask = Ask { key: PROBE_KEY.to_owned(), commands: vec![set] };
        let limit = self.target.connect_timeout.saturating_add(self.target.deadline);
        let answers = self.line()?.send(vec![ask], Who::Primary, limit).await?;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    fn line(&self) -> Result<Line, Failure> {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        line.ok_or(Failure::Client(NO_CONNECTION))
    }
}

fn reveals(keys: &[StoreKey]) -> Vec<Ask> {
    let reveal = |own: &StoreKey| {
        let key = key(own);
        let mut get = Cmd::with_capacity(2, 32);
        get.arg("GET").arg(&key);
        Ask { key, commands: vec![get] }
    };
    keys.iter().map(reveal).collect()
}

/// What a replica does not know, or does not answer, its primary may know.
async fn ask_again(line: &Line, asks: Vec<Ask>, mut read: Answers, limit: Duration) -> Answers {
    let missing = |answer: &Result<Value, Failure>| !matches!(answer, Ok(Value::BulkString(_)));
    let again: Vec<_> = asks
        .into_iter()
        .zip(&read)
        .filter(|(_, answer)| missing(answer))
        .map(|(ask, _)| ask)
        .collect();
    if again.is_empty() {
        return read;
    }
    let count = again.len();
    let answers = line.send(again, Who::Primary, limit).await;
    let answers = answers.unwrap_or_else(|failure| vec![Err(failure); count]);
    for (slot, answer) in read.iter_mut().filter(|answer| missing(answer)).zip(answers) {
        *slot = answer;
    }
    read
}

/// A mapping's key as text.
pub(crate) fn key(key: &StoreKey) -> String {
    named("m1:", key)
}

fn record_key(key: &StoreKey) -> String {
    named("m1:r:", key)
}

fn named(prefix: &str, key: &StoreKey) -> String {
    let mut text = String::with_capacity(27);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(key, &mut text);
    text
}

/// Sorts the answers of a call, one for each of its commands.
fn read_answers(batch: &Batch, answers: Answers) -> Result<Replies, Failure> {
    let mut replies = Replies::default();
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Err(Failure::Client("protocol error")));
    for _ in &batch.saves {
        let set = next();
        let expire = next();
        let saved = match set {
            Ok(Value::Nil) => Saved::New,
            Ok(Value::BulkString(existing)) => Saved::Existing(existing),
            Ok(_) => return Err(Failure::Client("protocol error")),
            Err(failure) => {
                replies.failure = Some(failure);
                Saved::Waiting
            }
        };
        replies.saves.push(saved);
        if let Err(failure) = expire {
            replies.failure.get_or_insert(failure);
        }
    }
    let mut value = |replies: &mut Replies| match next() {
        Ok(Value::BulkString(sealed)) => Ok(Ok(Some(sealed))),
        Ok(Value::Nil) => Ok(Ok(None)),
        Ok(_) => Err(Failure::Client("protocol error")),
        Err(failure) => {
            replies.failure = Some(failure);
            Ok(Err(NotWritten))
        }
    };
    for _ in &batch.writes {
        let written = value(&mut replies)?;
        replies.writes.push(written);
    }
    for _ in &batch.reads {
        let read = value(&mut replies)?.unwrap_or_default();
        replies.reads.push(read);
    }
    for _ in &batch.reveals {
        let revealed = value(&mut replies)?.unwrap_or_default();
        replies.reveals.push(revealed);
    }
    Ok(replies)
}
