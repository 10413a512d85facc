//! Reuses blobs of an older copy of the same installation after comparing their bytes.

use super::copy::{CopyError, CopyOutcome, Steps, copy, run};
use crate::blobs::verify::read_verified;
use crate::blobs::{BlobError, BlobStore, LinkOutcome};
use crate::metadata::{MetadataError, ReadyBlob};
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::ids::BlobId;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The outcome for one blob of the older copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReuseOutcome {
    /// It matches its row and is in the new copy.
    Whole {
        /// Its length, in bytes.
        size_bytes: u64,
    },
    /// The older copy does not have it.
    Absent,
    /// The older copy is damaged and was not reused.
    Damaged {
        /// The blob.
        blob: BlobId,
        /// The difference from its row.
        why: &'static str,
    },
}

/// Reuses the blobs of `rows` from `older`, in steps. `rows` gets the last blob of the previous step and a limit.
/// `link` links a blob of `older` into `to`; where that is not supported, its bytes are copied. Either way they are
/// read once and compared with the checksums and the SHA-256 of the row.
///
/// # Errors
/// When the rows cannot be read, or `to` failed.
pub async fn reuse_blobs(
    rows: impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    older: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    link: impl AsyncFn(BlobId) -> Result<LinkOutcome, BlobError>,
    report: &mut (dyn FnMut(ReuseOutcome) + Send),
) -> Result<(), CopyError> {
    let mut steps = Steps::default();
    while let Some(step) = steps.next(&rows).await? {
        let stored = step.into_iter().filter(|ready| ready.stored.inline.is_none());
        run(stored.map(|ready| reuse(ready, older, to, &link)), report).await?;
    }
    Ok(())
}

async fn reuse(
    ready: ReadyBlob,
    older: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    link: &impl AsyncFn(BlobId) -> Result<LinkOutcome, BlobError>,
) -> Result<ReuseOutcome, CopyError> {
    let (blob, size_bytes) = (ready.stored.blob, ready.stored.size_bytes);
    match link(blob).await? {
        LinkOutcome::Missing => Ok(ReuseOutcome::Absent),
        LinkOutcome::Unsupported => match copy(ready, older, to).await? {
            CopyOutcome::Damaged { blob, why } => Ok(ReuseOutcome::Damaged { blob, why }),
            _ => Ok(ReuseOutcome::Whole { size_bytes }),
        },
        LinkOutcome::Linked => match difference(ready, &**to).await {
            None => Ok(ReuseOutcome::Whole { size_bytes }),
            Some(why) => {
                for (_, removed) in to.delete(&[blob]).await {
                    removed?;
                }
                Ok(ReuseOutcome::Damaged { blob, why })
            }
        },
    }
}

/// Returns the difference of a blob from its row. An unreadable blob counts as different, and is copied from its source
/// instead.
async fn difference(ready: ReadyBlob, store: &dyn BlobStore) -> Option<&'static str> {
    let whole = ByteRange::whole(ready.stored.size_bytes);
    let mut digest = Sha256::new();
    let read = async {
        let mut content = read_verified(store, ready.stored, whole).await?;
        while let Some(chunk) = content.try_next().await? {
            digest.update(&chunk);
        }
        Ok(())
    };
    match read.await {
        Ok(()) => (Sha256Digest(digest.finalize().into()) != ready.sha256).then_some("its SHA-256 is not what it was"),
        Err(BlobError::Damaged(_, why)) => Some(why),
        Err(_) => Some("it cannot be read"),
    }
}
