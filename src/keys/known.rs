//! A cache of key look-ups, so that requests with the same key do not all ask the store.
//!
//! What is remembered is trusted for a moment only. A key that was found once is remembered beyond that, as one that is worth a
//! look-up; keys that were not found are remembered apart, so that inventing keys drives no real one out.

use crate::model::api_key::{Credential, KeyDigest};
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a look-up is trusted: another process may have issued or revoked the key since.
const TRUST: Duration = Duration::from_millis(500);
/// Keys that are remembered at once, less than 1 KiB each; those that are used least go first.
const MAX_KEYS: usize = 16_384;
/// Keys that were not found and are remembered at once, some 80 bytes each.
const MAX_MISSING: usize = 4096;

/// What was found when a key was looked up.
#[derive(Debug)]
pub(super) struct KnownKey {
    /// What the store said.
    pub(super) credential: Credential,
    /// The store was told that the key is in use.
    pub(super) use_noted: AtomicBool,
}

/// What is known of a key without asking the store.
#[derive(Debug)]
pub(super) enum Known {
    /// It was found a moment ago.
    Found(Arc<KnownKey>),
    /// It was not found a moment ago.
    Missing,
    /// It was found once; it is to be looked up again.
    Stale(Begun),
    /// Nothing.
    Nothing(Begun),
}

/// The keys that were looked up.
#[derive(Debug)]
pub(super) struct KnownKeys {
    found: Cache<KeyDigest, (Arc<KnownKey>, Begun)>,
    missing: Cache<KeyDigest, Begun>,
    /// How often everything was forgotten.
    generation: AtomicU64,
}

/// The time at which a look-up began: what it finds counts only if nothing was forgotten since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    generation: u64,
    at: Instant,
}

impl Default for KnownKeys {
    fn default() -> Self {
        Self { found: Cache::new(MAX_KEYS), missing: Cache::new(MAX_MISSING), generation: AtomicU64::new(0) }
    }
}

impl KnownKeys {
    /// Returns what is known of the key, with the beginning of a look-up if that is not enough.
    pub(super) fn find(&self, digest: &KeyDigest) -> Known {
        let now = Begun { generation: self.generation.load(Ordering::Acquire), at: Instant::now() };
        match self.found.get(digest) {
            Some((key, looked_up)) if looked_up.is_trusted(now) => Known::Found(key),
            Some(_) => Known::Stale(now),
            None if self.missing.get(digest).is_some_and(|looked_up| looked_up.is_trusted(now)) => Known::Missing,
            None => Known::Nothing(now),
        }
    }

    /// Remembers what a look-up found.
    pub(super) fn remember(&self, digest: KeyDigest, credential: Credential, begun: Begun) -> Arc<KnownKey> {
        let key = Arc::new(KnownKey { credential, use_noted: AtomicBool::new(false) });
        self.found.insert(digest, (Arc::clone(&key), begun));
        key
    }

    /// Remembers that a look-up found nothing.
    pub(super) fn remember_missing(&self, digest: KeyDigest, begun: Begun) {
        self.found.remove(&digest);
        self.missing.insert(digest, begun);
    }

    /// Trusts nothing that was looked up until now, nor what look-ups that are under way will find.
    pub(super) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl Begun {
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
        Credential { key, retires_at: None, archived: false, limits: LimitsInForce::default() }
    }

    fn digest(number: usize) -> KeyDigest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        KeyDigest(digest)
    }

    fn begin(known: &KnownKeys, digest: KeyDigest) -> Begun {
        match known.find(&digest) {
            Known::Stale(begun) | Known::Nothing(begun) => begun,
            fresh => panic!("{fresh:?}"),
        }
    }

    #[test]
    fn what_was_begun_before_everything_was_forgotten_is_not_trusted() {
        let (known, digest) = (KnownKeys::default(), digest(1));
        let begun = begin(&known, digest);
        known.remember(digest, key(), begun);
        assert!(matches!(known.find(&digest), Known::Found(_)));
        known.forget();
        let late = begin(&known, digest);
        known.remember(digest, key(), begun);
        assert!(matches!(known.find(&digest), Known::Stale(_)));
        known.remember(digest, key(), late);
        assert!(matches!(known.find(&digest), Known::Found(_)));
        known.remember_missing(digest, late);
        assert!(matches!(known.find(&digest), Known::Missing));
        known.forget();
        assert!(matches!(known.find(&digest), Known::Nothing(_)));
    }

    #[test]
    fn keys_are_trusted_for_a_while() {
        let known = KnownKeys::default();
        let at = Instant::now().checked_sub(TRUST).unwrap();
        known.remember(digest(1), key(), Begun { generation: 0, at });
        known.remember_missing(digest(2), Begun { generation: 0, at });
        assert!(matches!(known.find(&digest(1)), Known::Stale(_)));
        assert!(matches!(known.find(&digest(2)), Known::Nothing(_)));
    }

    #[test]
    fn keys_in_use_stay_when_many_others_come() {
        let known = KnownKeys::default();
        let (in_use, begun) = (0..1000, Begun { generation: 0, at: Instant::now() });
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
