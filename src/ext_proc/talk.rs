//! What one exchange knows of its conversation, and what it leaves for the next.

use std::fmt;
use std::sync::Arc;

use crate::detect::edition::{Editions, Newer};
use crate::detect::{Catalog, Known};
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::settings::Settings;
use crate::mask::Scope;
use crate::mask::conversation::Chain;
use crate::mask::conversation::{self, Call, Calls, Identity, Names, Original, Record, RecordKey};
use crate::store::record::{Plain, RecordWants};
use crate::telemetry::labels::Cause;

/// How often a request is masked again because another replica knew more.
const TRIES: u32 = 3;

/// A conversation during one exchange.
pub struct Talk {
    identity: Identity,
    key: Option<RecordKey>,
    /// As it was when it was read.
    read: Option<Record>,
    /// As it is used, and written.
    record: Record,
    /// As this exchange itself wrote it before.
    wrote: Option<Record>,
    /// What is known before its first unit, if the record does not say it.
    start: Option<Names>,
    /// Of the session, as it was read and with what was learned.
    names: Names,
    learned: bool,
    tries: u32,
    /// Other replicas knew more, and the store has lost what they wrote.
    stale: bool,
    /// What the next request goes on with, if it names the answer to this one.
    next: Option<Identity>,
    /// The calls that the answer made.
    calls: Calls,
    pub fault: Option<Cause>,
}

impl fmt::Debug for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Talk({:?})", self.identity)
    }
}

/// What of an answer is kept, as far as it has come.
#[derive(Debug, Default)]
pub struct Said {
    /// Blocks that would not come back as the model wrote them.
    pub found: Vec<Original>,
    /// Calls whose results may come without them.
    pub calls: Vec<Call>,
    /// The digest of the message, when it is whole.
    pub message: Option<[u8; 32]>,
}

/// What the store's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// What was used is what counts.
    Good,
    /// What another replica wrote is to be written again, with what was added.
    Write,
    /// The request is to be masked again.
    Mask,
}

/// What is read before such a request is masked: its record, and its session's names.
#[must_use]
pub fn keys(identity: &Identity, scope: &Scope) -> Vec<RecordKey> {
    identity.record(scope).into_iter().chain(identity.session()).collect()
}

impl Talk {
    /// A conversation of which this was read, for [`keys`].
    #[must_use]
    pub fn new(
        identity: Identity,
        scope: &Scope,
        read: Vec<Option<Plain>>,
        settings: &Settings,
    ) -> Self {
        let mut read = read.into_iter().map(Option::unwrap_or_default);
        let key = identity.record(scope);
        let known: Option<Record> =
            key.and_then(|_| conversation::decode(&read.next().unwrap_or_default()));
        let names = identity.session().and_then(|_| conversation::decode(&read.next()?));
        let names: Names = names.unwrap_or_default();
        // What was learned in earlier requests of a conversation that the provider keeps is
        // known in this one: nothing of them comes again.
        let own = if identity.kept { Names::default() } else { names.clone() };
        let thinking = settings.masker.around.thinking && !identity.kept;
        let begun = || Record::begun(settings.editions.pin().clone(), own, thinking);
        let record = known.clone().unwrap_or_else(begun);
        let start = identity.kept.then(|| names.clone());
        let (wrote, learned, tries, stale, next, calls, fault) = Default::default();
        let read = known;
        Self {
            identity,
            key,
            read,
            record,
            wrote,
            start,
            names,
            learned,
            tries,
            stale,
            next,
            calls,
            fault,
        }
    }

    /// Is not all remembered that there was of it?
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.is_lost() || self.stale
    }

    /// It runs, and nothing is remembered of it: the newest edition counts.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let Identity { kept, chained, .. } = self.identity;
        let runs = self.identity.is_answered() || (kept && chained);
        self.read.is_none() && self.key.is_some() && runs
    }

    /// Its client was shown what the model thought.
    pub fn show_thinking(&mut self) {
        self.record.thinking = true;
    }

    /// Does the provider keep what is sent?
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.identity.kept || self.identity.chained
    }

    /// Blocks that the model wrote before those of the request, as far as it is known.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        if self.identity.kept { u32::MAX } else { 0 }
    }

    pub fn catalog(&self, editions: &Editions) -> Result<Arc<Catalog>, Reason> {
        editions.catalog(&self.record.pin).map_err(|Newer| Reason::Newer)
    }

    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The names that are known before its first unit.
    #[must_use]
    pub fn start(&self) -> &Names {
        self.start.as_ref().unwrap_or(&self.record.start)
    }

    /// How many units of it any replica was sent before.
    #[must_use]
    pub fn sent_before(&self, chain: &Chain) -> usize {
        self.read.as_ref().map_or(0, |read| chain.sent_before(read))
    }

    /// Its request was masked.
    pub fn masked(&mut self, known: &Known, chain: &Chain, editions: &Editions) {
        if self.identity.session().is_some() || self.identity.chained {
            self.learned |= self.names.learn(known, editions.newest());
        }
        if self.identity.kept {
            return;
        }
        let settings = editions.settings(&self.record.pin);
        if let Some(read) = &self.read
            && chain.differs(read)
        {
            self.fault = Some(if editions.is_forced() && !read.pin.is_same(editions.pin()) {
                Cause::Edition
            } else if read.settings != settings {
                Cause::Settings
            } else {
                Cause::Unknown
            });
        }
        self.record.note(chain, &self.identity, settings);
    }

    /// What is written when its request is masked.
    #[must_use]
    pub fn writes(&self) -> RecordWants {
        let own = self.key.map(|key| (key, conversation::encode(&self.record)));
        let names = self.identity.session().filter(|_| self.learned || self.read.is_none());
        let names = names.filter(|_| !self.names.is_empty());
        let names = names.map(|key| (key, conversation::encode(&self.names)));
        self.wants(own.into_iter().chain(names).collect())
    }

    fn wants(&self, write: Vec<(RecordKey, Plain)>) -> RecordWants {
        RecordWants { read: Vec::new(), write, lasting: self.is_kept() }
    }

    /// Takes what stood where [`Talk::writes`] was written.
    pub fn found(&mut self, found: Vec<Option<Plain>>) -> Found {
        self.tries += 1;
        let gone = self.key.is_some() && found.first().is_some_and(Option::is_none);
        // One answer is new in each turn; the others were given by other replicas.
        let met = self.read.as_ref().map_or(u32::MAX, |read| read.answers);
        self.stale |= gone && self.identity.answers > met.saturating_add(1);
        let mut found = found.into_iter().map(Option::unwrap_or_default);
        let mut next = Found::Good;
        let wrote = self.wrote.replace(self.record.clone());
        if self.key.is_some()
            && let Some(other) =
                found.next().and_then(|bytes| conversation::decode::<Record>(&bytes))
            && wrote.as_ref() != Some(&other)
        {
            let used = self.read.as_ref().map_or(0, |read| read.messages);
            if self.record.join(&other, used) {
                next = Found::Mask;
            }
            self.read = Some(other);
        }
        if let Some(other) = found.next().and_then(|bytes| conversation::decode::<Names>(&bytes))
            && self.names.join(&other)
            && next == Found::Good
        {
            self.learned = true;
            next = Found::Write;
        }
        if self.tries < TRIES { next } else { Found::Good }
    }

    /// What of its answer is written: blocks that would not come back as they are, and the
    /// record itself, if the answer, or the name that the provider gives it, decides what it
    /// is called.
    #[must_use]
    pub fn answered(&mut self, said: Said, name: Option<&str>, scope: &Scope) -> RecordWants {
        let Said { found, calls, message } = said;
        let begins = self.key.is_none() && message.is_some();
        if let (None, Some(message)) = (self.key, message) {
            self.key = self.identity.with_answer(message).record(scope);
        }
        let Identity { kept, chained, .. } = self.identity;
        let made = (kept || chained) && self.calls.keep(calls);
        let any = !found.is_empty() || made;
        // Of a chain, each answer has a record of its own.
        let none = Calls::default();
        self.record.keep(found, if chained { &none } else { &self.calls });
        let key = self.key.filter(|_| any || begins);
        let own = key.map(|key| (key, conversation::encode(&self.record)));
        let mut write: Vec<_> = own.into_iter().collect();
        let name = name.filter(|_| chained && self.next.is_none());
        if let Some(name) = name {
            let next = Identity::named(name, scope);
            let names = next.session().filter(|_| !self.names.is_empty());
            write.extend(names.map(|key| (key, conversation::encode(&self.names))));
            self.next = Some(next);
        }
        let next = self.next.filter(|_| any || name.is_some());
        let next = next.and_then(|next| next.record(scope));
        write.extend(
            next.map(|key| (key, conversation::encode(&self.record.going_on(self.calls.clone())))),
        );
        self.wants(write)
    }
}
