//! Creating: what the File is to be, before its first byte.

use super::Uploads;
use crate::files::{CreateError, FileDetails, MAX_BATCH_FILE_BYTES, ReceiveError, StoreError};
use crate::model::caller::Caller;
use crate::model::idempotency::{Effect, Once};
use crate::model::purpose::Purpose;
use crate::model::upload::{NewUpload, Upload};

/// Why an Upload is not begun.
#[derive(Debug, thiserror::Error)]
pub enum CreateUploadError {
    /// There can be no such File.
    #[error(transparent)]
    Details(#[from] CreateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Uploads {
    /// Begins an Upload of a File of `size_bytes`.
    ///
    /// # Errors
    /// When there can be no such File, or the store failed.
    pub async fn create(
        &self,
        caller: Caller,
        details: FileDetails,
        size_bytes: u64,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, CreateUploadError> {
        details.check()?;
        if details.purpose == Purpose::Batch && size_bytes > MAX_BATCH_FILE_BYTES {
            return Err(CreateError::from(ReceiveError::BatchTooLarge).into());
        }
        let new = NewUpload {
            size_bytes,
            filename: details.filename,
            purpose: details.purpose,
            expires_after: details.expires_after,
            ttl_seconds: self.ttl_seconds,
        };
        Ok(self.files.metadata.create_upload(caller, new, once).await.map_err(StoreError::from)?)
    }
}
