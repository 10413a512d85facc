//! Reads of local blobs: cached bytes are read on the spot, others on the blocking pool.
//!
//! Opens and reads first ask the kernel not to wait (`RESOLVE_CACHED`, `RWF_NOWAIT`). A cached block costs one copy and
//! no thread hop, and an uncached one never blocks a runtime worker.

use super::blocking::blocking;
use super::buffers::{Buffer, Buffers};
use super::damage;
use super::shards::Shards;
use crate::blobs::{BlobError, BlobStream};
use crate::model::byte_range::ByteRange;
use crate::model::digest::BLOCK_BYTES;
use crate::model::ids::BlobId;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rustix::fs::{Advice, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, ReadWriteFlags};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::sync::Arc;

const BLOB: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const CACHED: ResolveFlags = ResolveFlags::CACHED.union(ResolveFlags::NO_SYMLINKS);
/// The read-ahead while an uncached block is sent: 1 MiB.
const AHEAD_BYTES: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 20) - 1);

/// Opens a blob.
pub(super) async fn open(shards: Arc<Shards>, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
    let buffers = shards.buffers.clone();
    let file = match open_cached(&shards, id) {
        Err(Errno::AGAIN | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
            blocking(move || opened(id, open_waiting(&shards, id)?)).await?
        }
        found => opened(id, found)?,
    };
    let reader = Reader { file: Arc::new(file), id, rest: range, buffers };
    Ok(stream::unfold(Some(reader), |reader| async { reader?.step().await }).boxed())
}

fn open_cached(shards: &Shards, id: BlobId) -> Result<File, Errno> {
    let shard = shards.of(id).map_err(|_| Errno::NOENT)?;
    rustix::fs::openat2(shard, id.to_string(), BLOB, Mode::empty(), CACHED).map(File::from)
}

fn open_waiting(shards: &Shards, id: BlobId) -> io::Result<Result<File, Errno>> {
    Ok(rustix::fs::openat(shards.of(id)?, id.to_string(), BLOB, Mode::empty()).map(File::from))
}

fn opened(id: BlobId, found: Result<File, Errno>) -> Result<File, BlobError> {
    found.map_err(|error| damage::classify(id, error))
}

/// A read in progress.
struct Reader {
    file: Arc<File>,
    id: BlobId,
    rest: ByteRange,
    buffers: Buffers,
}

impl Reader {
    /// Returns the next block, and the reader of the rest.
    async fn step(mut self) -> Option<(Result<Bytes, BlobError>, Option<Self>)> {
        if self.rest.is_empty() {
            return None;
        }
        let mut buffer = self.buffers.take();
        let block = match self.read_cached(&mut buffer) {
            Ok(true) => Ok(buffer),
            Ok(false) => self.read_waiting(buffer).await,
            Err(error) => Err(error),
        };
        match block {
            Ok(buffer) => {
                self.rest.start += buffer.filled() as u64;
                Some((Ok(buffer.freeze()), Some(self)))
            }
            Err(error) => Some((Err(error), None)),
        }
    }

    /// Reads the cached bytes of the next block. Returns whether the block is complete.
    fn read_cached(&self, buffer: &mut Buffer) -> Result<bool, BlobError> {
        let id = self.id;
        let length = block_length(self.rest);
        while buffer.filled() < length {
            let at = self.rest.start + buffer.filled() as u64;
            let room = &mut [IoSliceMut::new(buffer.room(length))];
            match rustix::io::preadv2(&*self.file, room, at, ReadWriteFlags::NOWAIT) {
                Ok(0) => return Err(shorter(id)),
                Ok(read) => buffer.grow(read),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(false),
                Err(error) => return Err(damage::classify(id, error)),
            }
        }
        Ok(true)
    }

    /// Reads the rest of the next block, and starts the kernel's read-ahead.
    async fn read_waiting(&self, mut buffer: Buffer) -> Result<Buffer, BlobError> {
        let (file, id, rest) = (Arc::clone(&self.file), self.id, self.rest);
        blocking(move || {
            let length = block_length(rest);
            let behind = rest.start + length as u64;
            if behind < rest.end {
                // The advice affects only the time.
                rustix::fs::fadvise(&file, behind, Some(AHEAD_BYTES), Advice::WillNeed).ok();
            }
            while buffer.filled() < length {
                let at = rest.start + buffer.filled() as u64;
                match rustix::io::pread(&file, buffer.room(length), at) {
                    Ok(0) => return Err(shorter(id)),
                    Ok(read) => buffer.grow(read),
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(damage::classify(id, error)),
                }
            }
            Ok(buffer)
        })
        .await
    }
}

const fn shorter(id: BlobId) -> BlobError {
    BlobError::Damaged(id, "it is shorter than it was")
}

/// Returns the length of the first block of `range`. Blocks end at multiples of [`BLOCK_BYTES`] of the blob.
fn block_length(range: ByteRange) -> usize {
    let end = (range.start + 1).next_multiple_of(BLOCK_BYTES).min(range.end);
    usize::try_from(end.saturating_sub(range.start)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{LocalBlobs, write};
    use super::*;
    use crate::filesystem::volatile_kind;
    use futures_util::TryStreamExt;

    const SIZE: u64 = 1_000_000;

    fn reader(blobs: &LocalBlobs, id: BlobId) -> Reader {
        let file = Arc::new(open_waiting(&blobs.shards, id).unwrap().unwrap());
        Reader { file, id, rest: ByteRange::whole(SIZE), buffers: blobs.shards.buffers.clone() }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_page_cache_has_lost_is_not_waited_for_where_it_is_asked_for() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        if volatile_kind(folder.path()).is_some() {
            eprintln!("skipped: there is no disk under the page cache here");
            return;
        }
        let blobs = LocalBlobs::open(folder.path()).unwrap();
        let (id, content) = (BlobId::new([7; 16]), Bytes::from(vec![3; usize::try_from(SIZE).unwrap()]));
        write::put(&blobs.shards, id, content.clone()).unwrap();
        let cold = reader(&blobs, id);
        rustix::fs::fadvise(&cold.file, 0, None, Advice::DontNeed).unwrap();
        assert!(!cold.read_cached(&mut blobs.shards.buffers.take()).unwrap(), "a cold block is left to others");
        let read = open(Arc::clone(&blobs.shards), id, ByteRange::whole(SIZE)).await.unwrap();
        assert_eq!(read.try_collect::<Vec<_>>().await.unwrap().concat(), content);
        assert!(reader(&blobs, id).read_cached(&mut blobs.shards.buffers.take()).unwrap(), "a warm one is there");
    }
}
