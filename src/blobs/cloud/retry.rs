//! Timeouts, retries and backoff of requests to a bucket.
//!
//! The client's own retries are switched off. They do not know how long an answer may take, which requests carry
//! megabytes, and whether the circuit breaker is open.

use super::breaker::Breaker;
use super::failure::{Failure, Kind};
use crate::metrics::{METRICS, OutcomeLabels};
use crate::random::Backoff;
use crate::traces::Step;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The maximum number of attempts of a request.
const MAX_ATTEMPTS: u32 = 4;
/// The number of attempts that fit into the request time if each takes its full time.
const FULL_ATTEMPTS: u32 = 2;
/// The number of equal shares of the request time. One attempt gets one share; the last share is for checking the
/// outcome.
const TIMEOUT_SHARES: u32 = FULL_ATTEMPTS + 1;
/// The upper bound of the pause before the second attempt. It doubles with each attempt.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// The upper bound of every pause.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// The slowest transfer that is tolerated, in bytes per second.
const MIN_BYTES_PER_SECOND: u64 = 256 << 10;

/// The retry rules of one bucket.
#[derive(Debug)]
pub(super) struct RetryPolicy {
    breaker: Breaker,
    /// The timeout of an attempt without a body.
    attempt_time: Duration,
}

impl RetryPolicy {
    /// Returns the rules for requests that take at most `request_time`, retries included.
    pub(super) fn new(request_time: Duration) -> Self {
        Self { breaker: Breaker::default(), attempt_time: request_time / TIMEOUT_SHARES }
    }

    /// Returns the timeout of an attempt without a body.
    pub(super) const fn timeout(&self) -> Duration {
        self.attempt_time
    }

    /// Returns the timeout of an attempt that carries `bytes`.
    pub(super) fn timeout_for(&self, bytes: u64) -> Duration {
        self.attempt_time + Duration::from_millis(bytes.saturating_mul(1000) / MIN_BYTES_PER_SECOND)
    }

    /// Returns the time of a request with `time_limit` for each attempt, the check of its outcome included.
    pub(super) fn whole_time(time_limit: Duration) -> Duration {
        time_limit * TIMEOUT_SHARES
    }

    /// Returns whether the circuit breaker is open.
    pub(super) fn is_circuit_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Makes an idempotent request, with `time_limit` for each attempt. Refusals that stores give in error are retried
    /// once.
    ///
    /// # Errors
    /// The last failure, which says whether an attempt got no answer. After such a one and after a transient one, the
    /// store may or may not have done it, or do it yet.
    pub(super) async fn run<T, F>(&self, time_limit: Duration, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let deadline = Instant::now() + time_limit * FULL_ATTEMPTS;
        let (mut made, mut backoff) = (0, Backoff::new(FIRST_BACKOFF, MAX_BACKOFF));
        let (mut doubted, mut unanswered) = (false, false);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut failure = match self.run_once(time_limit.min(left), &request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            unanswered |= failure.is_unanswered;
            failure.is_unanswered = unanswered;
            let is_retried = match failure.kind {
                Kind::Transient => !failure.is_circuit_open(),
                _ => failure.is_retried_refusal() && !std::mem::replace(&mut doubted, true),
            };
            made += 1;
            let pause = backoff.next_pause();
            if !is_retried || made == MAX_ATTEMPTS || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            METRICS.bucket_retries.inc();
            tracing::debug!(%failure, "bucket request retried");
            sleep(pause).await;
        }
    }

    /// Makes a request once, within `time_limit`.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn run_once<T, F>(&self, time_limit: Duration, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        if !self.breaker.allows() {
            return Err(Failure::circuit_open());
        }
        let _step = Step::call("bucket request");
        let failure = match timeout(time_limit, request()).await {
            Ok(Ok(answer)) => {
                self.breaker.record_success();
                count("ok");
                return Ok(answer);
            }
            Ok(Err(error)) => Failure::from_client(&error),
            Err(_) => Failure::timed_out(),
        };
        count(if failure.kind == Kind::Transient { "failed" } else { "refused" });
        self.note(&failure);
        Err(failure)
    }

    /// Records the outcome of a request in the circuit breaker. A refusal counts as an answer.
    pub(super) fn note(&self, failure: &Failure) {
        if failure.kind == Kind::Transient { self.breaker.record_failure() } else { self.breaker.record_success() }
    }
}

/// Counts a request by its outcome.
fn count(outcome: &'static str) {
    METRICS.bucket_requests.get_or_create(&OutcomeLabels { outcome }).inc();
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
        let (retry, made) = (RetryPolicy::new(Duration::from_secs(30)), AtomicU32::new(0));
        let answers = |texts: &'static [&'static str]| {
            made.store(0, Ordering::Relaxed);
            let made = &made;
            move || {
                let text = texts.get(made.fetch_add(1, Ordering::Relaxed) as usize);
                async move { text.map_or(Ok(7), |text| Err(failing(text))) }
            }
        };
        let time_limit = retry.timeout();
        assert_eq!(retry.run(time_limit, answers(&["status code: 500", "status code: 503"])).await.unwrap(), 7);
        assert_eq!(made.load(Ordering::Relaxed), 3);
        let refused = retry.run(time_limit, answers(&["status code: 400"])).await.unwrap_err();
        assert_eq!((refused.kind, made.load(Ordering::Relaxed)), (Kind::Refused, 1));
        assert_eq!(retry.run(time_limit, answers(&[DOUBTED])).await.unwrap(), 7);
        let refused = retry.run(time_limit, answers(&[DOUBTED; 9])).await.unwrap_err();
        assert_eq!((refused.kind, made.load(Ordering::Relaxed)), (Kind::Refused, 2));
        let down = retry.run(time_limit, answers(&["status code: 500"; 9])).await.unwrap_err();
        assert_eq!((down.kind, made.load(Ordering::Relaxed)), (Kind::Transient, MAX_ATTEMPTS));
    }

    #[tokio::test]
    async fn silence_ends_in_time_and_then_at_once() {
        pause();
        let retry = RetryPolicy::new(Duration::from_secs(30));
        let silent = || std::future::pending::<object_store::Result<()>>();
        let begun = Instant::now();
        assert!(retry.run(retry.timeout(), silent).await.is_err());
        assert!(begun.elapsed() <= Duration::from_secs(21), "{:?}", begun.elapsed());
        while !retry.is_circuit_open() {
            assert!(retry.run(retry.timeout(), silent).await.is_err());
        }
        let begun = Instant::now();
        assert!(retry.run(retry.timeout(), silent).await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
