//! A circuit breaker. After several failures in a row, requests to the store fail at once for a moment; then one
//! request at a time is let through until the store answers.
//!
//! Written by hand: forty lines on Tokio's clock, which tests can pause, with the one policy that is needed here.

use crate::metrics::METRICS;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Consecutive failures that open the breaker. A store with one failure in five is slow, not down.
const FAILURES: u32 = 8;
/// The time that the breaker stays open before the next probe.
const OPEN_TIME: Duration = Duration::from_secs(2);

/// The breaker of one bucket.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// The time of the next probe, while the breaker is open.
    next: Option<Instant>,
}

impl Breaker {
    /// Returns whether a request may be made. An open breaker allows one probe per [`OPEN_TIME`].
    pub(super) fn allows(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next {
            Some(next) if Instant::now() < next => false,
            Some(_) => {
                state.next = Some(Instant::now() + OPEN_TIME);
                true
            }
            None => true,
        }
    }

    /// Returns whether the breaker is open.
    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next.is_some()
    }

    /// Closes the breaker.
    pub(super) fn record_success(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = 0;
        if state.next.take().is_some() {
            METRICS.bucket_circuit_open.set(0);
            tracing::info!("bucket circuit closed");
        }
    }

    /// Counts a failure, and opens the breaker at the limit.
    pub(super) fn record_failure(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return;
        }
        if state.next.is_none() {
            METRICS.bucket_circuit_open.set(1);
            tracing::warn!(failures = FAILURES, rest_ms = OPEN_TIME.as_millis(), "bucket circuit opened");
        }
        state.next = Some(Instant::now() + OPEN_TIME);
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
            breaker.record_failure();
        }
        assert!(breaker.allows() && !breaker.is_open(), "it takes as many as it says");
        breaker.record_success();
        for _ in 1..FAILURES {
            breaker.record_failure();
        }
        assert!(breaker.allows(), "only those in a row count");
        breaker.record_failure();
        assert!(!breaker.allows() && breaker.is_open());
        advance(OPEN_TIME).await;
        assert!(breaker.allows(), "one asks");
        assert!(!breaker.allows(), "and the others do not");
        breaker.record_failure();
        advance(OPEN_TIME / 2).await;
        assert!(!breaker.allows());
        advance(OPEN_TIME / 2).await;
        assert!(breaker.allows());
        breaker.record_success();
        assert!(breaker.allows() && breaker.allows() && !breaker.is_open());
    }
}
