//! Taking over blobs from an older copy of the same installation, each compared with its checksums first.

use super::copy::{Copied, CopyError, Steps, copy, run};
use crate::blobs::verify::read_verified;
use crate::blobs::{BlobError, BlobStore, Linked};
use crate::metadata::{MetadataError, ReadyBlob};
use crate::model::byte_range::ByteRange;
use crate::model::digest::Sha256Digest;
use crate::model::ids::BlobId;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The outcome for one blob of the older copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reused {
    /// It was read, has the checksum of its row, and is in the new copy.
    Whole {
        /// Its length in bytes.
        size_bytes: u64,
    },
    /// The older copy does not have it.
    Absent,
    /// The older copy has it with other bytes, so it was not taken over.
    Damaged {
        /// The blob.
        blob: BlobId,
        /// The difference from its row.
        why: &'static str,
    },
}

/// Takes over from `older` what it has of the blobs that `rows` names, in steps: `rows` is given the last blob of the step
/// before, and a number. `link` gives a blob of `older` its second name in `to`; where that cannot be, its bytes are
/// copied. Either way they are read once and compared with the checksums and the SHA-256 of the row.
///
/// # Errors
/// When the rows could not be read, or `to` failed.
pub async fn reuse_blobs(
    rows: impl AsyncFn(Option<BlobId>, u32) -> Result<Vec<ReadyBlob>, MetadataError>,
    older: &Arc<dyn BlobStore>,
    to: &Arc<dyn BlobStore>,
    link: impl AsyncFn(BlobId) -> Result<Linked, BlobError>,
    report: &mut (dyn FnMut(Reused) + Send),
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
    link: &impl AsyncFn(BlobId) -> Result<Linked, BlobError>,
) -> Result<Reused, CopyError> {
    let (blob, size_bytes) = (ready.stored.blob, ready.stored.size_bytes);
    match link(blob).await? {
        Linked::Absent => Ok(Reused::Absent),
        Linked::Refused => match copy(ready, older, to).await? {
            Copied::Damaged { blob, why } => Ok(Reused::Damaged { blob, why }),
            _ => Ok(Reused::Whole { size_bytes }),
        },
        Linked::Made => match difference(ready, &**to).await {
            None => Ok(Reused::Whole { size_bytes }),
            Some(why) => {
                for (_, removed) in to.delete(&[blob]).await {
                    removed?;
                }
                Ok(Reused::Damaged { blob, why })
            }
        },
    }
}

/// Returns how the bytes of a blob differ from its row. A store that cannot read them is not asked again: the blob is copied from
/// its source instead.
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
