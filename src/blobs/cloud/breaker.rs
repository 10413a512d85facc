//! A circuit breaker. After several failures in a row, requests to the store fail at once for a moment; then one request at a
//! time is let through until the store answers.
//!
//! Written by hand: forty lines on Tokio's clock, which tests can pause, with the one policy that is needed here.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Failures one after the other that open it: at one failure in five a store is slow, and not down.
const FAILURES: u32 = 8;
/// How long it stays open before the next request is let through.
const REST: Duration = Duration::from_secs(2);

/// Counts failures one after the other.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the next request is let through, once it is open.
    next: Option<Instant>,
}

impl Breaker {
    /// Whether the store may be asked now. Of an open one, one request is let through each time that it has rested.
    pub(super) fn admits(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next {
            Some(next) if Instant::now() < next => false,
            Some(_) => {
                state.next = Some(Instant::now() + REST);
                true
            }
            None => true,
        }
    }

    /// Whether it is open.
    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next.is_some()
    }

    /// The store has answered.
    pub(super) fn answered(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = 0;
        if state.next.take().is_some() {
            tracing::info!("bucket circuit closed");
        }
    }

    /// The store has failed.
    pub(super) fn failed(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return;
        }
        if state.next.is_none() {
            tracing::warn!(failures = FAILURES, rest_ms = REST.as_millis(), "bucket circuit opened");
        }
        state.next = Some(Instant::now() + REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, pause};

    #[tokio::test]
    async fn it_opens_rests_and_closes_with_the_first_answer() {
        pause();
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            breaker.failed();
        }
        assert!(breaker.admits() && !breaker.is_open(), "it takes as many as it says");
        breaker.answered();
        for _ in 1..FAILURES {
            breaker.failed();
        }
        assert!(breaker.admits(), "only those in a row count");
        breaker.failed();
        assert!(!breaker.admits() && breaker.is_open());
        advance(REST).await;
        assert!(breaker.admits(), "one asks");
        assert!(!breaker.admits(), "and the others do not");
        breaker.failed();
        advance(REST / 2).await;
        assert!(!breaker.admits());
        advance(REST / 2).await;
        assert!(breaker.admits());
        breaker.answered();
        assert!(breaker.admits() && breaker.admits() && !breaker.is_open());
    }
}
