//! Limits of workspaces and keys: what is set, and how much of it is used.

use super::Workspaces;
use crate::metadata::MetadataError;
use crate::model::audit::Origin;
use crate::model::idempotency::{Effect, Once};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};

impl Workspaces {
    /// The limits of a workspace or key that are set.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        self.metadata.limits(owner).await
    }

    /// Sets some of them, or lets them go; false when there is no such workspace or key. What is there already stays, though
    /// it be more than a limit.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
    ) -> Result<bool, MetadataError> {
        let set = self.set_limits_once(owner, wanted, origin, None).await?;
        Ok(set.made().flatten().is_some())
    }

    /// The same, once under a key: returns all limits as they are then; none when there is no such workspace or key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_limits_once(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Once<Limits>>,
    ) -> Result<Effect<Option<Limits>>, MetadataError> {
        self.metadata.set_limits(owner, wanted, origin, once).await
    }

    /// How much a workspace has, as its quotas count it.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        self.metadata.storage_usage(workspace).await
    }
}
