//! The verbs of API keys: issue, install, list, verify, revoke.

mod issue;
mod verify;

pub use issue::{IssueKeyError, fresh_secret};
pub use verify::Refusal;

use crate::clock::Clock;
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::api_key::ApiKey;
use crate::model::ids::KeyId;
use std::sync::Arc;

/// The keys of an installation.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Rows.
    pub metadata: Arc<dyn MetadataStore>,
    /// What tells whether a key has expired.
    pub clock: Clock,
}

impl Keys {
    /// Every key, revoked and expired ones too, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self) -> Result<Vec<ApiKey>, MetadataError> {
        self.metadata.list_keys().await
    }

    /// Revokes a key: no request that begins later is accepted with it. None when there is no such key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn revoke(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        self.metadata.revoke_key(id).await
    }
}
