//! Cancels Uploads. The parts are invisible at once; the sweeper deletes their bytes.

use super::{UploadError, Uploads};
use crate::failpoint;
use crate::files::StoreError;
use crate::model::caller::Caller;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::UploadId;
use crate::model::upload::Upload;

impl Uploads {
    /// Cancels a pending Upload; a cancelled one stays so.
    ///
    /// # Errors
    /// When the workspace has no such Upload, it is completed or expired, or the store failed.
    pub async fn cancel(
        &self,
        caller: Caller,
        id: UploadId,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, UploadError> {
        let effect = self.metadata.cancel_upload(caller, id, once).await?;
        let cancelled = effect.and_then(|outcome| outcome)?;
        self.hashing.end(id);
        self.files.sweep_wanted.notify_one();
        failpoint::reach("cancel.committed").map_err(StoreError::unavailable)?;
        Ok(cancelled)
    }
}
