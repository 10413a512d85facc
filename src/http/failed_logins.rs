//! The rate limit of failed logins, for each network.
//!
//! Only failures are counted and refused. A valid key is always accepted, even from an address with many failures. A
//! request without a key does not count. For a network over its limit, a few look-ups of unknown keys per second
//! remain, so a flood of invented keys does not reach the database.

use super::address::{ClientAddress, Network};
use super::rates::RetryAfter;
use arc_swap::ArcSwapOption;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The maximum number of tracked networks, at about 40 bytes each. Concurrent inserts may exceed it slightly. While
/// this many networks have not recovered from their failures, all networks count as one.
const MAX_NETWORKS: usize = 65_536;
/// The number of failures between two scans for recovered networks at [`MAX_NETWORKS`]; a scan visits all networks.
const FAILURES_PER_SWEEP: usize = 1024;
/// The maximum number of tracked networks over their limit, at about 200 bytes each.
const MAX_SUSPECTS: usize = 16_384;
/// The look-ups of unknown keys per second, for each network over its limit.
const SUSPECT_LOOK_UPS_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The failed logins of all networks.
#[derive(Debug)]
pub struct FailedLogins<C: Clock = DefaultClock> {
    /// The maximum of failures per minute; 0 for no limit.
    max_per_minute: AtomicU32,
    limiter: ArcSwapOption<Limiter<C>>,
    failures_while_full: AtomicUsize,
    /// The look-ups of networks over their limit.
    suspects: Cache<Origin, Arc<LookUps<C>>>,
    clock: C,
}

type LookUps<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

type Limiter<C> = RateLimiter<Origin, HashMapStateStore<Origin>, C, NoOpMiddleware<<C as Clock>::Instant>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    One(Network),
    All,
}

fn limiter<C: Clock + Clone>(max_per_minute: u32, clock: &C) -> Option<Arc<Limiter<C>>> {
    let per_minute = NonZeroU32::new(max_per_minute)?;
    Some(Arc::new(RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute), clock.clone())))
}

impl FailedLogins {
    /// Permits `max_per_minute` failures of each network, in a burst or evenly; any number for 0.
    #[must_use]
    pub fn new(max_per_minute: u32) -> Self {
        Self::with_clock(max_per_minute, DefaultClock::default())
    }
}

impl<C: Clock + Clone> FailedLogins<C> {
    fn with_clock(max_per_minute: u32, clock: C) -> Self {
        Self {
            max_per_minute: AtomicU32::new(max_per_minute),
            limiter: ArcSwapOption::new(limiter(max_per_minute, &clock)),
            failures_while_full: AtomicUsize::new(0),
            suspects: Cache::new(MAX_SUSPECTS),
            clock,
        }
    }

    /// Changes the number of failures that are permitted. If it differs, counts begin anew.
    pub fn permit(&self, max_per_minute: u32) {
        if self.max_per_minute.swap(max_per_minute, Ordering::Relaxed) != max_per_minute {
            self.limiter.store(limiter(max_per_minute, &self.clock));
            self.suspects.clear();
        }
    }

    /// Returns whether failures are limited at all.
    pub fn is_limited(&self) -> bool {
        self.limiter.load().is_some()
    }

    /// Counts a failure of this client.
    ///
    /// # Errors
    /// When the network of the client has failed too often.
    pub fn count(&self, client: ClientAddress) -> Result<(), RetryAfter> {
        let Some(limiter) = &*self.limiter.load() else { return Ok(()) };
        let origin = if self.has_room(limiter) { origin_of(client) } else { Origin::All };
        limiter.check_key(&origin).map_err(|not_until| {
            if self.suspects.get(&origin).is_none() {
                let quota = Quota::per_second(SUSPECT_LOOK_UPS_PER_SECOND);
                self.suspects.insert(origin, Arc::new(RateLimiter::direct_with_clock(quota, self.clock.clone())));
            }
            RetryAfter(not_until.wait_time_from(self.clock.now()))
        })
    }

    /// Permits a look-up of a key that was not found before.
    ///
    /// # Errors
    /// When the network of the client has failed too often and made its look-ups of this second.
    pub fn admit(&self, client: ClientAddress) -> Result<(), RetryAfter> {
        let Some(limiter) = &*self.limiter.load() else { return Ok(()) };
        let origin = if limiter.len() < MAX_NETWORKS { origin_of(client) } else { Origin::All };
        let Some(look_ups) = self.suspects.get(&origin) else { return Ok(()) };
        look_ups.check().map_err(|not_until| RetryAfter(not_until.wait_time_from(self.clock.now())))
    }

    fn has_room(&self, limiter: &Limiter<C>) -> bool {
        if limiter.len() < MAX_NETWORKS {
            return true;
        }
        if self.failures_while_full.fetch_add(1, Ordering::Relaxed).is_multiple_of(FAILURES_PER_SWEEP) {
            limiter.retain_recent();
        }
        limiter.len() < MAX_NETWORKS
    }
}

const fn origin_of(ClientAddress(address): ClientAddress) -> Origin {
    Origin::One(Network::of(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::catalogue::ErrorKind;
    use crate::http::error::ApiError;
    use crate::keys::Refusal;
    use governor::clock::FakeRelativeClock;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn limited(max_per_minute: u32) -> (FailedLogins<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (FailedLogins::with_clock(max_per_minute, clock.clone()), clock)
    }

    fn client(text: &str) -> ClientAddress {
        ClientAddress(text.parse().unwrap())
    }

    fn numbered(number: usize) -> ClientAddress {
        ClientAddress(Ipv4Addr::from_bits(u32::try_from(number).unwrap()).into())
    }

    fn len(failed: &FailedLogins<FakeRelativeClock>) -> usize {
        failed.limiter.load().as_ref().unwrap().len()
    }

    #[test]
    fn only_keys_that_open_nothing_count() {
        let counts = |error: ApiError| error.kind() == ErrorKind::InvalidKey;
        assert!(counts(Refusal::Unknown.into()) && counts(Refusal::Expired.into()));
        assert!(!counts(ApiError::missing_key()) && !counts(Refusal::Unavailable("down".into()).into()));
    }

    #[test]
    fn a_changed_limit_holds_at_once_and_the_same_one_keeps_its_counts() {
        let (failed, _clock) = limited(1);
        let count = || failed.count(client("198.51.100.1"));
        count().unwrap();
        failed.permit(1);
        count().unwrap_err();
        failed.permit(2);
        assert!([count(), count(), count()].map(|counted| counted.is_ok()) == [true, true, false]);
        failed.permit(0);
        assert!(!failed.is_limited() && count().is_ok());
    }

    #[test]
    fn a_network_is_asked_to_wait_once_it_failed_too_often() {
        let (failed, clock) = limited(3);
        let count = || failed.count(client("198.51.100.1"));
        for _ in 0..3 {
            count().unwrap();
        }
        assert_eq!(count(), Err(RetryAfter(Duration::from_secs(20))));
        failed.count(client("198.51.100.2")).unwrap();
        clock.advance(Duration::from_secs(20));
        count().unwrap();
        assert_eq!(count(), Err(RetryAfter(Duration::from_secs(20))));
    }

    #[test]
    fn a_network_that_failed_too_often_has_few_keys_looked_up() {
        let (failed, clock) = limited(1);
        let admit = || failed.admit(client("198.51.100.1"));
        for _ in 0..100 {
            admit().unwrap();
        }
        failed.count(client("198.51.100.1")).unwrap();
        admit().unwrap();
        failed.count(client("198.51.100.1")).unwrap_err();
        let look_ups = (0..100).filter(|_| admit().is_ok()).count();
        assert_eq!(look_ups, 10);
        assert_eq!(admit(), Err(RetryAfter(Duration::from_millis(100))));
        failed.admit(client("198.51.100.2")).unwrap();
        clock.advance(Duration::from_millis(100));
        admit().unwrap();
        admit().unwrap_err();
    }

    #[test]
    fn an_ipv6_network_has_64_bits() {
        let (failed, _) = limited(1);
        failed.count(client("2001:db8:0:1::1")).unwrap();
        failed.count(client("2001:db8:0:1:ffff::2")).unwrap_err();
        failed.count(client("2001:db8:0:2::1")).unwrap();
    }

    #[test]
    fn zero_is_no_limit() {
        let (failed, _) = limited(0);
        for _ in 0..1000 {
            failed.count(client("198.51.100.1")).unwrap();
        }
    }

    #[test]
    fn with_too_many_networks_all_count_as_one_until_some_recover() {
        let (failed, clock) = limited(2);
        for number in 0..MAX_NETWORKS {
            failed.count(numbered(number)).unwrap();
        }
        for number in 0..2 {
            failed.count(numbered(MAX_NETWORKS + number)).unwrap();
        }
        failed.count(numbered(MAX_NETWORKS + 2)).unwrap_err();
        failed.count(numbered(0)).unwrap_err();
        assert_eq!(len(&failed), MAX_NETWORKS + 1, "the networks, and all of them as one");
        clock.advance(Duration::from_mins(2));
        for _ in 0..FAILURES_PER_SWEEP {
            failed.count(numbered(MAX_NETWORKS + 3)).ok();
        }
        assert!(len(&failed) < 3);
        failed.count(numbered(MAX_NETWORKS + 4)).unwrap();
        failed.count(numbered(MAX_NETWORKS + 5)).unwrap();
        failed.count(numbered(MAX_NETWORKS + 6)).unwrap();
    }
}
