//! Completing: parts become a File by being named in order.

use super::{UploadError, Uploads};
use crate::failpoint;
use crate::files::StoreError;
use crate::model::byte_range::ByteRange;
use crate::model::caller::Caller;
use crate::model::digest::Sha256Digest;
use crate::model::idempotency::{Effect, Once};
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::upload::{Completion, Upload, UploadRefusal};
use futures_util::TryStreamExt;
use md5::Md5;
use sha2::{Digest, Sha256};

/// An MD5 digest, as a client names it to have the whole checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Md5Digest(pub [u8; 16]);

/// Why an Upload does not become a File.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The whole has another MD5 than the client names.
    #[error("the content has another MD5")]
    WrongMd5,
    /// The Upload does not do that, or a store failed.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl Uploads {
    /// Makes a File of these parts, in this order. Only when an MD5 is named is the whole read, once, to compare it; its
    /// SHA-256 is known from then on. Repeated with the same parts it answers the same.
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
        let sha256 = match md5 {
            Some(md5) => self.check_md5(caller.workspace, upload, &parts, md5).await?,
            None => None,
        };
        let (files, completion) = (self.files.clone(), Completion { parts, sha256 });
        let steps = async move {
            let effect = files.metadata.complete_upload(caller, upload, completion, once).await?;
            let completed = effect.and_then(|outcome| outcome)?;
            files.sweep_wanted.notify_one();
            failpoint::reach("complete.committed").map_err(StoreError::unavailable)?;
            Ok::<_, UploadError>(completed)
        };
        Ok(self.files.to_the_end(steps).await?)
    }

    /// Reads the parts of a pending Upload as the whole that they are to be. One that is not pending has nothing to read.
    async fn check_md5(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: &[PartId],
        named: Md5Digest,
    ) -> Result<Option<Sha256Digest>, CompleteError> {
        let blobs = match self.files.metadata.find_part_blobs(workspace, upload, parts.to_vec()).await {
            Ok(Ok(blobs)) => blobs,
            Ok(Err(UploadRefusal::NotPending(_))) => return Ok(None),
            Ok(Err(refusal)) => return Err(UploadError::from(refusal).into()),
            Err(error) => return Err(UploadError::from(error).into()),
        };
        let whole = ByteRange::whole(blobs.iter().map(|blob| blob.size_bytes).sum());
        let content = self.files.read_blobs(blobs, whole).await.map_err(UploadError::from)?;
        let digests = content.try_fold((Md5::new(), Sha256::new()), |(mut md5, mut sha256), chunk| async move {
            let hashed = tokio::task::spawn_blocking(move || {
                md5.update(&chunk);
                sha256.update(&chunk);
                (md5, sha256)
            });
            hashed.await.map_err(|unfinished| StoreError::Internal(Box::new(unfinished)))
        });
        let (md5, sha256) = digests.await.map_err(UploadError::from)?;
        if <[u8; 16]>::from(md5.finalize()) != named.0 {
            return Err(CompleteError::WrongMd5);
        }
        Ok(Some(Sha256Digest(sha256.finalize().into())))
    }
}
