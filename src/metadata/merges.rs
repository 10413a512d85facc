//! Merging old rows of reads in the ledger.

use super::error::MetadataError;
use super::rules::read_merges::MergePage;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use std::fmt::Debug;

/// The merging of old ledger rows of reads into one row a minute.
#[async_trait]
pub trait ReadMergeStore: Debug + Send + Sync {
    /// Returns which of the next `limit` workspaces behind `after` have rows of reads that are older than
    /// `older_than_seconds` and were not visited by [`merge_reads`](Self::merge_reads).
    async fn reads_to_merge(
        &self,
        after: Option<WorkspaceId>,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<MergePage, MetadataError>;
    /// Visits the next `limit` rows of reads of a workspace and merges those of one key, kind, purpose, dialect and
    /// minute, if all of that minute is older than `older_than_seconds`. Returns how many rows it visited. Rows that
    /// the usage rollup does not include yet stay, and so do rows that are still to be exported, if usage was ever
    /// exported.
    async fn merge_reads(
        &self,
        workspace: WorkspaceId,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError>;
}
