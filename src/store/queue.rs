//! Sealed mappings that wait for the store to come back. Bounded: the oldest
//! go first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::store::batch::{Entry, StoreKey};

#[derive(Debug)]
pub(crate) struct Queue {
    capacity: usize,
    entries: HashMap<StoreKey, Entry>,
    /// Keys in the order of arrival. Those without an entry have been written.
    order: VecDeque<StoreKey>,
}

/// What became of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// It waits now; `dropped` others had to go.
    Waiting { dropped: u64 },
    /// This was waiting under its key already.
    Already(Arc<[u8]>),
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new(), order: VecDeque::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn find(&self, key: &StoreKey) -> Option<&Arc<[u8]>> {
        self.entries.get(key).map(|entry| &entry.sealed)
    }

    pub(crate) fn push(&mut self, entry: Entry) -> Queued {
        if let Some(waiting) = self.find(&entry.key) {
            return Queued::Already(Arc::clone(waiting));
        }
        if self.capacity == 0 {
            return Queued::Waiting { dropped: 1 };
        }
        let mut dropped = 0;
        while self.entries.len() >= self.capacity {
            let Some(oldest) = self.order.pop_front() else { break };
            dropped += u64::from(self.entries.remove(&oldest).is_some());
        }
        self.order.push_back(entry.key);
        self.entries.insert(entry.key, entry);
        Queued::Waiting { dropped }
    }

    /// The oldest entries. They stay until [`Queue::remove`] says that they
    /// were written: a flush may fail half way.
    pub(crate) fn oldest(&mut self, count: usize) -> Vec<Entry> {
        self.order.retain(|key| self.entries.contains_key(key));
        self.order.iter().take(count).filter_map(|key| self.entries.get(key)).cloned().collect()
    }

    pub(crate) fn remove(&mut self, key: &StoreKey) {
        self.entries.remove(key);
        if self.entries.is_empty() {
            self.order.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u8) -> Entry {
        let sealed = Arc::from([n].as_slice());
        let (lasting, replaces) = (false, false);
        Entry { key: [n; 16], fingerprint: [n; 32], sealed, lasting, replaces }
    }

    fn keys(queue: &mut Queue, count: usize) -> Vec<u8> {
        queue.oldest(count).iter().map(|entry| entry.key[0]).collect()
    }

    #[test]
    fn the_oldest_go_first() {
        let mut queue = Queue::new(2);
        assert_eq!(queue.push(entry(1)), Queued::Waiting { dropped: 0 });
        assert_eq!(queue.push(entry(2)), Queued::Waiting { dropped: 0 });
        assert_eq!(queue.push(entry(1)), Queued::Already(Arc::from([1].as_slice())));
        assert_eq!(queue.push(entry(3)), Queued::Waiting { dropped: 1 });
        assert_eq!(keys(&mut queue, 9), [2, 3]);
        assert_eq!(keys(&mut queue, 1), [2]);
        assert!(queue.find(&[1; 16]).is_none());
    }

    #[test]
    fn written_entries_leave_room() {
        let mut queue = Queue::new(2);
        queue.push(entry(1));
        queue.push(entry(2));
        queue.remove(&[1; 16]);
        assert_eq!(queue.push(entry(3)), Queued::Waiting { dropped: 0 });
        assert_eq!(keys(&mut queue, 9), [2, 3]);
        queue.remove(&[2; 16]);
        queue.remove(&[3; 16]);
        assert_eq!((queue.len(), queue.order.len()), (0, 0));
        assert_eq!(Queue::new(0).push(entry(1)), Queued::Waiting { dropped: 1 });
    }
}
