//! What masking of a unit gave, for when the same unit comes again: agents resend the
//! whole conversation with each turn.
//!
//! A unit is known by a keyed hash of all that its masking depends on: the catalog, the
//! names known before it, the places of its leaves and its bytes. That masking is pure
//! (R9), so what it gave once it gives again. Values that it masked are kept as in the
//! table of an exchange: overwritten on drop, never printed.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crate::detect::Kind;
use crate::mask::masker::Report;
use crate::mask::{Mapping, Value};

/// Locks, so that exchanges rarely wait for each other.
const SHARDS: usize = 16;
/// What an entry takes beside its contents: key, pointers, and room in the map.
const ENTRY: usize = 64;

/// The hash of a unit and of all that matters to it. It has 128 bits, of a keyed hash: that
/// two units share one is as likely as that a key is guessed.
pub(super) type Key = [u8; 16];

/// What masking of a unit gave.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// What is replaced, from the unit's first leaf on.
    pub swaps: Vec<(usize, usize, Box<str>)>,
    /// Each mapping that was used.
    pub mappings: Vec<Arc<Mapping>>,
    /// The names that it taught.
    pub names: Vec<(Value, Kind)>,
    pub report: Report,
}

/// The same as it is kept: in little memory, as there are many.
#[derive(Debug)]
pub(super) struct Kept {
    swaps: Box<[(usize, usize, With)]>,
    pub mappings: Box<[Arc<Mapping>]>,
    pub names: Box<[(Value, Kind)]>,
    findings: Box<[(Kind, u64)]>,
    /// What else was seen: mostly nothing.
    seen: Option<Box<Report>>,
}

/// What stands where something was replaced.
#[derive(Debug)]
enum With {
    /// The placeholder of this mapping of the unit.
    Mapping(usize),
    Text(Box<str>),
}

impl Kept {
    fn of(unit: Unit) -> Self {
        let Unit { swaps, mappings, names, mut report } = unit;
        let with = |text: Box<str>| {
            let own = mappings.iter().position(|mapping| mapping.placeholder.as_str() == &*text);
            own.map_or(With::Text(text), With::Mapping)
        };
        let swaps = swaps.into_iter().map(|(from, to, text)| (from, to, with(text))).collect();
        let findings = std::mem::take(&mut report.findings).into_iter().collect();
        let seen = (!report.is_empty()).then(|| Box::new(report));
        Self { swaps, mappings: mappings.into(), names: names.into(), findings, seen }
    }

    /// What is replaced, from the unit's first leaf on.
    pub(super) fn swaps(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        self.swaps.iter().map(|(from, to, with)| {
            let text = match with {
                With::Mapping(at) => self.mappings.get(*at).map(|own| own.placeholder.as_str()),
                With::Text(text) => Some(&**text),
            };
            (*from, *to, text.unwrap_or_default())
        })
    }

    /// Adds what was seen.
    pub(super) fn report(&self, all: &mut Report) {
        if let Some(seen) = &self.seen {
            all.add(seen);
        }
        for &(kind, count) in &self.findings {
            *all.findings.entry(kind).or_default() += count;
            *all.again.entry(kind).or_default() += count;
        }
    }

    /// Bytes of memory, about.
    fn size(&self) -> usize {
        let text = |with: &With| match with {
            With::Mapping(_) => 0,
            With::Text(text) => text.len(),
        };
        let swaps: usize = self.swaps.iter().map(|(.., with)| 32 + text(with)).sum();
        // A mapping is mostly shared with the units in which its value stands too.
        let names: usize = self.names.iter().map(|(name, _)| 32 + name.expose().len()).sum();
        let guarded = self.seen.as_ref().map_or(0, |seen| 256 + seen.guarded.len() * 64);
        let found = self.mappings.len() * 128 + self.findings.len() * 16;
        ENTRY + size_of::<Self>() + swaps + names + guarded + found
    }
}

impl Unit {
    fn is_clean(&self) -> bool {
        self.swaps.is_empty()
            && self.mappings.is_empty()
            && self.names.is_empty()
            && self.report.is_empty()
    }
}

/// The units that were masked lately, within a limit of memory.
pub struct Resent {
    shards: [Mutex<Shard>; SHARDS],
    /// Bytes of a generation in one shard.
    limit: usize,
}

/// Two generations: what is used moves to the young one, and when that is full, the old
/// one is dropped. None: nothing is to be done for the unit.
#[derive(Default)]
struct Shard {
    young: Units,
    old: Units,
    size: usize,
}

type Units = HashMap<Key, Option<Arc<Kept>>, BuildHasherDefault<Head>>;

impl fmt::Debug for Resent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resent({} bytes)", self.limit * 2 * SHARDS)
    }
}

impl Resent {
    /// Keeps about so many bytes, or nothing.
    #[must_use]
    pub fn new(bytes: usize) -> Option<Arc<Self>> {
        let limit = bytes / 2 / SHARDS;
        (limit > 0).then(|| Arc::new(Self { shards: Default::default(), limit }))
    }

    /// What masking of the unit gave. `Some(None)`: nothing to do.
    pub(super) fn get(&self, key: &Key) -> Option<Option<Arc<Kept>>> {
        let mut shard = self.shard(key)?;
        if let Some(unit) = shard.young.get(key) {
            return Some(unit.clone());
        }
        let unit = shard.old.remove(key)?;
        shard.put(*key, unit.clone(), self.limit);
        Some(unit)
    }

    /// Is it known what masking of the unit gave?
    pub(super) fn holds(&self, key: &Key) -> bool {
        let shard = self.shard(key);
        shard.is_some_and(|shard| shard.young.contains_key(key) || shard.old.contains_key(key))
    }

    pub(super) fn put(&self, key: Key, unit: Unit) {
        if let Some(mut shard) = self.shard(&key) {
            let unit = (!unit.is_clean()).then(|| Arc::new(Kept::of(unit)));
            shard.put(key, unit, self.limit);
        }
    }

    fn shard(&self, key: &Key) -> Option<std::sync::MutexGuard<'_, Shard>> {
        let [.., last] = key;
        let shard = self.shards.get(usize::from(*last) % SHARDS)?;
        // Nothing panics while it holds the lock.
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn put(&mut self, key: Key, unit: Option<Arc<Kept>>, limit: usize) {
        let size = unit.as_ref().map_or(ENTRY, |unit| unit.size());
        if size > limit {
            return;
        }
        if self.size + size > limit {
            self.old = std::mem::take(&mut self.young);
            self.size = 0;
        }
        self.size += size;
        self.young.insert(key, unit);
    }
}

/// The hash of a key that is a hash already.
#[derive(Debug, Default)]
pub(crate) struct Head(u64);

impl Hasher for Head {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(head) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*head);
        }
    }

    /// The length of a key, which all have in common.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Key {
        let mut key = [number; 16];
        key[15] = 0;
        key
    }

    #[test]
    fn what_is_used_stays_and_memory_has_a_limit() {
        let resent = Resent::new(2 * SHARDS * ENTRY * 4).unwrap();
        resent.put(key(0), Unit::default());
        for number in 1..=100 {
            resent.put(key(number), Unit::default());
            assert!(matches!(resent.get(&key(0)), Some(None)), "{number}");
        }
        let kept = (1..=100).filter(|&number| resent.get(&key(number)).is_some()).count();
        assert!((2..=8).contains(&kept), "{kept}");
    }

    #[test]
    fn a_unit_with_findings_comes_back_and_one_too_large_is_not_kept() {
        let resent = Resent::new(1 << 16).unwrap();
        let swaps = |count| (0..count).map(|at| (at, at + 1, "AWS".into())).collect();
        resent.put(key(1), Unit { swaps: swaps(2), ..Unit::default() });
        assert_eq!(resent.get(&key(1)).flatten().map(|unit| unit.swaps.len()), Some(2));
        resent.put(key(2), Unit { swaps: swaps(1000), ..Unit::default() });
        assert!(resent.get(&key(2)).is_none());
        assert!(Resent::new(SHARDS).is_none());
        assert!(!format!("{resent:?}").contains("AWS"));
    }
}
