//! Lists Files.

use super::{Files, StoreError};
use crate::model::file::File;
use crate::model::ids::WorkspaceId;
use crate::model::page::{FileQuery, NameQuery, Page};

impl Files {
    /// Returns a page of the workspace's Files.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn list(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, StoreError> {
        Ok(self.metadata.list_files(workspace, query).await?)
    }

    /// Returns the number of the workspace's Files.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn count(&self, workspace: WorkspaceId) -> Result<u64, StoreError> {
        Ok(self.metadata.storage_usage(workspace).await?.stored_files)
    }

    /// Returns a page of the workspace's Files whose names begin so.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn list_by_name(&self, workspace: WorkspaceId, query: NameQuery) -> Result<Page<File>, StoreError> {
        Ok(self.metadata.list_files_by_name(workspace, query).await?)
    }
}
