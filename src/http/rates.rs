//! The token buckets of the per-key and per-workspace rate limits.
//!
//! A bucket holds the tokens of one minute and refills evenly (GCRA). Each replica of the server has separate buckets.

use super::headers::{RATE_LIMIT, RATE_REMAINING, RATE_RESET, put};
use crate::model::limits::{Limit, LimitOwner};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderValue};
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The maximum number of buckets, at about 130 bytes each. At the maximum, full buckets are removed. If more than half
/// of the maximum remain, all buckets are removed, and every owner starts again with a full bucket.
const MAX_BUCKETS: usize = 65_536;

/// The state of a bucket after a token was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitState {
    /// The tokens of a full bucket.
    pub limit: u32,
    /// The remaining tokens.
    pub remaining: u32,
    /// The time until the bucket is full again, rounded up to a multiple of the refill time of one token.
    pub reset: Duration,
}

/// The time after which an empty bucket has a token again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

/// The buckets of all workspaces and keys.
#[derive(Debug)]
pub struct Rates<C: Clock = DefaultClock> {
    buckets: Mutex<HashMap<(LimitOwner, Limit), Bucket<C>>>,
    clock: C,
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

#[derive(Debug)]
struct Bucket<C: Clock> {
    per_minute: NonZeroU32,
    limiter: Limiter<C>,
}

impl Default for Rates {
    fn default() -> Self {
        Self::with_clock(DefaultClock::default())
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with_clock(clock: C) -> Self {
        Self { buckets: Mutex::default(), clock }
    }

    /// Takes one token from a bucket. A change of its limit replaces the bucket by a full one.
    ///
    /// # Errors
    /// When the bucket is empty. No token is taken then.
    pub fn take(
        &self,
        owner: LimitOwner,
        measure: Limit,
        per_minute: NonZeroU32,
    ) -> Result<RateLimitState, RetryAfter> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (owner, measure);
        if let Some(bucket) = buckets.get(&name).filter(|bucket| bucket.per_minute == per_minute) {
            return bucket.take(&self.clock);
        }
        make_room(&mut buckets);
        let bucket = Bucket::new(per_minute, self.clock.clone());
        let taken = bucket.take(&self.clock);
        buckets.insert(name, bucket);
        taken
    }
}

fn make_room<C: Clock>(buckets: &mut HashMap<(LimitOwner, Limit), Bucket<C>>) {
    if buckets.len() < MAX_BUCKETS {
        return;
    }
    buckets.retain(|_, bucket| !bucket.empty_if_full());
    // Otherwise the next scan of the whole map would follow after a few more inserts.
    if buckets.len() > MAX_BUCKETS / 2 {
        buckets.clear();
    }
}

impl<C: Clock> Bucket<C> {
    fn new(per_minute: NonZeroU32, clock: C) -> Self {
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(per_minute), clock).with_middleware();
        Self { per_minute, limiter }
    }

    fn take(&self, clock: &C) -> Result<RateLimitState, RetryAfter> {
        match self.limiter.check() {
            Ok(state) => {
                let (limit, remaining) = (self.per_minute.get(), state.remaining_burst_capacity());
                let reset = state.quota().replenish_interval().saturating_mul(limit.saturating_sub(remaining));
                Ok(RateLimitState { limit, remaining, reset })
            }
            Err(not_until) => Err(RetryAfter(not_until.wait_time_from(clock.now()))),
        }
    }

    /// Takes all tokens if the bucket is full, and returns whether it was.
    fn empty_if_full(&self) -> bool {
        matches!(self.limiter.check_n(self.per_minute), Ok(Ok(_)))
    }
}

impl RateLimitState {
    /// Writes OpenAI's headers, which describe [`Limit::RequestsPerMinute`].
    pub fn put_into(self, headers: &mut HeaderMap) {
        headers.insert(RATE_LIMIT, HeaderValue::from(self.limit));
        headers.insert(RATE_REMAINING, HeaderValue::from(self.remaining));
        put(headers, RATE_RESET, &GoDuration(self.reset).to_string());
    }
}

impl RetryAfter {
    /// Returns the value of `Retry-After`: whole seconds, rounded up, at least one.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0.as_secs().saturating_add(u64::from(self.0.subsec_nanos() > 0)).max(1)
    }
}

/// A duration as OpenAI's headers and Go write it: `6m0s`, `1.5s` or `20ms`, rounded up to milliseconds.
struct GoDuration(Duration);

impl fmt::Display for GoDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total_ms = self.0.as_nanos().div_ceil(1_000_000);
        let (total_seconds, ms) = (total_ms / 1000, total_ms % 1000);
        if total_seconds == 0 && ms > 0 {
            return write!(out, "{ms}ms");
        }
        let (hours, minutes, seconds) = (total_seconds / 3600, total_seconds / 60 % 60, total_seconds % 60);
        if hours > 0 {
            write!(out, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(out, "{minutes}m")?;
        }
        match ms {
            0 => write!(out, "{seconds}s"),
            ms if ms % 100 == 0 => write!(out, "{seconds}.{}s", ms / 100),
            ms if ms % 10 == 0 => write!(out, "{seconds}.{:02}s", ms / 10),
            ms => write!(out, "{seconds}.{ms:03}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{KeyId, WorkspaceId};
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    fn minute(limit: u32) -> NonZeroU32 {
        NonZeroU32::new(limit).unwrap()
    }

    fn key(number: u64) -> LimitOwner {
        LimitOwner::Key(KeyId::next(None, number, [0; 11]))
    }

    fn rates() -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Rates::with_clock(clock.clone()), clock)
    }

    fn len(rates: &Rates<FakeRelativeClock>) -> usize {
        rates.buckets.lock().unwrap().len()
    }

    #[test]
    fn a_bucket_holds_one_minute_and_refills_evenly() {
        let (rates, clock) = rates();
        let take = || rates.take(key(1), Limit::RequestsPerMinute, minute(4));
        for remaining in (0..4).rev() {
            let reset = Duration::from_secs(15) * (4 - remaining);
            assert_eq!(take(), Ok(RateLimitState { limit: 4, remaining, reset }));
        }
        assert_eq!(take(), Err(RetryAfter(Duration::from_secs(15))));
        clock.advance(Duration::from_millis(14_500));
        assert_eq!(take(), Err(RetryAfter(Duration::from_millis(500))));
        clock.advance(Duration::from_millis(500));
        assert_eq!(take(), Ok(RateLimitState { limit: 4, remaining: 0, reset: Duration::from_mins(1) }));
        assert_eq!(take(), Err(RetryAfter(Duration::from_secs(15))));
        clock.advance(Duration::from_mins(10));
        assert_eq!(take().unwrap().remaining, 3);
    }

    #[test]
    fn each_owner_and_limit_has_a_separate_bucket() {
        let (rates, _) = rates();
        let workspace = LimitOwner::Workspace(WorkspaceId::next(None, 1, [0; 11]));
        for (subject, measure) in [
            (key(1), Limit::RequestsPerMinute),
            (key(2), Limit::RequestsPerMinute),
            (key(1), Limit::UploadsPerMinute),
            (workspace, Limit::RequestsPerMinute),
        ] {
            rates.take(subject, measure, minute(1)).unwrap();
            rates.take(subject, measure, minute(1)).unwrap_err();
        }
    }

    #[test]
    fn a_changed_limit_is_a_full_bucket() {
        let (rates, _) = rates();
        let take = |limit| rates.take(key(1), Limit::RequestsPerMinute, minute(limit));
        take(1).unwrap();
        take(1).unwrap_err();
        assert_eq!(take(5).unwrap().remaining, 4);
        assert_eq!(take(5).unwrap().remaining, 3);
        take(1).unwrap();
        take(1).unwrap_err();
        assert_eq!(len(&rates), 1);
    }

    #[test]
    fn the_largest_limit_is_accepted() {
        let (rates, _) = rates();
        let left = rates.take(key(1), Limit::RequestsPerMinute, NonZeroU32::MAX).unwrap();
        assert_eq!((left.limit, left.remaining), (u32::MAX, u32::MAX - 1));
    }

    #[test]
    fn only_full_buckets_are_removed_at_the_maximum() {
        let (rates, clock) = rates();
        let take = |number, limit| rates.take(key(number), Limit::RequestsPerMinute, minute(limit));
        let max = u64::try_from(MAX_BUCKETS).unwrap();
        for number in 1..max {
            take(number, 60).unwrap();
        }
        take(0, 1).unwrap();
        assert_eq!(len(&rates), MAX_BUCKETS);
        clock.advance(Duration::from_secs(2));
        take(max, 60).unwrap();
        assert_eq!(len(&rates), 2, "the bucket that is not full, and the new one");
        assert_eq!(take(0, 1), Err(RetryAfter(Duration::from_secs(58))));
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let (rates, _) = rates();
        for number in 0..3 * u64::try_from(MAX_BUCKETS).unwrap() {
            rates.take(key(number), Limit::RequestsPerMinute, minute(1)).unwrap();
            assert!(number % 1000 > 0 || len(&rates) <= MAX_BUCKETS);
        }
        assert!(len(&rates) <= MAX_BUCKETS);
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (time_us, text) in [
            (0, "0s"),
            (1, "1ms"),
            (6_000, "6ms"),
            (6_001, "7ms"),
            (999_000, "999ms"),
            (999_001, "1s"),
            (1_000_000, "1s"),
            (1_001_000, "1.001s"),
            (1_010_000, "1.01s"),
            (8_640_000, "8.64s"),
            (1_500_000, "1.5s"),
            (60_000_000, "1m0s"),
            (90_951_000, "1m30.951s"),
            (360_000_000, "6m0s"),
            (3_600_000_000, "1h0m0s"),
            (90_061_020_000, "25h1m1.02s"),
        ] {
            assert_eq!(GoDuration(Duration::from_micros(time_us)).to_string(), text);
        }
    }

    #[test]
    fn waits_are_whole_seconds_rounded_up() {
        for (time_ms, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60), (60_000, 60)] {
            assert_eq!(RetryAfter(Duration::from_millis(time_ms)).seconds(), seconds);
        }
    }

    #[test]
    fn headers_are_those_of_openai() {
        let mut headers = HeaderMap::new();
        RateLimitState { limit: 500, remaining: 499, reset: Duration::from_millis(120) }.put_into(&mut headers);
        let value = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(value("x-ratelimit-limit-requests"), "500");
        assert_eq!(value("x-ratelimit-remaining-requests"), "499");
        assert_eq!(value("x-ratelimit-reset-requests"), "120ms");
        assert_eq!(headers.len(), 3);
    }

    proptest! {
        #[test]
        fn a_request_after_its_retry_after_is_accepted(limit in 1_u32..100, pauses_ms in prop::collection::vec(0_u64..2000, 1..100)) {
            let (rates, clock) = rates();
            let take = || rates.take(key(1), Limit::RequestsPerMinute, minute(limit));
            for pause_ms in pauses_ms {
                clock.advance(Duration::from_millis(pause_ms));
                let Err(RetryAfter(wait)) = take() else { continue };
                clock.advance(wait.saturating_sub(Duration::from_nanos(1)));
                prop_assert!(take().is_err(), "a nanosecond earlier is too early");
                clock.advance(Duration::from_nanos(1));
                prop_assert!(take().is_ok());
            }
        }
    }
}
