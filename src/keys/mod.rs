//! The service of API keys: issue, install, list, verify, update, rotate, revoke. It keeps no secret. Handlers and
//! commands call it.

mod cache;
mod issue;
mod sealed;
mod verify;

pub use issue::{IssueKeyError, KeyToIssue, RotateKeyError, UpdateKeyError, fresh_secret};
pub use sealed::SealedAnswer;
pub use verify::{Refusal, VerifiedKey};

use crate::clock::Clock;
use crate::metadata::{KeyStore, MetadataError};
use crate::model::api_key::ApiKey;
use crate::model::audit::Origin;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::page::{Order, Page};
use cache::KeyCache;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The keys of an installation.
#[derive(Clone, Debug)]
pub struct Keys {
    metadata: Arc<dyn KeyStore>,
    clock: Clock,
    cache: Arc<KeyCache>,
    tasks: TaskTracker,
}

impl Keys {
    /// Returns the keys of a store. `clock` decides expiry, and `tasks` tracks work beside requests.
    #[must_use]
    pub fn new(metadata: Arc<dyn KeyStore>, clock: Clock, tasks: TaskTracker) -> Self {
        Self { metadata, clock, cache: Arc::default(), tasks }
    }

    /// Returns every key, revoked and expired ones too, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self) -> Result<Vec<ApiKey>, MetadataError> {
        self.metadata.list_keys().await
    }

    /// Returns a page of a workspace's keys that are not revoked, oldest first, after the key `after`.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list_of(
        &self,
        workspace: WorkspaceId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Page<ApiKey>, MetadataError> {
        self.metadata.list_keys_of(workspace, after, limit).await
    }

    /// Returns a page of the administrators' keys that are not revoked, by age, after the key `after`.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list_of_administrators(
        &self,
        after: Option<KeyId>,
        limit: u32,
        order: Order,
    ) -> Result<Page<ApiKey>, MetadataError> {
        self.metadata.list_admin_keys(after, limit, order).await
    }

    /// Returns the key of this id, also a revoked or expired one.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        self.metadata.find_key(id).await
    }

    /// Invalidates the cache, so that a change applies to the very next request.
    pub fn forget(&self) {
        self.cache.forget();
    }

    /// Revokes a key. This process refuses it in requests that begin later, other servers within half a second. Returns
    /// none for an unknown key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn revoke(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        let revoked = self.metadata.revoke_key(id, origin).await;
        self.cache.forget();
        revoked
    }
}
