//! Rows of limits, and what counts against quotas.

use super::error::MetadataError;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};
use async_trait::async_trait;
use std::fmt::Debug;

/// Expired Files, and as many Uploads, that [`LimitStore::storage_usage`] looks at.
pub const USAGE_EXPIRED_ROWS: u32 = 10_000;

/// The limits of workspaces and keys, and the storage that workspaces use.
#[async_trait]
pub trait LimitStore: Debug + Send + Sync {
    /// Returns the limits of a workspace or key.
    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError>;
    /// Sets or removes some limits and returns all. Returns none when there is no such workspace or key.
    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Idempotency<Limits>>,
    ) -> Result<IdempotentOutcome<Option<Limits>>, MetadataError>;
    /// Returns every workspace that has this limit, archived ones too, in the order of their ids.
    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError>;
    /// Returns the storage that counts against the quotas of a workspace now. Of expired rows that are not deleted yet,
    /// it subtracts the oldest [`USAGE_EXPIRED_ROWS`] Files and as many Uploads.
    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError>;
    /// Returns the same including all expired rows that are not deleted yet. It reads one row.
    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError>;
    /// Returns the bytes of the Files of all workspaces, expired ones that are not deleted yet included. It reads one
    /// row for each workspace.
    async fn stored_bytes(&self) -> Result<u64, MetadataError>;
}
