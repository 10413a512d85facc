//! A round-robin queue: the entries of one owner do not delay those of another.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A queue that pops one entry of each owner in turn. The entries of one owner stay in order.
#[derive(Debug)]
pub struct FairQueue<K, T> {
    /// The owners with entries, next first.
    turns: VecDeque<K>,
    waiting: HashMap<K, VecDeque<T>>,
    entries: usize,
}

impl<K: Copy + Eq + Hash, T> FairQueue<K, T> {
    /// Returns an empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self { turns: VecDeque::new(), waiting: HashMap::new(), entries: 0 }
    }

    /// Appends an entry to those of its owner.
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

    /// Removes the oldest entry of the next owner.
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

    /// Returns the number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Returns whether the queue is empty.
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
