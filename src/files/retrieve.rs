//! Retrieves Files.

use super::{Files, StoreError};
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
}
