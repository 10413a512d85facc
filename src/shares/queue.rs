//! A queue in which owners take turns: what one of them has waiting does not keep another waiting.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Entries of owners, each of whom gets one out before any gets a second. Those of one owner stay in their order.
#[derive(Debug)]
pub struct FairQueue<K, T> {
    /// Owners that have an entry, the next one first.
    turns: VecDeque<K>,
    waiting: HashMap<K, VecDeque<T>>,
    entries: usize,
}

impl<K: Copy + Eq + Hash, T> FairQueue<K, T> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self { turns: VecDeque::new(), waiting: HashMap::new(), entries: 0 }
    }

    /// Puts an entry behind those of the same owner.
    pub fn push(&mut self, owner: K, entry: T) {
        self.entries += 1;
        match self.waiting.entry(owner) {
            Entry::Occupied(own) => own.into_mut().push_back(entry),
            Entry::Vacant(place) => {
                place.insert(VecDeque::from([entry]));
                self.turns.push_back(owner);
            }
        }
    }

    /// Takes the oldest entry of the owner whose turn it is.
    pub fn pop(&mut self) -> Option<(K, T)> {
        let owner = self.turns.pop_front()?;
        let own = self.waiting.get_mut(&owner)?;
        let entry = own.pop_front()?;
        self.entries -= 1;
        if own.is_empty() {
            self.waiting.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        Some((owner, entry))
    }

    /// The number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }
}

impl<K: Copy + Eq + Hash, T> Default for FairQueue<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_gets_one_before_any_gets_a_second() {
        let mut queue = FairQueue::new();
        for number in 0..4 {
            queue.push("ada", number);
        }
        queue.push("bob", 10);
        queue.push("bob", 11);
        assert_eq!(queue.len(), 6);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [("ada", 0), ("bob", 10), ("ada", 1), ("bob", 11), ("ada", 2), ("ada", 3)]);
        assert!(queue.is_empty() && queue.turns.is_empty() && queue.waiting.is_empty(), "{queue:?}");
    }
}
