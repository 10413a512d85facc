//! Retrieves Files.

use super::{Files, StoreError};
use crate::model::chosen_name::ChosenName;
use crate::model::file::File;
use crate::model::ids::{FileId, WorkspaceId};

impl Files {
    /// Returns the File; none when the workspace does not have it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn retrieve(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, StoreError> {
        Ok(self.metadata.find_file(workspace, id).await?)
    }

    /// Returns the File with this chosen name; none when the workspace does not have it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn retrieve_named(&self, workspace: WorkspaceId, name: ChosenName) -> Result<Option<File>, StoreError> {
        Ok(self.metadata.find_named_file(workspace, name).await?)
    }

    /// Returns whether the workspace had this File until it expired, within the last 30 days.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn has_expired(&self, workspace: WorkspaceId, id: FileId) -> Result<bool, StoreError> {
        Ok(self.metadata.has_expired(workspace, id).await?)
    }
}
