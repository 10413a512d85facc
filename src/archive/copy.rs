//! Copies blobs, verified as they are read and again when they are durable.

use crate::blobs::verify::read_verified;
use crate::blobs::{BlobError, BlobStore};
use crate::metadata::{MetadataError, ReadyBlob};
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::ids::BlobId;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The number of rows per step. Each may hold inline bytes.
const STEP_BLOBS: u32 = 128;
/// The number of parallel copies, which share their waits for fsync.
const COPIES_AT_ONCE: usize = 8;

/// The outcome of copying a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The target has the blob.
    Whole {
        /// The blob.
        blob: BlobId,
        /// Its length, in bytes.
        size_bytes: u64,
        /// The SHA-256 of its bytes.
        sha256: Sha256Digest,
        /// The target had it before.
        is_reused: bool,
    },
    /// The blob's bytes are valid, and in its row.
    Inline {
        /// Its length, in bytes.
        size_bytes: u64,
    },
    /// The bytes are missing or wrong in the source; no copy was kept.
    Damaged {
        /// The blob.
        blob: BlobId,
        /// The difference from its row.
        why: &'static str,
    },
}

/// The reason why copying stopped.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The copy differs from the source.
    #[error("blob {0} differs after the copy")]
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
/// When a store failed. Copied blobs stay.
pub async fn copy_blobs(
    rows: impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    report: &mut (dyn FnMut(CopyOutcome) + Send),
) -> Result<(), CopyError> {
    let mut steps = Steps::default();
    while let Some(step) = steps.next(&rows).await? {
        run(step.into_iter().map(|ready| bring(ready, from, to)), report).await?;
    }
    Ok(())
}

/// Copies the blobs that the target lacks, as [`copy_blobs`] does. Those that it has must have been verified when they
/// were written.
///
/// # Errors
/// When a store failed. Copied blobs stay.
pub async fn complete_blobs(
    rows: impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    report: &mut (dyn FnMut(CopyOutcome) + Send),
) -> Result<(), CopyError> {
    let mut steps = Steps::default();
    while let Some(step) = steps.next(&rows).await? {
        let names: Vec<BlobId> = step.iter().map(|ready| ready.stored.blob).collect();
        let sizes = to.sizes(&names).await?;
        let (there, missing): (Vec<_>, Vec<_>) =
            step.into_iter().zip(sizes).partition(|(ready, size)| *size == Some(ready.stored.size_bytes));
        for (ReadyBlob { stored, sha256 }, _) in there {
            report(CopyOutcome::Whole { blob: stored.blob, size_bytes: stored.size_bytes, sha256, is_reused: true });
        }
        run(missing.into_iter().map(|(ready, _)| bring(ready, from, to)), report).await?;
    }
    Ok(())
}

async fn bring(ready: ReadyBlob, from: &Arc<dyn BlobStore>, to: &Arc<dyn BlobStore>) -> Result<CopyOutcome, CopyError> {
    match &ready.stored.inline {
        None => copy(ready, from, to).await,
        Some(content) if Sha256Digest(Sha256::digest(content).into()) == ready.sha256 => {
            Ok(CopyOutcome::Inline { size_bytes: ready.stored.size_bytes })
        }
        Some(_) => Ok(CopyOutcome::Damaged { blob: ready.stored.blob, why: "its SHA-256 is not what it was" }),
    }
}

pub(super) async fn copy(
    ready: ReadyBlob,
    from: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
) -> Result<CopyOutcome, CopyError> {
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
            return Ok(CopyOutcome::Damaged { blob, why });
        }
        Err(error) => return Err(error.into()),
    }
    let content = writer.finish().await?;
    if content.size_bytes != size_bytes || content.sha256 != sha256 {
        return Err(CopyError::Changed(blob));
    }
    Ok(CopyOutcome::Whole { blob, size_bytes, sha256, is_reused: false })
}
