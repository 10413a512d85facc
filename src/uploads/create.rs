//! Creates Uploads, before their first byte.

use super::Uploads;
use crate::files::{CreateError, FileDetails, MAX_BATCH_FILE_BYTES, ReceiveError, StoreError, check_name};
use crate::model::caller::Caller;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::limits::{Limit, LimitsInForce};
use crate::model::purpose::Purpose;
use crate::model::upload::{NewUpload, Upload};

/// The reason why an Upload is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUploadError {
    /// The details do not allow the File.
    #[error(transparent)]
    Details(#[from] CreateError),
    /// The declared size exceeds the maximum of the purpose.
    #[error("the file would be larger than {limit_bytes} bytes")]
    TooLarge {
        /// The maximum of the purpose, in bytes.
        limit_bytes: u64,
        /// The declared size, in bytes.
        size_bytes: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Uploads {
    /// Creates an Upload of `size_bytes`.
    ///
    /// # Errors
    /// When the details do not allow the File, or the store failed.
    pub async fn create(
        &self,
        caller: Caller,
        limits: &LimitsInForce,
        details: FileDetails,
        size_bytes: u64,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, CreateUploadError> {
        check_name(details.purpose, &details.filename)?;
        if details.purpose == Purpose::Batch && size_bytes > MAX_BATCH_FILE_BYTES {
            return Err(CreateError::from(ReceiveError::BatchTooLarge).into());
        }
        if let Some(limit_bytes) = limits.get(Limit::FileBytes(details.purpose)).filter(|limit| size_bytes > *limit) {
            return Err(CreateUploadError::TooLarge { limit_bytes, size_bytes });
        }
        let new = NewUpload {
            size_bytes,
            filename: details.filename,
            mime_type: details.mime_type,
            purpose: details.purpose,
            expires_after: details.expires_after,
            ttl_seconds: self.files.settings.load().upload_ttl_seconds,
        };
        Ok(self.metadata.create_upload(caller, new, once).await.map_err(StoreError::from)?)
    }
}
