//! Blobs in a local folder, as files `<root>/ab/ab12...`, by the commit protocol of docs/design/durability.md, R2 to
//! R4.
//!
//! A blob is written to `<name>.tmp`, fsynced, renamed without replacing, and its directory fsynced. Names come from
//! the server alone, and every open is relative to the folder's handles and follows no link. System calls that may wait
//! for the disk run on the blocking pool.

mod anchor;
mod blocking;
mod buffers;
mod damage;
mod link;
mod quarantine;
mod read;
mod shards;
mod shared_sync;
mod stamp;
mod sync_health;
mod trial;
mod write;

use super::{BlobError, BlobMarks, BlobNames, BlobStore, BlobStream, BlobWriter, ListCursor, ListPage};
use crate::model::byte_range::ByteRange;
use crate::model::ids::BlobId;
use crate::model::stamp::Stamp;
use async_trait::async_trait;
use blocking::blocking;
use bytes::Bytes;
use shards::{PROBE, Shards, make_shard, open_folder};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The content of the blob [`PROBE`].
const PROBE_BYTES: Bytes = Bytes::from_static(b"venna");

/// The blob store in a local folder.
#[derive(Clone, Debug)]
pub struct LocalBlobs {
    shards: Arc<Shards>,
    /// A lock of the write probe, whose blob has a fixed name.
    proof: Arc<Mutex<()>>,
}

impl LocalBlobs {
    /// Opens the existing folder, creates its directories, and checks once that it can write, fsync, rename and delete.
    ///
    /// Blocks: call it before the runtime serves, or on the blocking pool.
    ///
    /// # Errors
    /// When the folder cannot be opened or fails the check. A full folder is opened, to be emptied.
    pub fn open(root: &Path) -> io::Result<Self> {
        let folder = open_folder(root)?;
        for shard in 0..=u8::MAX {
            make_shard(&folder, shard)?;
        }
        quarantine::make(&folder)?;
        rustix::fs::fsync(&folder)?;
        let blobs = Self::open_without_probe(root)?;
        match blobs.probe_names() {
            Err(BlobError::OutOfSpace(error)) => tracing::warn!(%error, "blob store full"),
            proven => proven.map_err(io::Error::other)?,
        }
        Ok(blobs)
    }

    /// Opens the folder of an installation that may be running, without a write.
    ///
    /// # Errors
    /// When the folder, or one of its 256, cannot be opened.
    pub fn open_without_probe(root: &Path) -> io::Result<Self> {
        Ok(Self { shards: Arc::new(Shards::open(root)?), proof: Arc::default() })
    }

    /// Checks that a file can be written to a folder, read and removed. Leaves nothing behind. Blocks.
    ///
    /// # Errors
    /// When a step fails.
    pub fn try_out(root: &Path) -> io::Result<()> {
        trial::write_and_remove(root)
    }

    /// Returns the stamp of a folder without a write. The folder need not hold blobs yet.
    ///
    /// # Errors
    /// When the stamp exists and cannot be read.
    pub fn stamp_of(root: &Path) -> io::Result<Option<Stamp>> {
        stamp::read(root)
    }

    /// Checks the semantics of names that the commit protocol needs: a renamed blob has its bytes, replaces nothing,
    /// and a deleted one is gone.
    fn probe_names(&self) -> Result<(), BlobError> {
        let _alone = self.proof.lock().unwrap_or_else(PoisonError::into_inner);
        let remove = || self.shards.delete(&[PROBE]).into_iter().try_for_each(|(_, removed)| removed);
        remove()?;
        write::put(&self.shards, PROBE, PROBE_BYTES)?;
        if self.shards.size(PROBE)? != Some(PROBE_BYTES.len() as u64) {
            return Err(io::Error::other("a renamed file lacks its content").into());
        }
        if !write::refuses_replacement(&self.shards, PROBE)? {
            return Err(io::Error::other("a rename without replacing replaced a file").into());
        }
        remove()?;
        match self.shards.size(PROBE)? {
            None => Ok(()),
            Some(_) => Err(io::Error::other("a deleted file still exists").into()),
        }
    }

    /// Writes, publishes and deletes one blob.
    fn probe_once(&self) -> Result<(), BlobError> {
        let _alone = self.proof.lock().unwrap_or_else(PoisonError::into_inner);
        self.shards.delete(&[PROBE]).into_iter().try_for_each(|(_, removed)| removed)?;
        write::put(&self.shards, PROBE, PROBE_BYTES)?;
        self.shards.delete(&[PROBE]).into_iter().try_for_each(|(_, removed)| removed)
    }
}

#[async_trait]
impl BlobStore for LocalBlobs {
    async fn create(&self, id: BlobId) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(write::LocalWriter::new(Arc::clone(&self.shards), id)))
    }

    async fn read(&self, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError> {
        read::open(Arc::clone(&self.shards), id, range).await
    }

    async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)> {
        let (shards, wanted) = (Arc::clone(&self.shards), ids.to_vec());
        match blocking(move || Ok(shards.delete(&wanted))).await {
            Ok(removed) => removed,
            Err(_) => ids.iter().map(|id| (*id, Err(io::Error::other("the removal did not run").into()))).collect(),
        }
    }

    async fn sizes(&self, ids: &[BlobId]) -> Result<Vec<Option<u64>>, BlobError> {
        let (shards, ids) = (Arc::clone(&self.shards), ids.to_vec());
        blocking(move || ids.into_iter().map(|id| shards.size(id)).collect()).await
    }

    async fn probe(&self) -> Result<(), BlobError> {
        let blobs = self.clone();
        blocking(move || blobs.probe_once()).await
    }
}

#[async_trait]
impl BlobNames for LocalBlobs {
    /// Returns one directory as a page.
    async fn list(&self, after: Option<ListCursor>) -> Result<Option<ListPage>, BlobError> {
        let shards = Arc::clone(&self.shards);
        let next = after.map_or(Some(0), |ListCursor(last)| usize::from_str_radix(&last, 16).ok()?.checked_add(1));
        blocking(move || next.map_or(Ok(None), |next| Ok(shards.list_shard(next)?))).await
    }

    /// Returns the one directory of the first byte.
    async fn list_by_first_byte(
        &self,
        first_byte: u8,
        after: Option<ListCursor>,
    ) -> Result<Option<ListPage>, BlobError> {
        let shards = Arc::clone(&self.shards);
        let index = after.is_none().then_some(usize::from(first_byte));
        blocking(move || index.map_or(Ok(None), |index| Ok(shards.list_shard(index)?))).await
    }

    async fn quarantine(&self, ids: &[BlobId], now_seconds: u64) -> Result<Vec<BlobId>, BlobError> {
        let (shards, ids) = (Arc::clone(&self.shards), ids.to_vec());
        blocking(move || {
            let (mut entered, mut failed) = (Vec::new(), None);
            for id in ids {
                match quarantine::enter(&shards, id, now_seconds) {
                    Ok(true) => entered.push(id),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(blob = %id, %error, "quarantine failed");
                        failed = Some(error);
                    }
                }
            }
            // A blob that cannot be moved does not keep the others.
            failed.filter(|_| entered.is_empty()).map_or(Ok(entered), |error| Err(error.into()))
        })
        .await
    }

    async fn quarantined(&self) -> Result<Vec<String>, BlobError> {
        let shards = Arc::clone(&self.shards);
        blocking(move || Ok(quarantine::names(&shards)?)).await
    }

    async fn purge_quarantine(&self, before_seconds: u64) -> Result<usize, BlobError> {
        let shards = Arc::clone(&self.shards);
        blocking(move || Ok(quarantine::purge(&shards, before_seconds)?)).await
    }
}

#[async_trait]
impl BlobMarks for LocalBlobs {
    async fn stamp(&self) -> Result<Option<Stamp>, BlobError> {
        let shards = Arc::clone(&self.shards);
        blocking(move || Ok(stamp::read(shards.anchor.path())?)).await
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), BlobError> {
        let shards = Arc::clone(&self.shards);
        blocking(move || Ok(stamp::write(&shards, stamp)?)).await
    }

    async fn last_event(&self) -> Result<Option<String>, BlobError> {
        let shards = Arc::clone(&self.shards);
        blocking(move || Ok(stamp::read_event(shards.anchor.path())?)).await
    }

    async fn set_last_event(&self, event_id: Option<&str>) -> Result<(), BlobError> {
        let (shards, event_id) = (Arc::clone(&self.shards), event_id.map(str::to_owned));
        blocking(move || Ok(stamp::write_event(&shards, event_id.as_deref())?)).await
    }
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
    async fn a_blob_that_cannot_be_removed_keeps_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::open(folder.path()).unwrap();
        let (stuck, other) = (BlobId::new([0xaa; 16]), BlobId::new([0xab; 16]));
        std::fs::create_dir(folder.path().join("aa").join(stuck.to_string())).unwrap();
        write::put(&blobs.shards, other, Bytes::from_static(b"x")).unwrap();
        let removed = blobs.delete(&[stuck, other]).await;
        assert!(removed[0].1.is_err() && removed[1].1.is_ok(), "{removed:?}");
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
        let shards = shards.filter(|shard| shard.is_dir());
        shards.flat_map(|shard| std::fs::read_dir(shard).unwrap().map(|file| file.unwrap().path())).collect()
    }
}
