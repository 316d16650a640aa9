//! A bounded map whose entries end: the least recently used goes first.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use crate::mask::resent::Head;
use crate::store::StoreKey;

/// The place of an entry.
type Place = u32;
/// Behind the last one, and before the first.
const NONE: Place = Place::MAX;

#[derive(Debug)]
struct Slot<V> {
    key: StoreKey,
    /// None: the slot is free.
    value: Option<V>,
    /// What it takes of the capacity.
    weight: usize,
    ends: Duration,
    /// Those that were used before and after it.
    older: Place,
    newer: Place,
}

/// Holds entries that weigh at most `capacity` together, none of them past its end.
///
/// A list through the slots tells which was used last: a use costs no search, and an entry
/// little memory. Keys are keyed hashes already, which nobody chooses.
#[derive(Debug)]
pub(crate) struct Lru<V> {
    capacity: usize,
    /// What all weigh.
    load: usize,
    places: HashMap<StoreKey, Place, BuildHasherDefault<Head>>,
    slots: Vec<Slot<V>>,
    free: Vec<Place>,
    oldest: Place,
    newest: Place,
}

impl<V> Lru<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let (load, places, slots, free) = Default::default();
        Self { capacity, load, places, slots, free, oldest: NONE, newest: NONE }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.capacity);
    }

    /// The entry, now the most recently used; its end stays.
    pub(crate) fn find(&mut self, key: &StoreKey, now: Duration) -> Option<&mut V> {
        let place = *self.places.get(key)?;
        if self.slot(place)?.ends <= now {
            self.remove(key);
            return None;
        }
        if self.newest != place {
            self.unlink(place);
            self.link(place);
        }
        self.slot(place)?.value.as_mut()
    }

    /// Gives an entry a later end.
    pub(crate) fn extend(&mut self, key: &StoreKey, ends: Duration) {
        let place = self.places.get(key).copied().unwrap_or(NONE);
        if let Some(slot) = self.slot(place) {
            slot.ends = ends;
        }
    }

    /// An entry that weighs one.
    pub(crate) fn insert(&mut self, key: StoreKey, value: V, ends: Duration) {
        self.insert_weighed(key, value, 1, ends);
    }

    /// What weighs more than all may is not kept.
    pub(crate) fn insert_weighed(
        &mut self,
        key: StoreKey,
        value: V,
        weight: usize,
        ends: Duration,
    ) {
        self.remove(&key);
        if weight > self.capacity {
            return;
        }
        while self.load > self.capacity - weight {
            let Some(oldest) = self.slot(self.oldest).map(|slot| slot.key) else { break };
            self.remove(&oldest);
        }
        let slot = Slot { key, value: Some(value), weight, ends, older: NONE, newer: NONE };
        let Some(place) = self.settle(slot) else { return };
        self.load += weight;
        self.link(place);
        self.places.insert(key, place);
    }

    /// Puts a slot where there is room.
    fn settle(&mut self, slot: Slot<V>) -> Option<Place> {
        if let Some(place) = self.free.pop() {
            *self.slot(place)? = slot;
            return Some(place);
        }
        let place = Place::try_from(self.slots.len()).ok().filter(|&place| place != NONE)?;
        self.slots.push(slot);
        Some(place)
    }

    fn remove(&mut self, key: &StoreKey) {
        let Some(place) = self.places.remove(key) else { return };
        self.unlink(place);
        if let Some(slot) = self.slot(place) {
            slot.value = None;
            let weight = slot.weight;
            self.load -= weight;
            self.free.push(place);
        }
    }

    /// Takes a slot out of the list.
    fn unlink(&mut self, place: Place) {
        let Some(Slot { older, newer, .. }) = self.slot(place) else { return };
        let (older, newer) = (*older, *newer);
        match self.slot(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.slot(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }

    /// Makes a slot the one that was used last.
    fn link(&mut self, place: Place) {
        let before = std::mem::replace(&mut self.newest, place);
        match self.slot(before) {
            Some(slot) => slot.newer = place,
            None => self.oldest = place,
        }
        if let Some(slot) = self.slot(place) {
            (slot.older, slot.newer) = (before, NONE);
        }
    }

    fn slot(&mut self, place: Place) -> Option<&mut Slot<V>> {
        self.slots.get_mut(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut lru = Lru::new(2);
        lru.insert([1; 16], "one", at(9));
        lru.insert([2; 16], "two", at(9));
        assert!(lru.find(&[1; 16], at(0)).is_some());
        lru.insert([3; 16], "three", at(9));
        assert_eq!(lru.find(&[2; 16], at(0)), None);
        assert_eq!(lru.find(&[1; 16], at(0)), Some(&mut "one"));
        assert_eq!(lru.find(&[3; 16], at(0)), Some(&mut "three"));
        lru.insert([3; 16], "again", at(9));
        assert_eq!((lru.places.len(), lru.slots.len() - lru.free.len()), (2, 2));
    }

    #[test]
    fn what_is_heavy_pushes_more_out() {
        let mut lru = Lru::new(10);
        let held = |lru: &mut Lru<u8>| -> Vec<u8> {
            (1..=6).filter(|&n| lru.find(&[n; 16], at(0)).is_some()).collect()
        };
        for n in 1..=5 {
            lru.insert_weighed([n; 16], n, 2, at(9));
        }
        assert_eq!(held(&mut lru), [1, 2, 3, 4, 5]);
        lru.insert_weighed([6; 16], 6, 5, at(9));
        assert_eq!((held(&mut lru), lru.load), (vec![4, 5, 6], 9));
        // The same entry, of another weight.
        lru.insert_weighed([6; 16], 6, 1, at(9));
        lru.insert_weighed([1; 16], 1, 5, at(9));
        assert_eq!((held(&mut lru), lru.load), (vec![1, 4, 5, 6], 10));
        // Too heavy: what was there is no longer true.
        lru.insert_weighed([6; 16], 6, 11, at(9));
        assert_eq!((held(&mut lru), lru.load), (vec![1, 4, 5], 9));
        assert!(lru.find(&[1; 16], at(9)).is_none());
        assert_eq!(lru.load, 4);
    }

    #[test]
    fn entries_end() {
        let mut lru = Lru::new(2);
        lru.insert([1; 16], (), at(5));
        assert!(lru.find(&[1; 16], at(4)).is_some());
        lru.extend(&[1; 16], at(8));
        assert!(lru.find(&[1; 16], at(7)).is_some());
        assert!(lru.find(&[1; 16], at(8)).is_none());
        assert_eq!((lru.places.len(), lru.slots.len() - lru.free.len()), (0, 0));
    }

    #[test]
    fn no_room_holds_nothing() {
        let mut lru = Lru::new(0);
        lru.insert([1; 16], (), at(5));
        assert_eq!(lru.slots.len(), 0);
    }
}
