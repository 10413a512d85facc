//! Hashing the parts of an Upload as the whole that they are to be: up to 8 GiB are read for a short request.
//!
//! Places for that are few, and workspaces share them. Parts never change, so what was hashed is remembered, and requests that
//! ask for the same whole at the same moment share one read.

use super::{UploadError, Uploads};
use crate::files::{ContentStream, StoreError};
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::upload::UploadRefusal;
use crate::shares::{Share, Shares};
use futures_util::TryStreamExt;
use md5::Md5;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use std::thread;

/// Wholes that are hashed at once, at least; more on machines with more processors.
const MIN_PLACES: usize = 4;
/// Requests that hash, or wait for a place to.
const MAX_QUEUED: usize = 1024;
/// Those of one workspace.
const MAX_QUEUED_PER_WORKSPACE: usize = 64;
/// Wholes whose digests are remembered, some 150 bytes each.
const MAX_REMEMBERED: usize = 4096;

/// An MD5 digest, as a client names it to have the whole checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Md5Digest(pub [u8; 16]);

/// The digests of a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digests {
    /// Its MD5.
    pub(super) md5: Md5Digest,
    /// Its SHA-256.
    pub(super) sha256: Sha256Digest,
}

/// Why a whole is not hashed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HashError {
    /// The workspace has as many requests that hash as it may have.
    #[error("too many requests hash")]
    TooMany,
    /// The parts cannot be read.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

/// Who hashes, and what was hashed.
#[derive(Debug)]
pub struct Hashing {
    places: Shares<WorkspaceId>,
    queue: Shares<WorkspaceId>,
    done: Cache<[u8; 32], Digests>,
}

impl Default for Hashing {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            places: Shares::new(MIN_PLACES.max(2 * processors), (processors / 2).max(1)),
            queue: Shares::new(MAX_QUEUED, MAX_QUEUED_PER_WORKSPACE),
            done: Cache::new(MAX_REMEMBERED),
        }
    }
}

impl Hashing {
    fn enter(&self, workspace: WorkspaceId) -> Result<Share<WorkspaceId>, HashError> {
        self.queue.try_take(workspace).ok_or(HashError::TooMany)
    }
}

impl Uploads {
    /// Hashes the parts of a pending Upload in this order. None when it is not pending: it has nothing to read then, or not any
    /// more.
    pub(super) async fn hash_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: &[PartId],
    ) -> Result<Option<Digests>, HashError> {
        let _queued = self.hashing.enter(workspace)?;
        // Asked before the memory is: only then is it known that these are parts of an Upload of this workspace.
        let Some(content) = self.parts_content(workspace, upload, parts).await? else { return Ok(None) };
        let read = async {
            let _place = self.hashing.places.take(workspace).await;
            Ok::<_, UploadError>(hash(content.await?).await?)
        };
        match self.hashing.done.get_or_insert_async(&name_of(upload, parts), read).await {
            Ok(digests) => Ok(Some(digests)),
            // Parts whose Upload has ended meanwhile are removed, which is no damage.
            Err(UploadError::Store(StoreError::Damaged(..)))
                if self.parts_content(workspace, upload, parts).await?.is_none() =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The content of the parts of a pending Upload, in this order, to be opened; none when it is not pending.
    async fn parts_content(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: &[PartId],
    ) -> Result<Option<impl Future<Output = Result<ContentStream, StoreError>>>, UploadError> {
        let blobs = match self.files.metadata.find_part_blobs(workspace, upload, parts.to_vec()).await? {
            Ok(blobs) => blobs,
            Err(UploadRefusal::NotPending(_)) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        let whole = ByteRange::whole(blobs.iter().map(|blob| blob.size_bytes).sum());
        Ok(Some(self.files.read_blobs(blobs, whole)))
    }
}

async fn hash(content: ContentStream) -> Result<Digests, StoreError> {
    let begun = (Md5::new(), Sha256::new());
    let digests = content.try_fold(begun, |(mut md5, mut sha256), chunk| async move {
        let hashed = tokio::task::spawn_blocking(move || {
            md5.update(&chunk);
            sha256.update(&chunk);
            (md5, sha256)
        });
        hashed.await.map_err(|unfinished| StoreError::Internal(Box::new(unfinished)))
    });
    let (md5, sha256) = digests.await?;
    Ok(Digests { md5: Md5Digest(md5.finalize().into()), sha256: Sha256Digest(sha256.finalize().into()) })
}

/// The name of a whole: its Upload, whose id no other has, and its parts in order.
fn name_of(upload: UploadId, parts: &[PartId]) -> [u8; 32] {
    let begun = Sha256::new_with_prefix(upload.to_string());
    parts.iter().fold(begun, |name, part| name.chain_update(part.to_string())).finalize().into()
}
