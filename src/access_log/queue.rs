//! The bounded queue between requests and the thread that writes.

use super::entry::Entry;
use super::output::Output;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The maximum number of entries that wait; as many again may be in the hands of the thread.
const MAX_ENTRIES: usize = 8192;

/// The entries that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    /// The output for the entries that wait.
    replacement: Option<Output>,
    /// The thread waits for an entry.
    is_idle: bool,
    is_closed: bool,
}

impl Queue {
    /// Adds an entry; returns whether there was room.
    pub(super) fn push(&self, entry: Entry) -> bool {
        let mut state = self.lock();
        if state.entries.len() >= MAX_ENTRIES || state.is_closed {
            return false;
        }
        state.entries.push(entry);
        let was_idle = std::mem::take(&mut state.is_idle);
        drop(state);
        if was_idle {
            // A wake-up is a system call, so only the first entry of a batch makes it.
            self.changed.notify_one();
        }
        true
    }

    /// Replaces the output of the entries that wait and of later ones.
    pub(super) fn replace(&self, output: Output) {
        self.lock().replacement = Some(output);
    }

    /// Takes no more entries.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Waits for entries and moves all of them into `entries`, which is empty. Returns the replacement of the output
    /// where there is one. Returns nothing at the end.
    #[expect(clippy::option_option, reason = "the outer one is the end, the inner one a replacement")]
    pub(super) fn take(&self, entries: &mut Vec<Entry>) -> Option<Option<Output>> {
        let mut state = self.lock();
        while state.entries.is_empty() {
            if state.is_closed {
                return None;
            }
            state.is_idle = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.entries, entries);
        Some(state.replacement.take())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_takes_again_once_it_is_emptied() {
        let queue = Queue::default();
        assert!((0..MAX_ENTRIES).all(|_| queue.push(Entry::example())));
        assert!(!queue.push(Entry::example()));
        let mut entries = Vec::new();
        assert!(queue.take(&mut entries).is_some());
        assert_eq!(entries.len(), MAX_ENTRIES);
        assert!(queue.push(Entry::example()));
    }

    #[test]
    fn a_closed_queue_gives_what_waits_and_then_ends() {
        let (queue, mut entries) = (Queue::default(), Vec::new());
        assert!(queue.push(Entry::example()));
        queue.close();
        assert!(!queue.push(Entry::example()));
        assert!(queue.take(&mut entries).is_some() && entries.len() == 1);
        entries.clear();
        assert!(queue.take(&mut entries).is_none());
    }
}
