//! The limits of workspaces and keys, and their usage.

use super::Workspaces;
use crate::metadata::MetadataError;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};

impl Workspaces {
    /// Returns the set limits of a workspace or key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        self.metadata.limits(owner).await
    }

    /// Sets or removes limits. Returns false for an unknown workspace or key. Existing Files stay, even above a limit.
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

    /// Sets or removes limits, idempotently. Returns all limits; none for an unknown workspace or key.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_limits_once(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Idempotency<Limits>>,
    ) -> Result<IdempotentOutcome<Option<Limits>>, MetadataError> {
        self.metadata.set_limits(owner, wanted, origin, once).await
    }

    /// Returns the storage usage of a workspace, as quotas count it.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        self.metadata.storage_usage(workspace).await
    }

    /// Returns the same including expired Files that are not deleted yet. It reads one row.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        self.metadata.storage_totals(workspace).await
    }
}
