//! The verbs of API keys: issue, install, list, verify, update, rotate, revoke.

mod issue;
mod known;
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
use known::KnownKeys;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The keys of an installation.
#[derive(Clone, Debug)]
pub struct Keys {
    metadata: Arc<dyn KeyStore>,
    clock: Clock,
    known: Arc<KnownKeys>,
    tasks: TaskTracker,
}

impl Keys {
    /// The keys of a store; the clock tells whether one has expired, and `tasks` is told of work beside requests.
    #[must_use]
    pub fn new(metadata: Arc<dyn KeyStore>, clock: Clock, tasks: TaskTracker) -> Self {
        Self { metadata, clock, known: Arc::default(), tasks }
    }

    /// Every key, revoked and expired ones too, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self) -> Result<Vec<ApiKey>, MetadataError> {
        self.metadata.list_keys().await
    }

    /// A page of the keys of a workspace that are not revoked, oldest first, behind the key `after`.
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

    /// A page of the keys of administrators that are not revoked, by age, behind the key `after`.
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

    /// The key of this id, revoked and expired ones too.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, id: KeyId) -> Result<Option<ApiKey>, MetadataError> {
        self.metadata.find_key(id).await
    }

    /// Forgets what was looked up, so that what was just changed holds for the very next request.
    pub fn forget(&self) {
        self.known.forget();
    }

    /// Revokes a key: no request that begins later is accepted with it here, and half a second later nowhere. None when
    /// there is no such key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn revoke(&self, id: KeyId, origin: Origin) -> Result<Option<ApiKey>, MetadataError> {
        let revoked = self.metadata.revoke_key(id, origin).await;
        self.known.forget();
        revoked
    }
}
