//! A cache of key look-ups, so that not every request asks the store.
//!
//! An entry is trusted for half a second. A key that was found stays known beyond that, as one that is worth a look-up.
//! Missing keys are cached apart, so that invented keys evict no real ones.

use crate::metrics::{METRICS, gauge};
use crate::model::api_key::{Credential, KeyDigest};
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The time that a look-up is trusted: another process may have issued or revoked the key since.
const TRUST: Duration = Duration::from_millis(500);
/// The maximum of cached keys, less than 1 KiB each. The least used are evicted first.
const MAX_KEYS: usize = 16_384;
/// The maximum of cached missing keys, some 80 bytes each.
const MAX_MISSING: usize = 4096;

/// A cached key.
#[derive(Debug)]
pub(super) struct CachedKey {
    /// The result of the look-up.
    pub(super) credential: Credential,
    /// The store was told that the key is in use.
    pub(super) use_noted: AtomicBool,
}

/// The state of a key in the cache.
#[derive(Debug)]
pub(super) enum CacheState {
    /// The key was found recently.
    Found(Arc<CachedKey>),
    /// The key was missing recently.
    Missing,
    /// The key was found before, and must be looked up again.
    Stale(LookupStart),
    /// The key is not cached.
    Absent(LookupStart),
}

/// The cache of keys.
#[derive(Debug)]
pub(super) struct KeyCache {
    found: Cache<KeyDigest, (Arc<CachedKey>, LookupStart)>,
    missing: Cache<KeyDigest, LookupStart>,
    /// The number of invalidations.
    generation: AtomicU64,
}

/// The start of a look-up. Its result counts only if the cache was not invalidated since.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookupStart {
    generation: u64,
    at: Instant,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self { found: Cache::new(MAX_KEYS), missing: Cache::new(MAX_MISSING), generation: AtomicU64::new(0) }
    }
}

impl KeyCache {
    /// Returns the state of a key, with the start of a look-up if one is needed.
    pub(super) fn find(&self, digest: &KeyDigest) -> CacheState {
        let now = LookupStart { generation: self.generation.load(Ordering::Acquire), at: Instant::now() };
        match self.found.get(digest) {
            Some((key, looked_up)) if looked_up.is_trusted(now) => CacheState::Found(key),
            Some(_) => CacheState::Stale(now),
            None if self.missing.get(digest).is_some_and(|looked_up| looked_up.is_trusted(now)) => CacheState::Missing,
            None => CacheState::Absent(now),
        }
    }

    /// Caches a found key.
    pub(super) fn remember(&self, digest: KeyDigest, credential: Credential, begun: LookupStart) -> Arc<CachedKey> {
        let key = Arc::new(CachedKey { credential, use_noted: AtomicBool::new(false) });
        self.found.insert(digest, (Arc::clone(&key), begun));
        METRICS.cached_keys.set(gauge(self.found.len()));
        key
    }

    /// Caches a missing key.
    pub(super) fn remember_missing(&self, digest: KeyDigest, begun: LookupStart) {
        self.found.remove(&digest);
        self.missing.insert(digest, begun);
    }

    /// Invalidates all entries, and the results of running look-ups.
    pub(super) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl LookupStart {
    fn is_trusted(self, now: Self) -> bool {
        self.generation == now.generation && now.at.duration_since(self.at) < TRUST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api_key::{ApiKey, Opens};
    use crate::model::ids::KeyId;
    use crate::model::limits::LimitsInForce;

    fn key() -> Credential {
        let key = ApiKey {
            id: KeyId::next(None, 0, [0; 11]),
            opens: Opens::Administration,
            redacted: String::new(),
            name: String::new(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        Credential { key, retires_at: None, archived: false, limits: LimitsInForce::default(), member: None }
    }

    fn digest(number: usize) -> KeyDigest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        KeyDigest(digest)
    }

    fn begin(known: &KeyCache, digest: KeyDigest) -> LookupStart {
        match known.find(&digest) {
            CacheState::Stale(begun) | CacheState::Absent(begun) => begun,
            fresh => panic!("{fresh:?}"),
        }
    }

    #[test]
    fn what_was_begun_before_everything_was_forgotten_is_not_trusted() {
        let (known, digest) = (KeyCache::default(), digest(1));
        let begun = begin(&known, digest);
        known.remember(digest, key(), begun);
        assert!(matches!(known.find(&digest), CacheState::Found(_)));
        known.forget();
        let late = begin(&known, digest);
        known.remember(digest, key(), begun);
        assert!(matches!(known.find(&digest), CacheState::Stale(_)));
        known.remember(digest, key(), late);
        assert!(matches!(known.find(&digest), CacheState::Found(_)));
        known.remember_missing(digest, late);
        assert!(matches!(known.find(&digest), CacheState::Missing));
        known.forget();
        assert!(matches!(known.find(&digest), CacheState::Absent(_)));
    }

    #[test]
    fn keys_are_trusted_for_a_while() {
        let known = KeyCache::default();
        let at = Instant::now().checked_sub(TRUST).unwrap();
        known.remember(digest(1), key(), LookupStart { generation: 0, at });
        known.remember_missing(digest(2), LookupStart { generation: 0, at });
        assert!(matches!(known.find(&digest(1)), CacheState::Stale(_)));
        assert!(matches!(known.find(&digest(2)), CacheState::Absent(_)));
    }

    #[test]
    fn keys_in_use_stay_when_many_others_come() {
        let known = KeyCache::default();
        let (in_use, begun) = (0..1000, LookupStart { generation: 0, at: Instant::now() });
        for number in in_use.clone() {
            known.remember(digest(number), key(), begun);
        }
        for number in 1000..3 * MAX_KEYS {
            known.found.get(&digest(number % 1000));
            known.remember(digest(number), key(), begun);
        }
        assert!(known.found.len() <= MAX_KEYS, "{}", known.found.len());
        let stayed = in_use.filter(|number| known.found.peek(&digest(*number)).is_some()).count();
        assert!(stayed >= 990, "{stayed} of 1000");
    }
}
