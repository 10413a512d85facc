//! One fsync of a directory for all callers that wait for it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The number of failed fsyncs that are kept for callers still waiting.
const MAX_FAILURES: usize = 64;

/// The fsyncs of one directory, numbered from 1 in order.
#[derive(Debug, Default)]
pub(super) struct SharedSync {
    state: Mutex<State>,
    one_ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    ended: u64,
    failures: VecDeque<(u64, ErrorKind, String)>,
}

impl SharedSync {
    /// Waits for an fsync that begins after this call, or runs it. It covers the changes of all waiting callers, and
    /// each gets its outcome.
    pub(super) fn wait(&self, fsync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.lock();
        // A running fsync may miss the change of this caller: it waits for the next one.
        let wanted = state.ended + 1 + u64::from(state.running);
        while state.ended < wanted && state.running {
            state = self.one_ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended >= wanted {
            return state.outcome(wanted);
        }
        state.running = true;
        drop(state);
        let outcome = fsync();
        let mut state = self.lock();
        state.end(&outcome);
        drop(state);
        self.one_ended.notify_all();
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, outcome: &io::Result<()>) {
        self.running = false;
        self.ended += 1;
        if let Err(error) = outcome {
            self.failures.truncate(MAX_FAILURES - 1);
            self.failures.push_front((self.ended, error.kind(), error.to_string()));
        }
    }

    fn outcome(&self, number: u64) -> io::Result<()> {
        match self.failures.iter().find(|(failed, ..)| *failed == number) {
            Some((_, kind, message)) => Err(io::Error::new(*kind, message.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;

    /// Eight callers come while an fsync runs; the outcomes, and how many fsyncs there were.
    fn with_eight_waiting(fails: bool) -> (Vec<bool>, u64) {
        let (shared, runs) = (Arc::new(SharedSync::default()), Arc::new(AtomicU64::new(0)));
        let (begun, is_begun) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let first = {
            let (shared, runs) = (Arc::clone(&shared), Arc::clone(&runs));
            std::thread::spawn(move || {
                shared.wait(|| {
                    begun.send(()).unwrap();
                    released.recv().unwrap();
                    runs.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                })
            })
        };
        is_begun.recv().unwrap();
        let arrived = Arc::new(AtomicU64::new(0));
        let others: Vec<_> = (0..8)
            .map(|_| {
                let (shared, runs, arrived) = (Arc::clone(&shared), Arc::clone(&runs), Arc::clone(&arrived));
                std::thread::spawn(move || {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    shared.wait(|| {
                        runs.fetch_add(1, Ordering::SeqCst);
                        if fails { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
                    })
                })
            })
            .collect();
        while arrived.load(Ordering::SeqCst) < 8 {
            std::thread::yield_now();
        }
        release.send(()).unwrap();
        first.join().unwrap().unwrap();
        (others.into_iter().map(|other| other.join().unwrap().is_ok()).collect(), runs.load(Ordering::SeqCst))
    }

    #[test]
    fn those_who_come_while_one_runs_share_the_next() {
        let (outcomes, runs) = with_eight_waiting(false);
        assert!(outcomes.iter().all(|ok| *ok));
        // A thread that had not asked yet when the first ended may need one more.
        assert!((2..=9).contains(&runs), "{runs} fsyncs of nine callers");
    }

    #[test]
    fn all_hear_of_a_failure() {
        let (outcomes, _) = with_eight_waiting(true);
        assert!(outcomes.iter().all(|ok| !ok));
    }

    #[test]
    fn one_that_began_before_a_call_does_not_count() {
        let shared = SharedSync::default();
        let runs = AtomicU64::new(0);
        let run = || {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        shared.wait(run).unwrap();
        shared.wait(run).unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }
}
