//! Deleting: a File is gone for its workspace at once; the sweeper removes its bytes.

use super::{Files, StoreError};
use crate::failpoint;
use crate::model::ids::{FileId, WorkspaceId};

impl Files {
    /// Deletes the File; false when the workspace does not have it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn delete(&self, workspace: WorkspaceId, id: FileId) -> Result<bool, StoreError> {
        let deleted = self.metadata.delete_file(workspace, id).await?;
        if deleted {
            self.sweep_wanted.notify_one();
        }
        failpoint::reach("delete.committed").map_err(StoreError::unavailable)?;
        Ok(deleted)
    }
}
