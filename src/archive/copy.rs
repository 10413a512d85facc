//! Copying blobs, each checked while it is read and when it has arrived.

use crate::blobs::verify::read_verified;
use crate::blobs::{BlobError, BlobStore};
use crate::metadata::{MetadataError, ReadyBlob};
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::ids::BlobId;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Rows that are asked for at once; each may have a block of bytes in it.
const STEP_BLOBS: u32 = 128;
/// Blobs that are copied at once, so that their fsyncs are waited for together.
const COPIES_AT_ONCE: usize = 8;

/// What became of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It is there.
    Whole {
        /// The blob.
        blob: BlobId,
        /// Its length in bytes.
        size_bytes: u64,
        /// SHA-256 of its bytes.
        sha256: Sha256Digest,
        /// The target had it before; nothing was copied.
        is_reused: bool,
    },
    /// It is whole, and its bytes stand in its row.
    Inline {
        /// Its length in bytes.
        size_bytes: u64,
    },
    /// Its bytes are missing or wrong where they came from; nothing of it was kept.
    Damaged {
        /// The blob.
        blob: BlobId,
        /// The difference from its row.
        why: &'static str,
    },
}

/// Why a copy could not go on.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The rows could not be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// What arrived is not what was sent.
    #[error("blob {0} did not arrive as it was sent")]
    Changed(BlobId),
}

/// A walk through rows of blobs, in steps.
#[derive(Debug, Default)]
pub(super) struct Steps {
    after: Option<BlobId>,
}

impl Steps {
    /// Returns the next step, none behind the last one. `rows` is given the last blob of the step before, and a number.
    pub(super) async fn next(
        &mut self,
        rows: &impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    ) -> Result<Option<Vec<ReadyBlob>>, MetadataError> {
        let step = rows(self.after, STEP_BLOBS).await?;
        self.after = step.last().map(|last| last.stored.blob);
        Ok(self.after.map(|_| step))
    }
}

/// Does work of a step, some of it at once, and reports each outcome.
pub(super) async fn run<T>(
    work: impl Iterator<Item = impl Future<Output = Result<T, CopyError>>>,
    report: &mut (dyn FnMut(T) + Send),
) -> Result<(), CopyError> {
    let mut outcomes = stream::iter(work).buffer_unordered(COPIES_AT_ONCE);
    while let Some(outcome) = outcomes.try_next().await? {
        report(outcome);
    }
    Ok(())
}

/// Copies the blobs that `rows` names, in steps: it is given the last blob of the step before, and a number.
///
/// # Errors
/// When a store failed; what was copied until then stays.
pub async fn copy_blobs(
    rows: impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    report: &mut (dyn FnMut(Copied) + Send),
) -> Result<(), CopyError> {
    let mut steps = Steps::default();
    while let Some(step) = steps.next(&rows).await? {
        run(step.into_iter().map(|ready| bring(ready, from, to)), report).await?;
    }
    Ok(())
}

/// Copies those of the blobs that the target does not have yet, as [`copy_blobs`] does. What it has must have been compared
/// with its checksums when it came.
///
/// # Errors
/// When a store failed; what was copied until then stays.
pub async fn complete_blobs(
    rows: impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    report: &mut (dyn FnMut(Copied) + Send),
) -> Result<(), CopyError> {
    let mut steps = Steps::default();
    while let Some(step) = steps.next(&rows).await? {
        let names: Vec<BlobId> = step.iter().map(|ready| ready.stored.blob).collect();
        let sizes = to.sizes(&names).await?;
        let (there, missing): (Vec<_>, Vec<_>) =
            step.into_iter().zip(sizes).partition(|(ready, size)| *size == Some(ready.stored.size_bytes));
        for (ReadyBlob { stored, sha256 }, _) in there {
            report(Copied::Whole { blob: stored.blob, size_bytes: stored.size_bytes, sha256, is_reused: true });
        }
        run(missing.into_iter().map(|(ready, _)| bring(ready, from, to)), report).await?;
    }
    Ok(())
}

async fn bring(ready: ReadyBlob, from: &Arc<dyn BlobStore>, to: &Arc<dyn BlobStore>) -> Result<Copied, CopyError> {
    match &ready.stored.inline {
        None => copy(ready, from, to).await,
        Some(content) if Sha256Digest(Sha256::digest(content).into()) == ready.sha256 => {
            Ok(Copied::Inline { size_bytes: ready.stored.size_bytes })
        }
        Some(_) => Ok(Copied::Damaged { blob: ready.stored.blob, why: "its SHA-256 is not what it was" }),
    }
}

pub(super) async fn copy(
    ready: ReadyBlob,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
) -> Result<Copied, CopyError> {
    let (blob, size_bytes, sha256) = (ready.stored.blob, ready.stored.size_bytes, ready.sha256);
    let mut writer = to.create(blob).await?;
    let sent = async {
        let mut content = read_verified(&**from, ready.stored, ByteRange::whole(size_bytes)).await?;
        while let Some(chunk) = content.try_next().await? {
            writer.write(chunk).await?;
        }
        Ok(())
    };
    match sent.await {
        Ok(()) => {}
        Err(BlobError::Damaged(_, why)) => {
            writer.discard().await;
            return Ok(Copied::Damaged { blob, why });
        }
        Err(error) => return Err(error.into()),
    }
    let content = writer.finish().await?;
    if content.size_bytes != size_bytes || content.sha256 != sha256 {
        return Err(CopyError::Changed(blob));
    }
    Ok(Copied::Whole { blob, size_bytes, sha256, is_reused: false })
}
