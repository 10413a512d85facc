//! Completes Uploads: named parts become a File, in order.

use super::hashing::{HashError, Md5Digest};
use super::{UploadError, Uploads};
use crate::failpoint;
use crate::files::StoreError;
use crate::model::caller::Caller;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{PartId, UploadId};
use crate::model::upload::{Completion, Upload};
use futures_util::FutureExt;

/// The reason why an Upload is not completed.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The MD5 of the content differs from the client's.
    #[error("the content has another MD5")]
    WrongMd5,
    /// Too many completions with an MD5 are running in the workspace.
    #[error("too many uploads are being completed with an MD5")]
    TooManyChecks,
    /// The Upload refuses it, or a store failed.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl From<HashError> for CompleteError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::TooMany => Self::TooManyChecks,
            HashError::Upload(error) => Self::Upload(error),
        }
    }
}

impl Uploads {
    /// Completes an Upload with these parts, in this order. Only with an MD5 is the content read, once, which also
    /// stores its SHA-256. The reading goes on when the request is cancelled, and a repeated request joins it. A
    /// repetition with the same parts returns the same.
    ///
    /// # Errors
    /// When the parts are not the Upload's, do not add up or have another MD5, or a store failed. The Upload stays
    /// pending then.
    pub async fn complete(
        &self,
        caller: Caller,
        upload: UploadId,
        parts: Vec<PartId>,
        md5: Option<Md5Digest>,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, CompleteError> {
        let digests = match md5 {
            Some(_) => self.hash_parts(caller.workspace, upload, &parts).await?,
            None => None,
        };
        if digests.is_some_and(|digests| Some(digests.md5) != md5) {
            return Err(CompleteError::WrongMd5);
        }
        let sha256 = digests.map(|digests| digests.sha256);
        Ok(self.make_file(caller, upload, Completion { parts, sha256 }, once).await?)
    }

    /// Makes the File of an Upload. The steps run to their end even when the request is cancelled.
    pub(super) async fn make_file(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, UploadError> {
        let uploads = self.clone();
        let steps = async move {
            let effect = uploads.metadata.complete_upload(caller, upload, completion, once).await?;
            let completed = effect.and_then(|outcome| outcome)?;
            uploads.hashing.end(upload);
            uploads.files.sweep_wanted.notify_one();
            failpoint::reach("complete.committed").map_err(StoreError::unavailable)?;
            Ok::<_, UploadError>(completed)
        };
        self.files.run_to_end(steps.boxed()).await
    }
}
