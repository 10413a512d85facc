//! Hashes the parts of an Upload as one content: up to 8 GiB for one short request.
//!
//! The permits are few, and workspaces share them. Parts never change, so digests are cached. Requests for the same
//! content share one run, which belongs to the Upload and goes on when they are cancelled ([`super::runs`]).

use super::runs::{Joined, Runs};
use super::{UploadError, Uploads};
use crate::files::{ContentStream, StoreError};
use crate::model::blob::StoredBlob;
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::upload::UploadRefusal;
use crate::shares::{FairPermit, FairSemaphore};
use futures_util::TryStreamExt;
use md5::Md5;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::thread;
use tokio_util::sync::CancellationToken;

/// The minimum of parallel runs; more on machines with more processors.
const MIN_PLACES: usize = 4;
/// The maximum of waiting requests, and of runs without a request.
const MAX_QUEUED: usize = 1024;
/// The maximum for one workspace.
const MAX_QUEUED_PER_WORKSPACE: usize = 64;

/// An MD5 digest that a client asks to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Md5Digest(pub [u8; 16]);

/// The digests of a content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digests {
    /// Its MD5.
    pub(super) md5: Md5Digest,
    /// Its SHA-256.
    pub(super) sha256: Sha256Digest,
}

/// The reason why a content is not hashed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HashError {
    /// The workspace has too many such requests.
    #[error("too many hashing requests")]
    TooMany,
    /// The parts cannot be read.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

/// The service of hashing, with its cache.
#[derive(Debug)]
pub struct Hashing {
    places: FairSemaphore<WorkspaceId>,
    queue: FairSemaphore<WorkspaceId>,
    runs: Arc<Runs<Digests>>,
}

impl Hashing {
    /// Returns a service without runs. After `stop`, a run goes on only while a request waits for it.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            places: FairSemaphore::new(MIN_PLACES.max(2 * processors), (processors / 2).max(1)),
            queue: FairSemaphore::new(MAX_QUEUED, MAX_QUEUED_PER_WORKSPACE),
            runs: Arc::new(Runs::new(stop)),
        }
    }

    /// Ends the run of an Upload that has ended.
    pub(super) fn end(&self, upload: UploadId) {
        self.runs.end(upload);
    }

    fn enter(&self, workspace: WorkspaceId) -> Result<FairPermit<WorkspaceId>, HashError> {
        self.queue.try_acquire(workspace).ok_or(HashError::TooMany)
    }
}

impl Uploads {
    /// Hashes the parts of a pending Upload in this order; returns none when it is not pending.
    pub(super) async fn hash_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: &[PartId],
    ) -> Result<Option<Digests>, HashError> {
        let whole = name_of(upload, parts);
        loop {
            let queued = Arc::new(self.hashing.enter(workspace)?);
            // The store is asked before the cache: only then are these known to be parts of an Upload of this
            // workspace.
            let Some(blobs) = self.part_blobs(workspace, upload, parts).await? else { return Ok(None) };
            let run = self.run(workspace, blobs, Arc::clone(&queued));
            let outcome = match self.hashing.runs.join(&self.files.tasks, upload, whole, run) {
                Joined::Cached(digests) => return Ok(Some(digests)),
                Joined::Run(waiting) => waiting.outcome().await,
                Joined::Other(waiting) => {
                    waiting.outcome().await;
                    None
                }
            };
            match outcome {
                // The Upload has ended, or is free for another run.
                None => {}
                Some(Ok(digests)) => return Ok(Some(digests)),
                // The parts of an Upload that has ended are deleted, which is no damage.
                Some(Err(error))
                    if matches!(*error, StoreError::Damaged(..))
                        && self.part_blobs(workspace, upload, parts).await?.is_none() =>
                {
                    return Ok(None);
                }
                Some(Err(error)) => return Err(UploadError::Store(StoreError::shared(&error)).into()),
            }
        }
    }

    /// Returns the blobs of a pending Upload's parts, in this order; none when it is not pending.
    async fn part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: &[PartId],
    ) -> Result<Option<Vec<StoredBlob>>, UploadError> {
        match self.metadata.find_part_blobs(workspace, upload, parts.to_vec()).await? {
            Ok(blobs) => Ok(Some(blobs)),
            Err(UploadRefusal::NotPending(_)) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Hashes consecutive blobs once a permit is free. The queue permit is held as long.
    fn run(
        &self,
        workspace: WorkspaceId,
        blobs: Vec<StoredBlob>,
        queued: Arc<FairPermit<WorkspaceId>>,
    ) -> impl Future<Output = Result<Digests, StoreError>> + Send + use<> {
        let (files, places) = (self.files.clone(), self.hashing.places.clone());
        async move {
            let (_queued, _place) = (queued, places.acquire(workspace).await);
            let whole = ByteRange::whole(blobs.iter().map(|blob| blob.size_bytes).sum());
            hash(files.read_blobs(blobs, whole).await?).await
        }
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

/// Returns the name of a content: a digest of the Upload's id and its parts in order.
fn name_of(upload: UploadId, parts: &[PartId]) -> [u8; 32] {
    let begun = Sha256::new_with_prefix(upload.to_string());
    parts.iter().fold(begun, |name, part| name.chain_update(part.to_string())).finalize().into()
}
