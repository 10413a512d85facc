//! Verified reads: every block that a range touches is checked before any of it is handed on.

use super::digest::block_checksum;
use super::{BlobError, BlobStore, BlobStream};
use crate::model::blob::StoredBlob;
use crate::model::byte_range::ByteRange;
use crate::model::digest::BLOCK_BYTES;
use crate::model::ids::BlobId;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

const SHORTER: &str = "it is shorter than it was";

/// Opens `range` of a blob, with the first block read and checked.
///
/// # Errors
/// [`BlobError::Damaged`] when the first block is damaged. A later damaged block ends the stream with that error.
pub async fn read_verified(
    store: &dyn BlobStore,
    expected: StoredBlob,
    range: ByteRange,
) -> Result<BlobStream, BlobError> {
    if range.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let start = range.start - range.start % BLOCK_BYTES;
    let end = range.end.next_multiple_of(BLOCK_BYTES).min(expected.size_bytes);
    let stretch = ByteRange { start, end };
    let source = match &expected.inline {
        Some(content) => stream::iter([Ok(inline(content, expected.blob, stretch)?)]).boxed(),
        None => store.read(expected.blob, stretch).await?,
    };
    let mut blocks = Blocks { source, rest: Bytes::new(), expected, at: start, end };
    let first = blocks.next().await?;
    let checked = stream::iter(first.map(Ok)).chain(stream::unfold(Some(blocks), |blocks| async {
        let mut blocks = blocks?;
        match blocks.next().await {
            Ok(Some(block)) => Some((Ok(block), Some(blocks))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }));
    Ok(checked.map(move |block| block.map(|block| cut(block, range))).boxed())
}

fn inline(content: &Bytes, blob: BlobId, stretch: ByteRange) -> Result<Bytes, BlobError> {
    let offset = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
    let (start, end) = (offset(stretch.start), offset(stretch.end));
    if end > content.len() { Err(BlobError::Damaged(blob, SHORTER)) } else { Ok(content.slice(start..end)) }
}

/// The offset of a checked block in its blob, and its bytes.
type Block = (u64, Bytes);

/// Returns the part of a block that lies in `range`.
fn cut((at, bytes): Block, range: ByteRange) -> Bytes {
    let offset = |position: u64| usize::try_from(position.saturating_sub(at)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(offset(range.start)..offset(range.end))
}

struct Blocks {
    source: BlobStream,
    rest: Bytes,
    expected: StoredBlob,
    at: u64,
    end: u64,
}

impl Blocks {
    async fn next(&mut self) -> Result<Option<Block>, BlobError> {
        if self.at == self.end {
            return Ok(None);
        }
        let block = self.take(usize::try_from(BLOCK_BYTES.min(self.end - self.at)).unwrap_or(usize::MAX)).await?;
        let at = self.at;
        let checksum = usize::try_from(at / BLOCK_BYTES).ok().and_then(|index| self.expected.checksums.0.get(index));
        if checksum != Some(&block_checksum(&block)) {
            return Err(BlobError::Damaged(self.expected.blob, "a block does not match its checksum"));
        }
        self.at += block.len() as u64;
        Ok(Some((at, block)))
    }

    /// Returns the next `length` bytes of the source, without a copy if they are one chunk.
    async fn take(&mut self, length: usize) -> Result<Bytes, BlobError> {
        if self.rest.is_empty() {
            self.rest = self.more().await?;
        }
        if self.rest.len() >= length {
            return Ok(self.rest.split_to(length));
        }
        let mut block = BytesMut::with_capacity(length);
        while block.len() < length {
            if self.rest.is_empty() {
                self.rest = self.more().await?;
            }
            block.extend_from_slice(&self.rest.split_to(self.rest.len().min(length - block.len())));
        }
        Ok(block.freeze())
    }

    async fn more(&mut self) -> Result<Bytes, BlobError> {
        self.source.next().await.unwrap_or(Err(BlobError::Damaged(self.expected.blob, SHORTER)))
    }
}
