//! The verbs of API keys: issue, install, list, verify, revoke.

mod issue;
mod known;
mod verify;

pub use issue::{IssueKeyError, fresh_secret};
pub use verify::Refusal;

use crate::clock::Clock;
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::api_key::ApiKey;
use crate::model::ids::KeyId;
use known::KnownKeys;
use std::sync::Arc;

/// The keys of an installation.
#[derive(Clone, Debug)]
pub struct Keys {
    metadata: Arc<dyn MetadataStore>,
    clock: Clock,
    known: Arc<KnownKeys>,
}

impl Keys {
    /// The keys of a store; the clock tells whether one has expired.
    #[must_use]
    pub fn new(metadata: Arc<dyn MetadataStore>, clock: Clock) -> Self {
        Self { metadata, clock, known: Arc::default() }
    }

    /// Every key, revoked and expired ones too, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self) -> Result<Vec<ApiKey>, MetadataError> {
        self.metadata.list_keys().await
    }

    /// Revokes a key: no request that begins later is accepted with it here, and half a second later nowhere. None when
    /// there is no such key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn revoke(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        let revoked = self.metadata.revoke_key(id).await;
        self.known.forget();
        revoked
    }
}
