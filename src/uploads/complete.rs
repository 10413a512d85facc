//! Completing: parts become a File by being named in order.

use super::hashing::{HashError, Md5Digest};
use super::{UploadError, Uploads};
use crate::failpoint;
use crate::files::StoreError;
use crate::model::caller::Caller;
use crate::model::idempotency::{Effect, Once};
use crate::model::ids::{PartId, UploadId};
use crate::model::upload::{Completion, Upload};

/// Why an Upload does not become a File.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The whole has another MD5 than the client names.
    #[error("the content has another MD5")]
    WrongMd5,
    /// The workspace has as many of these as may read their parts at once.
    #[error("too many uploads are being completed with an MD5")]
    TooManyChecks,
    /// The Upload does not do that, or a store failed.
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
    /// Makes a File of these parts, in this order. Only when an MD5 is named is the whole read, once, to compare it; its
    /// SHA-256 is known from then on. The reading goes on when the request is cut off, and a further request joins it. Repeated
    /// with the same parts it answers the same.
    ///
    /// # Errors
    /// When the parts are not the Upload's, do not add up, or have another MD5, or a store failed; the Upload stays
    /// pending then.
    pub async fn complete(
        &self,
        caller: Caller,
        upload: UploadId,
        parts: Vec<PartId>,
        md5: Option<Md5Digest>,
        once: Option<Once<Upload>>,
    ) -> Result<Effect<Upload>, CompleteError> {
        let digests = match md5 {
            Some(_) => self.hash_parts(caller.workspace, upload, &parts).await?,
            None => None,
        };
        if digests.is_some_and(|digests| Some(digests.md5) != md5) {
            return Err(CompleteError::WrongMd5);
        }
        let sha256 = digests.map(|digests| digests.sha256);
        let (uploads, completion) = (self.clone(), Completion { parts, sha256 });
        let steps = async move {
            let effect = uploads.metadata.complete_upload(caller, upload, completion, once).await?;
            let completed = effect.and_then(|outcome| outcome)?;
            uploads.hashing.end(upload);
            uploads.files.sweep_wanted.notify_one();
            failpoint::reach("complete.committed").map_err(StoreError::unavailable)?;
            Ok::<_, UploadError>(completed)
        };
        Ok(self.files.to_the_end(steps).await?)
    }
}
