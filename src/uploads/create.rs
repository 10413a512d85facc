//! Creates Uploads, before their first byte.

use super::Uploads;
use crate::files::{CreateError, FileDetails, MAX_BATCH_FILE_BYTES, ReceiveError, StoreError, check_name};
use crate::model::caller::Caller;
use crate::model::chosen_name::ChosenName;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::limits::{Limit, LimitsInForce};
use crate::model::purpose::Purpose;
use crate::model::upload::{MAX_UPLOAD_BYTES, NewUpload, Upload};

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

/// An Upload before it is created.
#[derive(Debug)]
pub struct PlannedUpload {
    /// The details of the File.
    pub details: FileDetails,
    /// The size of the File, in bytes; none if its client does not know it.
    pub size_bytes: Option<u64>,
    /// The name that the client chose for the File.
    pub chosen_name: Option<ChosenName>,
    /// The longest time that it accepts parts, in seconds.
    pub max_ttl_seconds: u64,
}

impl Uploads {
    /// Creates an Upload.
    ///
    /// # Errors
    /// When the details do not allow the File, or the store failed.
    pub async fn create(
        &self,
        caller: Caller,
        limits: &LimitsInForce,
        planned: PlannedUpload,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, CreateUploadError> {
        let PlannedUpload { details, size_bytes: declared_bytes, chosen_name, max_ttl_seconds } = planned;
        let size_bytes = declared_bytes.unwrap_or_default();
        check_name(details.purpose, &details.filename)?;
        if details.purpose == Purpose::Batch && size_bytes > MAX_BATCH_FILE_BYTES {
            return Err(CreateError::from(ReceiveError::BatchTooLarge).into());
        }
        let limit_bytes = limits.get(Limit::FileBytes(details.purpose));
        if let Some(limit_bytes) = limit_bytes.filter(|limit| size_bytes > *limit) {
            return Err(CreateUploadError::TooLarge { limit_bytes, size_bytes });
        }
        let most_bytes = if details.purpose == Purpose::Batch { MAX_BATCH_FILE_BYTES } else { MAX_UPLOAD_BYTES };
        let grows_to_bytes = limit_bytes.map_or(most_bytes, |limit_bytes| limit_bytes.min(most_bytes));
        let new = NewUpload {
            size_bytes,
            grows_to_bytes: declared_bytes.is_none().then_some(grows_to_bytes),
            chosen_name,
            filename: details.filename,
            mime_type: details.mime_type,
            purpose: details.purpose,
            expires_after: details.expires_after,
            ttl_seconds: self.files.settings.load().upload_ttl_seconds.min(max_ttl_seconds),
        };
        Ok(self.metadata.create_upload(caller, new, once).await.map_err(StoreError::from)?)
    }
}
