//! A bounded map whose entries end: the least recently used goes first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::store::StoreKey;

#[derive(Debug)]
struct Slot<V> {
    value: V,
    /// What it takes of the capacity.
    weight: usize,
    ends: Duration,
    turn: u64,
}

/// Holds entries that weigh at most `capacity` together, none of them past its end.
#[derive(Debug)]
pub(crate) struct Lru<V> {
    capacity: usize,
    /// What all weigh.
    load: usize,
    slots: HashMap<StoreKey, Slot<V>>,
    /// Keys by when they were last used. Invariant: one for each slot.
    turns: BTreeMap<u64, StoreKey>,
    turn: u64,
}

impl<V> Lru<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, load: 0, slots: HashMap::new(), turns: BTreeMap::new(), turn: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.load = 0;
        self.slots.clear();
        self.turns.clear();
    }

    /// The entry, now the most recently used; its end stays.
    pub(crate) fn find(&mut self, key: &StoreKey, now: Duration) -> Option<&mut V> {
        let turn = self.next_turn();
        if self.slots.get(key).is_some_and(|slot| slot.ends <= now) {
            self.remove(key);
        }
        let slot = self.slots.get_mut(key)?;
        self.turns.remove(&slot.turn);
        slot.turn = turn;
        self.turns.insert(turn, *key);
        Some(&mut slot.value)
    }

    /// Gives an entry a later end.
    pub(crate) fn extend(&mut self, key: &StoreKey, ends: Duration) {
        if let Some(slot) = self.slots.get_mut(key) {
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
            let Some((_, oldest)) = self.turns.first_key_value() else { break };
            let oldest = *oldest;
            self.remove(&oldest);
        }
        let turn = self.next_turn();
        self.load += weight;
        self.turns.insert(turn, key);
        self.slots.insert(key, Slot { value, weight, ends, turn });
    }

    fn remove(&mut self, key: &StoreKey) {
        if let Some(slot) = self.slots.remove(key) {
            self.turns.remove(&slot.turn);
            self.load -= slot.weight;
        }
    }

    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
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
        assert_eq!((lru.slots.len(), lru.turns.len()), (2, 2));
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
        assert_eq!((lru.slots.len(), lru.turns.len()), (0, 0));
    }

    #[test]
    fn no_room_holds_nothing() {
        let mut lru = Lru::new(0);
        lru.insert([1; 16], (), at(5));
        assert_eq!(lru.slots.len(), 0);
    }
}
