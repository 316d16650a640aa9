//! What is remembered of a conversation, so that its masked beginning never changes.
//!
//! ```text
//! record of a conversation   version(1) ‖ JSON of `Record`
//! names of a session         version(1) ‖ JSON of `Names`
//! ```
//!
//! Masking needs neither. The record says what a conversation began with (the edition of the
//! catalog, the names that its session knew), what the model wrote where masking what the
//! client got gives something else, and hashes of what was sent.

mod blocks;
mod calls;
mod chain;
mod identity;
mod originals;
mod partial;
mod parts;
mod verify;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::detect::edition::Pin;
use crate::detect::{Catalog, Kind, Known};
use crate::mask::conversation::chain::Link;

pub use calls::{Call, Calls};
pub use chain::Chain;
pub use identity::{Identity, session};
pub use originals::{Original, Originals, count};
pub use verify::Verify;

const VERSION: u8 = 1;
/// Names that a session keeps; what it learns beyond is known where it is learned.
const NAMES: usize = 1000;

/// What a record is called in the store: it shows neither the session nor the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey(pub [u8; 16]);

impl RecordKey {
    pub(crate) fn of(digest: [u8; 32]) -> Self {
        let [key, _] = *digest.as_chunks::<16>().0 else { return Self([0; 16]) };
        Self(key)
    }
}

/// Names and the names of their kinds. They are originals.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names(BTreeMap<Box<str>, Box<str>>);

/// What is kept of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    pub pin: Pin,
    /// The names that the session knew when it began.
    pub start: Names,
    pub originals: Originals,
    /// Of the answer that the provider keeps under this name.
    #[serde(skip_serializing_if = "Calls::is_empty")]
    pub calls: Calls,
    #[serde(rename = "links", alias = "chain", with = "chain::links")]
    chain: Vec<Link>,
    /// Of the settings with which the chain was made.
    pub settings: u64,
    /// Its client is shown what the model thought.
    pub thinking: bool,
    /// Messages of the longest request: of two records, the longer is the later.
    pub messages: u32,
    /// Answers in it.
    pub answers: u32,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.0.len())
    }
}

impl Names {
    /// Adds what was learned. True: there was something new.
    pub fn learn(&mut self, known: &Known, catalog: &Catalog) -> bool {
        let before = self.0.len();
        for (name, kind) in known.names() {
            self.add(name, &catalog.info(kind).name);
        }
        self.0.len() > before
    }

    /// Adds the names of another. True: there was something new.
    pub fn join(&mut self, other: &Self) -> bool {
        let before = self.0.len();
        other.0.iter().for_each(|(name, kind)| self.add(name, kind));
        self.0.len() > before
    }

    fn add(&mut self, name: &str, kind: &str) {
        if self.0.len() < NAMES && !self.0.contains_key(name) {
            self.0.insert(name.into(), kind.into());
        }
    }

    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other.0.keys().all(|name| self.0.contains_key(name))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, and their kinds in a catalog that has them still.
    pub(crate) fn kinds<'n>(&'n self, catalog: &Catalog) -> Vec<(&'n str, Kind)> {
        let names = self.0.iter().map(|(name, kind)| Some((&**name, catalog.kind(kind)?)));
        names.flatten().collect()
    }
}

impl Record {
    /// Of a conversation that begins.
    #[must_use]
    pub fn begun(pin: Pin, start: Names, thinking: bool) -> Self {
        Self { pin, start, thinking, ..Self::default() }
    }

    /// A request of it was masked.
    pub fn note(&mut self, chain: &Chain, identity: &Identity, settings: u64) {
        self.chain = chain.kept();
        self.messages = self.messages.max(identity.messages);
        self.answers = self.answers.max(identity.answers);
        self.settings = settings;
    }

    /// Keeps blocks of an answer, and calls in it.
    pub fn keep(&mut self, originals: Vec<Original>, calls: &Calls) {
        originals.into_iter().for_each(|original| self.originals.keep(original));
        self.calls.join(calls);
    }

    /// What the next request of a conversation that the provider keeps goes on with, whose last
    /// answer made these calls.
    #[must_use]
    pub fn going_on(&self, calls: Calls) -> Self {
        let Self { pin, originals, .. } = self;
        Self { pin: pin.clone(), originals: originals.clone(), calls, ..Self::default() }
    }

    /// Takes what another replica wrote meanwhile. True: what is masked by it changes.
    #[must_use]
    pub fn join(&mut self, other: &Self, used: u32) -> bool {
        let same = self.start == other.start && self.thinking == other.thinking;
        let began = !(same && self.pin.is_same(&other.pin));
        let later = began && other.messages >= used;
        if later {
            self.pin.clone_from(&other.pin);
            self.start.clone_from(&other.start);
            self.thinking = other.thinking;
        }
        let more = self.originals.join(&other.originals);
        let calls = self.calls.join(&other.calls);
        later || more || calls
    }
}

/// Drops the first of a list that has more items than these, or more bytes in several of them.
fn keep_last<T>(all: &mut Vec<T>, size: fn(&T) -> usize, most: usize, bytes: usize) {
    let mut rest: usize = all.iter().map(size).sum();
    let (mut gone, count) = (0, all.len());
    for item in all.iter() {
        let left = count - gone;
        if left <= most && (rest <= bytes || left <= 1) {
            break;
        }
        (gone, rest) = (gone + 1, rest - size(item));
    }
    all.drain(..gone);
}

/// The bytes of a record or of names.
#[must_use]
pub fn encode<T: Serialize>(kept: &T) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![VERSION]);
    // Maps with text for keys, numbers and texts: nothing of it can fail.
    if serde_json::to_writer(&mut *bytes, kept).is_err() {
        bytes.truncate(1);
    }
    bytes
}

/// What was written by [`encode`]; not by a newer version.
#[must_use]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes.strip_prefix(&[VERSION])?).ok()
}
