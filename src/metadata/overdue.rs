//! Files and pending Uploads that have expired.

use super::error::MetadataError;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use std::fmt::Debug;

/// A workspace with an overdue File or pending Upload, in the order of their expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overdue {
    /// The Unix second of the expiry.
    pub since: u64,
    /// Its workspace.
    pub workspace: WorkspaceId,
}

impl Overdue {
    /// Merges sorted lists that were each cut at `limit`. The result omits nothing before its last element.
    pub(super) fn merge(lists: Vec<Vec<Self>>, limit: usize) -> Vec<Self> {
        let cut = lists.iter().filter(|list| list.len() >= limit).filter_map(|list| list.last()).min().copied();
        let mut merged: Vec<Self> = lists.into_iter().flatten().collect();
        merged.sort_unstable();
        merged.dedup();
        merged.retain(|overdue| cut.is_none_or(|cut| *overdue <= cut));
        merged
    }
}

/// The number of rows that one step of expiry ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Files.
    pub files: usize,
    /// Uploads.
    pub uploads: usize,
}

impl Ended {
    /// Returns whether there was nothing to end.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        self.files == 0 && self.uploads == 0
    }
}

/// The Files and pending Uploads that have expired and are not deleted yet.
#[async_trait]
pub trait ExpiryStore: Debug + Send + Sync {
    /// Returns the workspaces with overdue Files or pending Uploads behind `after`, each second and workspace once. It
    /// reads at most `limit` rows of each table.
    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError>;
    /// Deletes at most `limit` expired Files of a workspace as [`delete_file`](super::FileStore::delete_file) does, and
    /// ends as many of its Uploads that have expired.
    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError>;
}
