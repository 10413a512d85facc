//! Verifying: from the secret that a caller shows to the workspace that it opens.

use super::Keys;
use crate::metadata::MetadataError;
use crate::model::api_key::{ApiKey, KeySecret, KeyStatus};
use std::sync::Arc;

/// Why a secret opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no key, or none that this installation knows, or one that was revoked.
    #[error("the key is not known")]
    Unknown,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// Whether it does cannot be told: the store failed.
    #[error("the key cannot be looked up")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl Keys {
    /// The key of this secret, if it opens anything now. A malformed one is refused without asking the store.
    ///
    /// # Errors
    /// When it does not, or the store failed.
    pub async fn verify(&self, secret: &str) -> Result<Arc<ApiKey>, Refusal> {
        let digest = KeySecret::parse(secret).map_err(|_| Refusal::Unknown)?.digest();
        let key = match self.known.find(&digest) {
            Ok(key) => key,
            Err(begun) => {
                let key = Arc::new(self.metadata.find_key(digest).await?.ok_or(Refusal::Unknown)?);
                self.known.remember(digest, &key, begun);
                key
            }
        };
        match key.status(self.clock.now_seconds()) {
            KeyStatus::Active => Ok(key),
            KeyStatus::Expired => Err(Refusal::Expired),
            KeyStatus::Revoked => Err(Refusal::Unknown),
        }
    }
}
