//! Keys that were looked up a moment ago, so that requests with the same key do not all ask the store.

use crate::model::api_key::{Credential, KeyDigest};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long a key is taken for what it was: another process may have revoked it since.
const TRUST: Duration = Duration::from_millis(500);
/// Keys that are known at once; with more, all are looked up anew.
const MAX_KEYS: usize = 4096;

/// What was found when a key was looked up.
#[derive(Debug)]
pub(super) struct KnownKey {
    /// What the store said.
    pub(super) credential: Credential,
    /// The store was told that the key is in use.
    pub(super) use_noted: AtomicBool,
}

/// What is known of keys.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<KeyDigest, (Arc<KnownKey>, Instant)>,
    /// How often everything was forgotten.
    generation: u64,
}

/// The time at which a look-up began: what it finds counts only if nothing was forgotten since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    generation: u64,
    at: Instant,
}

impl KnownKeys {
    /// The key, or the beginning of a look-up.
    pub(super) fn find(&self, digest: &KeyDigest) -> Result<Arc<KnownKey>, Begun> {
        let now = Instant::now();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match known.keys.get(digest) {
            Some((key, looked_up)) if now.duration_since(*looked_up) < TRUST => Ok(Arc::clone(key)),
            _ => Err(Begun { generation: known.generation, at: now }),
        }
    }

    /// Remembers what a look-up found.
    pub(super) fn remember(&self, digest: KeyDigest, credential: Credential, begun: Begun) -> Arc<KnownKey> {
        let key = Arc::new(KnownKey { credential, use_noted: AtomicBool::new(false) });
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation == begun.generation {
            if known.keys.len() >= MAX_KEYS {
                known.keys.clear();
            }
            known.keys.insert(digest, (Arc::clone(&key), begun.at));
        }
        key
    }

    /// Forgets everything, and whatever look-ups that are under way will find.
    pub(super) fn forget(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.generation += 1;
        known.keys.clear();
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

    #[test]
    fn what_was_begun_before_everything_was_forgotten_is_not_remembered() {
        let known = KnownKeys::default();
        let digest = KeyDigest([1; 32]);
        let begun = known.find(&digest).unwrap_err();
        known.remember(digest, key(), begun);
        assert!(known.find(&digest).is_ok());
        known.forget();
        let late = known.find(&digest).unwrap_err();
        known.remember(digest, key(), begun);
        assert!(known.find(&digest).is_err());
        known.remember(digest, key(), late);
        assert!(known.find(&digest).is_ok());
    }

    #[test]
    fn keys_are_trusted_for_a_while_and_never_too_many() {
        let known = KnownKeys::default();
        let long_ago = Instant::now().checked_sub(TRUST).unwrap();
        known.remember(KeyDigest([1; 32]), key(), Begun { generation: 0, at: long_ago });
        assert!(known.find(&KeyDigest([1; 32])).is_err());
        for number in 0..2 * MAX_KEYS {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_le_bytes());
            known.remember(KeyDigest(digest), key(), Begun { generation: 0, at: Instant::now() });
        }
        assert!(known.0.read().unwrap().keys.len() <= MAX_KEYS);
    }
}
