//! Parts of deleted Files and Uploads.

use super::error::MetadataError;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use std::fmt::Debug;

/// The parts of deleted Files and Uploads, which are released in bounded steps.
#[async_trait]
pub trait ReleaseStore: Debug + Send + Sync {
    /// Returns the first workspace behind `after` that has parts to release.
    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError>;
    /// Turns the blobs of at most `limit` such parts of a workspace to `deleting`. Returns how many parts there were,
    /// and Files and Uploads that have none left.
    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError>;
}
