//! Reading: blocks of a blob by `pread`, one block ahead of what is being sent.

use super::{Shards, blocking, joined};
use crate::blobs::{BlobError, BlobStream};
use crate::model::byte_range::ByteRange;
use crate::model::digest::BLOCK_BYTES;
use crate::model::ids::BlobId;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::sync::Arc;
use tokio::task::JoinHandle;

const BLOB: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens a blob and reads its first block in one visit to the blocking pool.
pub(super) async fn open(shards: Arc<Shards>, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
    let (file, first) = blocking(move || {
        let file = match rustix::fs::openat(shards.of(id)?, id.to_string(), BLOB, Mode::empty()) {
            Ok(file) => Arc::new(File::from(file)),
            Err(Errno::NOENT) => return Err(BlobError::Damaged(id, "it is missing")),
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let first = read_block(&file, id, range)?;
        Ok((file, first))
    })
    .await?;
    let rest = ByteRange { start: range.start + first.len() as u64, end: range.end };
    let ahead = Ahead::start(file, id, rest);
    Ok(stream::iter([Ok(first)]).chain(stream::unfold(ahead, |ahead| async { ahead?.step().await })).boxed())
}

/// A block that is being read while the one before it is on its way to the client.
struct Ahead {
    file: Arc<File>,
    id: BlobId,
    rest: ByteRange,
    block: JoinHandle<Result<Bytes, BlobError>>,
}

impl Ahead {
    fn start(file: Arc<File>, id: BlobId, rest: ByteRange) -> Option<Self> {
        let reading = Arc::clone(&file);
        (!rest.is_empty()).then(|| Self {
            file,
            id,
            rest,
            block: tokio::task::spawn_blocking(move || read_block(&reading, id, rest)),
        })
    }

    async fn step(self) -> Option<(Result<Bytes, BlobError>, Option<Self>)> {
        let block = joined(self.block).await;
        let next = block.as_ref().ok().and_then(|block| {
            let rest = ByteRange { start: self.rest.start + block.len() as u64, end: self.rest.end };
            Self::start(self.file, self.id, rest)
        });
        Some((block, next))
    }
}

/// The first block of `range`; blocks end at multiples of [`BLOCK_BYTES`] of the blob.
fn read_block(file: &File, id: BlobId, range: ByteRange) -> Result<Bytes, BlobError> {
    let end = (range.start + 1).next_multiple_of(BLOCK_BYTES).min(range.end);
    let length = usize::try_from(end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut block = Vec::with_capacity(length);
    while block.len() < length {
        let at = range.start + block.len() as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut block), at) {
            Ok(0) => return Err(BlobError::Damaged(id, "it is shorter than it was")),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    block.truncate(length);
    Ok(Bytes::from(block))
}
