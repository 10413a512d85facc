//! Deletes Files. A deleted File is invisible at once; the sweeper deletes its bytes.

use super::{Files, StoreError};
use crate::failpoint;
use crate::model::caller::Caller;
use crate::model::ids::FileId;

impl Files {
    /// Deletes a File. Returns false when the caller's workspace does not have it.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn delete(&self, caller: Caller, id: FileId) -> Result<bool, StoreError> {
        let deleted = self.metadata.delete_file(caller, id).await?;
        if deleted {
            self.sweep_wanted.notify_one();
        }
        failpoint::reach("delete.committed").map_err(StoreError::unavailable)?;
        Ok(deleted)
    }
}
