//! Verifies the secret of a request and returns the access that it grants.

use super::Keys;
use super::cache::{CacheState, CachedKey, LookupStart};
use crate::error_chain::ErrorChain;
use crate::metadata::MetadataError;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeySecret, KeyStatus, USED_SECONDS};
use crate::model::limits::LimitsInForce;
use crate::model::person::Member;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The reason why a secret is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The secret is malformed, unknown or revoked.
    #[error("the key is unknown")]
    Unknown,
    /// The key has expired.
    #[error("the key has expired")]
    Expired,
    /// The key was rotated, and the overlap is over.
    #[error("the secret was replaced")]
    Replaced,
    /// The workspace of the key is archived.
    #[error("the workspace of the key is archived")]
    Archived,
    /// The key was not looked up: the client has tried too many unknown keys.
    #[error("too many unknown keys were tried")]
    TooManyTried {
        /// The time until the client may try again.
        wait: Duration,
    },
    /// The store failed.
    #[error("the key cannot be looked up")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// A key that is valid now.
#[derive(Clone, Debug)]
pub struct VerifiedKey(Arc<CachedKey>);

impl VerifiedKey {
    /// Returns the limits of the key and its workspace.
    #[must_use]
    pub fn limits(&self) -> &LimitsInForce {
        &self.0.credential.limits
    }

    /// Returns the person of a membership; none for a key.
    #[must_use]
    pub fn member(&self) -> Option<Member> {
        self.0.credential.member
    }
}

impl std::ops::Deref for VerifiedKey {
    type Target = ApiKey;

    fn deref(&self) -> &ApiKey {
        &self.0.credential.key
    }
}

impl Keys {
    /// Verifies a secret. A malformed one is refused without asking the store. `may_look_up` is asked before the store,
    /// unless the key was found before; it may return a time to wait.
    ///
    /// # Errors
    /// When the key is not valid or may not be looked up, or the store failed.
    pub async fn verify(
        &self,
        secret: &str,
        may_look_up: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<VerifiedKey, Refusal> {
        self.verify_digest(KeySecret::parse(secret).map_err(|_| Refusal::Unknown)?.digest(), may_look_up).await
    }

    /// Verifies a secret by its digest, as [`verify`](Self::verify) does.
    ///
    /// # Errors
    /// When the key is not valid or may not be looked up, or the store failed.
    pub async fn verify_digest(
        &self,
        digest: KeyDigest,
        may_look_up: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<VerifiedKey, Refusal> {
        let known = match self.cache.find(&digest) {
            CacheState::Found(known) => known,
            CacheState::Missing => return Err(Refusal::Unknown),
            CacheState::Stale(begun) => self.look_up(digest, begun).await?,
            CacheState::Absent(begun) => {
                may_look_up().map_err(|wait| Refusal::TooManyTried { wait })?;
                self.look_up(digest, begun).await?
            }
        };
        self.admit(known)
    }

    /// Verifies a membership that was looked up. It is not cached.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn verify_member(&self, credential: Credential) -> Result<VerifiedKey, Refusal> {
        self.admit(Arc::new(CachedKey { credential, use_noted: AtomicBool::new(false) }))
    }

    fn admit(&self, known: Arc<CachedKey>) -> Result<VerifiedKey, Refusal> {
        let (credential, now_seconds) = (&known.credential, self.clock.now_seconds());
        match credential.key.status(now_seconds) {
            KeyStatus::Active if credential.archived => Err(Refusal::Archived),
            KeyStatus::Active if credential.retires_at.is_some_and(|second| second <= now_seconds) => {
                Err(Refusal::Replaced)
            }
            KeyStatus::Active => {
                self.note_use(&known, now_seconds);
                Ok(VerifiedKey(known))
            }
            KeyStatus::Expired => Err(Refusal::Expired),
            KeyStatus::Revoked => Err(Refusal::Unknown),
        }
    }

    async fn look_up(&self, digest: KeyDigest, begun: LookupStart) -> Result<Arc<CachedKey>, Refusal> {
        let Some(credential) = self.metadata.find_credential(digest).await? else {
            self.cache.remember_missing(digest, begun);
            return Err(Refusal::Unknown);
        };
        Ok(self.cache.remember(digest, credential, begun))
    }

    /// Records the use of a key, in the background and not for each request.
    fn note_use(&self, known: &CachedKey, now_seconds: u64) {
        let key = &known.credential.key;
        let recent = key.last_used_at.is_some_and(|used| used.saturating_add(USED_SECONDS) > now_seconds);
        if recent || known.use_noted.swap(true, Ordering::Relaxed) {
            return;
        }
        let (metadata, id) = (Arc::clone(&self.metadata), key.id);
        self.tasks.spawn(async move {
            if let Err(error) = metadata.note_key_used(id).await {
                tracing::warn!(error = %ErrorChain(&error), "last-used update failed");
            }
        });
    }
}
