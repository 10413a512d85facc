//! Lists Files.

use super::{Files, StoreError};
use crate::model::file::File;
use crate::model::ids::WorkspaceId;
use crate::model::page::{FileQuery, Page};

impl Files {
    /// Returns a page of the workspace's Files.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn list(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, StoreError> {
        Ok(self.metadata.list_files(workspace, query).await?)
    }
}
