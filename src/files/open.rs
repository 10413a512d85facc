//! Reads the content of Files, verified block by block.

use super::{Files, StoreError};
use crate::blobs::InUseToken;
use crate::blobs::verify::read_verified;
pub use crate::metadata::StoredContent;
use crate::model::blob::StoredBlob;
use crate::model::byte_range::ByteRange;
use crate::model::ids::{FileId, WorkspaceId};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use std::io;
use std::pin::Pin;
use std::sync::Arc;

/// Verified bytes, in order. A stream that ends without an error was complete.
pub type ContentStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

impl Files {
    /// Opens a File: returns what is needed to read its content; none for an unknown File.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn open(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, StoreError> {
        Ok(self.metadata.find_content(workspace, id).await?)
    }

    /// Reads `range` of an opened File; the first block is verified when this returns. Returns none when the File was
    /// deleted or has expired since it was opened. A File that is deleted later is read to its end.
    ///
    /// # Errors
    /// When the blob store failed, or the first block is damaged.
    pub async fn read(
        &self,
        workspace: WorkspaceId,
        content: StoredContent,
        range: ByteRange,
    ) -> Result<Option<ContentStream>, StoreError> {
        let id = content.file.id;
        // An open blob stays readable in most stores. Blobs that are opened later must be kept.
        let kept = match content.blobs.as_slice() {
            [] => None,
            [only] if only.inline.is_some() || self.blobs.reads_survive_deletion() => None,
            several => Some(self.in_use.enter(several.iter().map(|stored| stored.blob).collect())),
        };
        if kept.is_some() && self.retrieve(workspace, id).await?.is_none() {
            return Ok(None);
        }
        match self.read_blobs(content.blobs, range).await {
            Err(StoreError::Damaged(..)) if self.retrieve(workspace, id).await?.is_none() => Ok(None),
            stream => Ok(Some(self.map_deleted(workspace, id, keeping(kept, stream?)))),
        }
    }

    /// Maps missing bytes to the end of their File if it was deleted or has expired meanwhile, not to damage.
    fn map_deleted(&self, workspace: WorkspaceId, id: FileId, stream: ContentStream) -> ContentStream {
        let files = self.clone();
        let tell = move |error| {
            let files = files.clone();
            async move {
                match error {
                    StoreError::Damaged(..) if matches!(files.retrieve(workspace, id).await, Ok(None)) => {
                        StoreError::unavailable(io::Error::other("the file was deleted while it was read"))
                    }
                    error => error,
                }
            }
        };
        stream.or_else(move |error| tell(error).map(Err)).boxed()
    }

    /// Returns a signed URL of an opened File's content in the blob store, with this `Content-Disposition`. Returns
    /// none when redirects are off, or the content is not one blob there. With `range`, only requests with exactly that
    /// `Range` header succeed.
    ///
    /// # Errors
    /// When the blob store failed.
    pub async fn url(
        &self,
        content: &StoredContent,
        disposition: &str,
        range: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        match content.blobs.as_slice() {
            [only] if self.settings.load().blobs_redirect && only.inline.is_none() => {
                Ok(self.blobs.url(only.blob, disposition, range).await?)
            }
            _ => Ok(None),
        }
    }

    /// Reads `range` of consecutive blobs. The next blob is opened once the previous one is read.
    ///
    /// # Errors
    /// When the blob store failed, or the first block is damaged.
    pub async fn read_blobs(&self, blobs: Vec<StoredBlob>, range: ByteRange) -> Result<ContentStream, StoreError> {
        let mut pieces = overlaps(blobs, range).into_iter();
        let Some((first, within)) = pieces.next() else { return Ok(stream::empty().boxed()) };
        let head = read_verified(&*self.blobs, first, within).await?;
        let store = Arc::clone(&self.blobs);
        let tail = stream::iter(pieces).then(move |(blob, within)| {
            let store = Arc::clone(&store);
            async move { read_verified(&*store, blob, within).await }
        });
        Ok(head.chain(tail.try_flatten()).map(|chunk| chunk.map_err(StoreError::from)).boxed())
    }
}

fn keeping(kept: Option<InUseToken>, stream: ContentStream) -> ContentStream {
    match kept {
        None => stream,
        Some(token) => stream.inspect(move |_| _ = &token).boxed(),
    }
}

/// Returns the blobs that overlap `range`, each with its own part of the range.
fn overlaps(blobs: Vec<StoredBlob>, range: ByteRange) -> Vec<(StoredBlob, ByteRange)> {
    let mut start = 0;
    let places = blobs.into_iter().map(|blob| {
        let at = start;
        start += blob.size_bytes;
        let within = |offset: u64| offset.clamp(at, start) - at;
        let stretch = ByteRange { start: within(range.start), end: within(range.end) };
        (blob, stretch)
    });
    places.filter(|(_, stretch)| !stretch.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::BlockChecksums;
    use crate::model::ids::BlobId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn overlaps_are_slices_of_the_whole(sizes in prop::collection::vec(0_u64..50, 0..8), a in 0_u64..400, b in 0_u64..400) {
            let total: u64 = sizes.iter().sum();
            let range = ByteRange { start: a.min(b).min(total), end: a.max(b).min(total) };
            let blobs = sizes.iter().map(|size_bytes| StoredBlob {
                blob: BlobId::new([0; 16]),
                size_bytes: *size_bytes,
                checksums: BlockChecksums::default(),
                inline: None,
            });
            let found = overlaps(blobs.collect(), range);
            prop_assert_eq!(found.iter().map(|(_, stretch)| stretch.len()).sum::<u64>(), range.len());
            prop_assert!(found.iter().all(|(blob, stretch)| stretch.start < stretch.end && stretch.end <= blob.size_bytes));
        }
    }
}
