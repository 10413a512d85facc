//! Blobs in a local folder: `<root>/ab/ab12...`, by the commit protocol of reliability.md section 4 (R2-R4).
//!
//! A blob is written to `<name>.tmp` beside its final name, fsynced, renamed without replacing, and its directory
//! fsynced. Names come from the server alone, and every open goes through the folder's own directory handles without
//! following links. All system calls that may wait for the disk run on the blocking pool.

mod read;
mod volume;
mod write;

pub use volume::volatile_kind;

use super::{BlobError, BlobStore, BlobStream, BlobWriter};
use crate::model::byte_range::ByteRange;
use crate::model::ids::BlobId;
use async_trait::async_trait;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// Blobs in a folder of this machine.
#[derive(Clone, Debug)]
pub struct LocalBlobs(Arc<Shards>);

/// The 256 directories of the folder, by the first two digits of a blob's name.
#[derive(Debug)]
struct Shards(Vec<OwnedFd>);

impl LocalBlobs {
    /// Opens the folder, creating what is missing, and shows once that it can write, fsync, rename and remove.
    ///
    /// Blocks: to be called before the runtime serves anything, or on the blocking pool.
    ///
    /// # Errors
    /// When the folder cannot be created or fails that proof.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let folder = rustix::fs::openat(CWD, root, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())?;
        let shards = (0..=u8::MAX).map(|shard| open_shard(&folder, shard)).collect::<io::Result<Vec<_>>>()?;
        rustix::fs::fsync(&folder)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::File::open(parent)?.sync_all()?;
        }
        let blobs = Self(Arc::new(Shards(shards)));
        write::prove(&blobs.0)?;
        Ok(blobs)
    }
}

#[async_trait]
impl BlobStore for LocalBlobs {
    async fn create(&self, id: BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(write::LocalWriter::new(Arc::clone(&self.0), id)))
    }

    async fn read(&self, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
        read::open(Arc::clone(&self.0), id, range).await
    }

    async fn delete(&self, ids: &[BlobId]) -> Result<(), BlobError> {
        let (shards, ids) = (Arc::clone(&self.0), ids.to_vec());
        blocking(move || shards.delete(&ids)).await
    }

    async fn probe(&self) -> Result<(), BlobError> {
        let shards = Arc::clone(&self.0);
        blocking(move || {
            let links = rustix::fs::fstat(shards.of(BlobId::new([0; 16]))?).map_err(io::Error::from)?.st_nlink;
            if links == 0 { Err(io::Error::from(io::ErrorKind::NotFound).into()) } else { Ok(()) }
        })
        .await
    }
}

impl Shards {
    fn of(&self, id: BlobId) -> io::Result<&OwnedFd> {
        let name = id.to_string();
        let shard = name.get(..2).and_then(|digits| usize::from_str_radix(digits, 16).ok());
        shard.and_then(|shard| self.0.get(shard)).ok_or_else(|| io::Error::other("no such shard"))
    }

    /// Unlinks final and temporary names, then fsyncs each directory that lost one.
    fn delete(&self, ids: &[BlobId]) -> Result<(), BlobError> {
        let mut touched = BTreeMap::new();
        for id in ids {
            let shard = self.of(*id)?;
            for name in [id.to_string(), temporary_name(*id)] {
                match rustix::fs::unlinkat(shard, name, AtFlags::empty()) {
                    Ok(()) => drop(touched.insert(id.to_string().get(..2).map(str::to_owned), shard)),
                    Err(Errno::NOENT) => {}
                    Err(error) => return Err(io::Error::from(error).into()),
                }
            }
        }
        for shard in touched.values() {
            rustix::fs::fsync(shard).map_err(io::Error::from)?;
        }
        Ok(())
    }
}

fn open_shard(folder: &OwnedFd, shard: u8) -> io::Result<OwnedFd> {
    let name = format!("{shard:02x}");
    match rustix::fs::mkdirat(folder, &name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(rustix::fs::openat(folder, &name, DIRECTORY, Mode::empty())?)
}

fn temporary_name(id: BlobId) -> String {
    format!("{id}.tmp")
}

/// Runs work that may wait for the disk on the blocking pool.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(BlobError::Unavailable(io::Error::other(panic))))
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_contract_holds() {
        let folder = tempfile::tempdir().unwrap();
        contract::holds(&LocalBlobs::open(folder.path()).unwrap()).await;
        let left: Vec<_> = walk(folder.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dropped_writer_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::open(folder.path()).unwrap();
        let mut writer = blobs.create(BlobId::new([7; 16])).await.unwrap();
        writer.write(bytes::Bytes::from(vec![1; 3 << 20])).await.unwrap();
        writer.write(bytes::Bytes::from(vec![2; 1 << 20])).await.unwrap();
        assert_eq!(walk(folder.path()).len(), 1, "the temporary file is there while it is written");
        drop(writer);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while !walk(folder.path()).is_empty() {
            assert!(std::time::Instant::now() < deadline, "the temporary file is gone");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_link_in_place_of_a_blob_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::open(folder.path()).unwrap();
        let id = BlobId::new([0xaa; 16]);
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("aa").join(id.to_string())).unwrap();
        assert!(blobs.read(id, ByteRange { start: 0, end: 1 }).await.is_err());
    }

    fn walk(root: &Path) -> Vec<std::path::PathBuf> {
        let shards = std::fs::read_dir(root).unwrap().map(|shard| shard.unwrap().path());
        shards.flat_map(|shard| std::fs::read_dir(shard).unwrap().map(|file| file.unwrap().path())).collect()
    }
}
