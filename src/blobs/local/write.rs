//! Writes of local blobs: hashing and writing run on the blocking pool while the next bytes arrive.

use super::shards::{Shards, temporary_name};
use crate::blobs::blocking_pipeline::{BlockingPipeline, Worker};
use crate::blobs::digest::ContentHasher;
use crate::blobs::{BlobError, BlobWriter, WriteLimiter};
use crate::failpoint;
use crate::model::digest::ContentDigest;
use crate::model::ids::BlobId;
use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{Advice, AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::num::NonZeroU64;
use std::sync::Arc;

/// The number of written bytes after which write-back is started: 8 MiB.
const EARLY_FLUSH_BYTES: u64 = 8 << 20;
/// The maximum of unflushed bytes of a blob while several workspaces are active: 1 MiB.
const QUEUED_BYTES: u64 = 1 << 20;

const TEMPORARY: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A local blob that is being written.
pub(super) struct LocalWriter(BlockingPipeline<Draft>);

impl LocalWriter {
    pub(super) fn new(shards: Arc<Shards>, id: BlobId) -> Self {
        Self(BlockingPipeline::new(Draft::new(shards, id)))
    }
}

#[async_trait]
impl BlobWriter for LocalWriter {
    fn limit_writes(&mut self, limiter: WriteLimiter) {
        self.0.limit_writes(limiter);
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.0.write(chunk).await
    }

    async fn finish(self: Box<Self>) -> Result<ContentDigest, BlobError> {
        self.0.finish(Draft::publish).await
    }

    async fn discard(self: Box<Self>) {
        self.0.abort().await;
    }
}

impl Worker for Draft {
    type Error = BlobError;

    fn take(&mut self, batch: &[Bytes]) -> Result<(), BlobError> {
        self.append(batch)
    }

    /// Flushes written bytes: bytes queued for the disk delay the commits of other workspaces.
    fn flush_queued(&mut self) -> Result<(), BlobError> {
        if let Some(file) = &self.file
            && self.written_bytes - self.synced_bytes >= QUEUED_BYTES
        {
            self.shards.health.fsync(file)?;
            self.synced_bytes = self.written_bytes;
        }
        Ok(())
    }
}

/// A temporary file, removed on drop.
struct Draft {
    shards: Arc<Shards>,
    id: BlobId,
    file: Option<File>,
    hasher: ContentHasher,
    written_bytes: u64,
    /// The number of bytes whose write-back was started.
    flushing_bytes: u64,
    /// The number of flushed bytes.
    synced_bytes: u64,
}

impl Draft {
    fn new(shards: Arc<Shards>, id: BlobId) -> Self {
        let hasher = ContentHasher::default();
        Self { shards, id, file: None, hasher, written_bytes: 0, flushing_bytes: 0, synced_bytes: 0 }
    }

    fn append(&mut self, batch: &[Bytes]) -> Result<(), BlobError> {
        self.shards.check_writable(self.id)?;
        let file = match &mut self.file {
            Some(file) => file,
            empty => {
                self.shards.anchor.check()?;
                empty.insert(create(&self.shards, self.id)?)
            }
        };
        failpoint::reach("blob.created")?;
        for chunk in batch {
            self.hasher.update(chunk);
        }
        write_all(file, batch)?;
        self.written_bytes += batch.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        if self.written_bytes - self.flushing_bytes >= EARLY_FLUSH_BYTES {
            let fresh = NonZeroU64::new(self.written_bytes - self.flushing_bytes);
            // The advice starts write-back, so the final fsync waits less. Clean pages leave the cache, too.
            rustix::fs::fadvise(&*file, self.flushing_bytes, fresh, Advice::DontNeed).ok();
            self.flushing_bytes = self.written_bytes;
        }
        Ok(())
    }

    /// Publishes the blob: fsync, rename without replacing, fsync of the directory. After a failed fsync the state of
    /// the pages is unknown, so the file is dropped and never fsynced again (docs/design/durability.md, R3).
    fn publish(mut self) -> Result<ContentDigest, BlobError> {
        let shard = self.shards.of(self.id)?;
        failpoint::reach("blob.written")?;
        if let Some(file) = &self.file {
            self.shards.health.fsync(file)?;
        }
        failpoint::reach("blob.synced")?;
        rename_without_replace(shard, self.id)?;
        self.file = None;
        failpoint::reach("blob.renamed")?;
        self.shards.sync_directory(self.id)?;
        self.shards.anchor.check()?;
        failpoint::reach("blob.published")?;
        Ok(std::mem::take(&mut self.hasher).finish())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        drop(file);
        let removed = self
            .shards
            .of(self.id)
            .and_then(|shard| Ok(rustix::fs::unlinkat(shard, temporary_name(self.id), AtFlags::empty())?));
        if let Err(error) = removed {
            tracing::warn!(blob = %self.id, %error, "temporary file removal failed");
        }
    }
}

fn create(shards: &Shards, id: BlobId) -> io::Result<File> {
    let file = rustix::fs::openat(shards.of(id)?, temporary_name(id), TEMPORARY, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(file))
}

fn write_all(file: &mut File, batch: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|chunk| IoSlice::new(chunk)).collect();
    let mut rest = slices.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Renames without replacing. It falls back to link and unlink where the file system lacks `RENAME_NOREPLACE`.
fn rename_without_replace(shard: &std::os::fd::OwnedFd, id: BlobId) -> io::Result<()> {
    let (temporary, name) = (temporary_name(id), id.to_string());
    match rustix::fs::renameat_with(shard, &temporary, shard, &name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(shard, &temporary, shard, &name, AtFlags::empty())?;
            Ok(rustix::fs::unlinkat(shard, &temporary, AtFlags::empty())?)
        }
        renamed => Ok(renamed?),
    }
}

/// Returns whether the file system refuses a second blob of a taken name. The attempt is cleaned up.
pub(super) fn refuses_replacement(shards: &Shards, id: BlobId) -> io::Result<bool> {
    drop(create(shards, id)?);
    match rename_without_replace(shards.of(id)?, id) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
        Err(error) => Err(error),
    }
}

/// Writes a small blob at once.
pub(super) fn put(shards: &Arc<Shards>, id: BlobId, content: Bytes) -> Result<ContentDigest, BlobError> {
    let mut draft = Draft::new(Arc::clone(shards), id);
    draft.append(&[content])?;
    draft.publish()
}
