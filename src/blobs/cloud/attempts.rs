//! Asking a store in the cloud: every request has its time, and what fails in passing is tried again a few times.
//!
//! The client's own repetitions are switched off: they know nothing of how long an answer may take, which requests carry
//! megabytes, and whether the store is worth asking at all.

use super::breaker::Breaker;
use super::failure::{Failure, Kind};
use crate::random::Backoff;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How often a request is made at most.
const MAX_ATTEMPTS: u32 = 4;
/// How many attempts a request has time for that all take as long as they may.
const FULL_ATTEMPTS: u32 = 2;
/// An attempt may take one of so many parts of what a request may: there are those attempts, and a look at what came of them.
const SHARES: u32 = FULL_ATTEMPTS + 1;
/// The longest pause before the second attempt; it doubles with each, and each is a random part of it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause there is.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The slowest transfer that is waited for, in bytes a second.
const SLOWEST_BYTES_PER_SECOND: u64 = 256 << 10;

/// How requests are made.
#[derive(Debug)]
pub(super) struct Attempts {
    breaker: Breaker,
    /// How long an attempt may take that carries next to nothing.
    attempt_time: Duration,
}

impl Attempts {
    /// Requests have so much time, with all that is tried again.
    pub(super) fn new(request_time: Duration) -> Self {
        Self { breaker: Breaker::default(), attempt_time: request_time / SHARES }
    }

    /// How long a store may be silent.
    pub(super) const fn patience(&self) -> Duration {
        self.attempt_time
    }

    /// How long an attempt may take that carries so many bytes.
    pub(super) fn patience_for(&self, bytes: u64) -> Duration {
        self.attempt_time + Duration::from_millis(bytes.saturating_mul(1000) / SLOWEST_BYTES_PER_SECOND)
    }

    /// Whether the store has failed so often that it is left alone.
    pub(super) fn is_resting(&self) -> bool {
        self.breaker.is_open()
    }

    /// Makes a request that does no harm when it is made twice, each time within `patience`. A refusal that stores give in
    /// passing is doubted once.
    ///
    /// # Errors
    /// The last failure. When it is a passing one, it is not known whether the store did what it was asked for.
    pub(super) async fn make<T, F>(&self, patience: Duration, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let deadline = Instant::now() + patience * FULL_ATTEMPTS;
        let (mut made, mut backoff, mut doubted) = (0, Backoff::new(FIRST_PAUSE, LONGEST_PAUSE), false);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let failure = match self.make_once(patience.min(left), &request).await {
                Err(failure) if failure.kind == Kind::Passing && !failure.is_resting() => failure,
                Err(failure) if failure.is_doubtful() && !std::mem::replace(&mut doubted, true) => failure,
                outcome => return outcome,
            };
            made += 1;
            let pause = backoff.next_pause();
            if made == MAX_ATTEMPTS || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            tracing::debug!(%failure, "bucket request retried");
            sleep(pause).await;
        }
    }

    /// Makes a request once, within `patience`.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub(super) async fn make_once<T, F>(&self, patience: Duration, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        if !self.breaker.admits() {
            return Err(Failure::resting());
        }
        let failure = match timeout(patience, request()).await {
            Ok(Ok(answer)) => {
                self.breaker.answered();
                return Ok(answer);
            }
            Ok(Err(error)) => Failure::of(&error),
            Err(_) => Failure::silent(),
        };
        self.note(&failure);
        Err(failure)
    }

    /// Tells the breaker how a request ended; one that was refused was answered.
    pub(super) fn note(&self, failure: &Failure) {
        if failure.kind == Kind::Passing { self.breaker.failed() } else { self.breaker.answered() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::Error;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::pause;

    const DOUBTED: &str = "status code: 400 x: <Code>InvalidPart</Code>";

    fn failing(text: &str) -> Error {
        Error::Generic { store: "S3", source: text.into() }
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_not() {
        pause();
        let (attempts, made) = (Attempts::new(Duration::from_secs(30)), AtomicU32::new(0));
        let answers = |texts: &'static [&'static str]| {
            made.store(0, Ordering::Relaxed);
            let made = &made;
            move || {
                let text = texts.get(made.fetch_add(1, Ordering::Relaxed) as usize);
                async move { text.map_or(Ok(7), |text| Err(failing(text))) }
            }
        };
        let patience = attempts.patience();
        assert_eq!(attempts.make(patience, answers(&["status code: 500", "status code: 503"])).await.unwrap(), 7);
        assert_eq!(made.load(Ordering::Relaxed), 3);
        let refused = attempts.make(patience, answers(&["status code: 400"])).await.unwrap_err();
        assert_eq!((refused.kind, made.load(Ordering::Relaxed)), (Kind::Refused, 1));
        assert_eq!(attempts.make(patience, answers(&[DOUBTED])).await.unwrap(), 7);
        let refused = attempts.make(patience, answers(&[DOUBTED; 9])).await.unwrap_err();
        assert_eq!((refused.kind, made.load(Ordering::Relaxed)), (Kind::Refused, 2));
        let down = attempts.make(patience, answers(&["status code: 500"; 9])).await.unwrap_err();
        assert_eq!((down.kind, made.load(Ordering::Relaxed)), (Kind::Passing, MAX_ATTEMPTS));
    }

    #[tokio::test]
    async fn silence_ends_in_time_and_then_at_once() {
        pause();
        let attempts = Attempts::new(Duration::from_secs(30));
        let silent = || std::future::pending::<object_store::Result<()>>();
        let begun = Instant::now();
        assert!(attempts.make(attempts.patience(), silent).await.is_err());
        assert!(begun.elapsed() <= Duration::from_secs(21), "{:?}", begun.elapsed());
        while !attempts.is_resting() {
            assert!(attempts.make(attempts.patience(), silent).await.is_err());
        }
        let begun = Instant::now();
        assert!(attempts.make(attempts.patience(), silent).await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
