//! Verifying: from the secret that a caller shows to what it opens.

use super::Keys;
use super::known::{Begun, Known, KnownKey};
use crate::causes::Causes;
use crate::metadata::MetadataError;
use crate::model::api_key::{ApiKey, KeyDigest, KeySecret, KeyStatus, USED_SECONDS};
use crate::model::limits::LimitsInForce;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Why a secret opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no key, or none that this installation knows, or one that was revoked.
    #[error("the key is not known")]
    Unknown,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// The key has a newer secret, and the time of this one is over.
    #[error("the secret was replaced")]
    Replaced,
    /// Its workspace was archived.
    #[error("the workspace of the key is archived")]
    Archived,
    /// It was not looked up: the client may not have so many keys looked up that are not known.
    #[error("too many unknown keys were tried")]
    TooManyTried {
        /// After this time it may.
        wait: Duration,
    },
    /// Whether it does cannot be told: the store failed.
    #[error("the key cannot be looked up")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// A key that opens something now.
#[derive(Clone, Debug)]
pub struct VerifiedKey(Arc<KnownKey>);

impl VerifiedKey {
    /// What may be done with it at most.
    #[must_use]
    pub fn limits(&self) -> &LimitsInForce {
        &self.0.credential.limits
    }
}

impl std::ops::Deref for VerifiedKey {
    type Target = ApiKey;

    fn deref(&self) -> &ApiKey {
        &self.0.credential.key
    }
}

impl Keys {
    /// The key of this secret, if it opens anything now. A malformed one is refused without asking the store. `may_look_up`
    /// is asked before the store is, unless the key was found before; if it may not, it says how long to wait.
    ///
    /// # Errors
    /// When the key opens nothing or may not be looked up, or the store failed.
    pub async fn verify(
        &self,
        secret: &str,
        may_look_up: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<VerifiedKey, Refusal> {
        let digest = KeySecret::parse(secret).map_err(|_| Refusal::Unknown)?.digest();
        let known = match self.known.find(&digest) {
            Known::Found(known) => known,
            Known::Missing => return Err(Refusal::Unknown),
            Known::Stale(begun) => self.look_up(digest, begun).await?,
            Known::Nothing(begun) => {
                may_look_up().map_err(|wait| Refusal::TooManyTried { wait })?;
                self.look_up(digest, begun).await?
            }
        };
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

    async fn look_up(&self, digest: KeyDigest, begun: Begun) -> Result<Arc<KnownKey>, Refusal> {
        let Some(credential) = self.metadata.find_credential(digest).await? else {
            self.known.remember_missing(digest, begun);
            return Err(Refusal::Unknown);
        };
        Ok(self.known.remember(digest, credential, begun))
    }

    /// Lets the store know that the key is in use, beside the request and not for each.
    fn note_use(&self, known: &KnownKey, now_seconds: u64) {
        let key = &known.credential.key;
        let recent = key.last_used_at.is_some_and(|used| used.saturating_add(USED_SECONDS) > now_seconds);
        if recent || known.use_noted.swap(true, Ordering::Relaxed) {
            return;
        }
        let (metadata, id) = (Arc::clone(&self.metadata), key.id);
        self.tasks.spawn(async move {
            if let Err(error) = metadata.note_key_used(id).await {
                tracing::warn!(error = %Causes(&error), "last-used update failed");
            }
        });
    }
}
