//! Cancelling: the parts are gone at once, their bytes soon after.

use super::{UploadError, Uploads};
use crate::failpoint;
use crate::files::StoreError;
use crate::model::caller::Caller;
use crate::model::idempotency::{Effect, Once};
use crate::model::ids::UploadId;
use crate::model::upload::Upload;

impl Uploads {
    /// Cancels a pending Upload; a cancelled one stays as it is.
    ///
    /// # Errors
    /// When the workspace has none, it is completed or expired, or the store failed.
    pub async fn cancel(
        &self,
        caller: Caller,
        id: UploadId,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, UploadError> {
        let effect = self.metadata.cancel_upload(caller, id, once).await?;
        let cancelled = effect.and_then(|outcome| outcome)?;
        self.hashing.end(id);
        self.files.sweep_wanted.notify_one();
        failpoint::reach("cancel.committed").map_err(StoreError::unavailable)?;
        Ok(cancelled)
    }
}
