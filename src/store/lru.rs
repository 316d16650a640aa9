//! A bounded map whose entries end: the least recently used goes first.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::store::StoreKey;

#[derive(Debug)]
struct Slot<V> {
    value: V,
    ends: Duration,
    turn: u64,
}

/// Holds at most `capacity` entries, none of them past its end.
#[derive(Debug)]
pub(crate) struct Lru<V> {
    capacity: usize,
    slots: HashMap<StoreKey, Slot<V>>,
    /// Keys by when they were last used. Invariant: one for each slot.
    turns: BTreeMap<u64, StoreKey>,
    turn: u64,
}

impl<V> Lru<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, slots: HashMap::new(), turns: BTreeMap::new(), turn: 0 }
    }

    pub(crate) fn clear(&mut self) {
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

    pub(crate) fn insert(&mut self, key: StoreKey, value: V, ends: Duration) {
        if self.capacity == 0 {
            return;
        }
        self.remove(&key);
        while self.slots.len() >= self.capacity {
            let Some((_, oldest)) = self.turns.pop_first() else { break };
            self.slots.remove(&oldest);
        }
        let turn = self.next_turn();
        self.turns.insert(turn, key);
        self.slots.insert(key, Slot { value, ends, turn });
    }

    fn remove(&mut self, key: &StoreKey) {
        if let Some(slot) = self.slots.remove(key) {
            self.turns.remove(&slot.turn);
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
