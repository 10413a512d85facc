//! The 256 directories of a folder of blobs, and what is done in one of them.

use super::anchor::Anchor;
use super::buffers::Buffers;
use super::damage;
use super::shared_sync::SharedSync;
use super::sync_health::SyncHealth;
use crate::blobs::{BlobError, ListCursor, ListPage};
use crate::failpoint;
use crate::filesystem;
use crate::model::ids::BlobId;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The suffix of names that are being written.
pub(super) const TEMPORARY_SUFFIX: &str = ".tmp";
/// The flags with which directories are opened.
pub(super) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
/// The blob that proves what a folder can do. Its name is fixed, so that the next proof removes what a crash left.
pub(super) const PROBE: BlobId = BlobId::new([0; 16]);

/// The folder of blobs with its 256 directories, one for each first byte of a blob's name.
#[derive(Debug)]
pub(super) struct Shards {
    pub(super) root: OwnedFd,
    pub(super) anchor: Anchor,
    pub(super) directories: Vec<OwnedFd>,
    /// The shared fsyncs of the directories.
    syncs: Vec<SharedSync>,
    /// The bytes of the file system that blobs leave free.
    reserve_bytes: u64,
    pub(super) health: SyncHealth,
    pub(super) buffers: Buffers,
}

impl Shards {
    /// Opens an existing folder with its directories; nothing is created or written.
    ///
    /// # Errors
    /// The folder, or one of its 256 directories, cannot be opened.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let folder = open_folder(root)?;
        let open = |shard| Ok(rustix::fs::openat(&folder, shard_name(shard), DIRECTORY, Mode::empty())?);
        let directories = (0..=u8::MAX).map(open).collect::<io::Result<Vec<_>>>()?;
        let syncs = directories.iter().map(|_| SharedSync::default()).collect();
        Ok(Self {
            anchor: Anchor::of(root, &folder)?,
            root: folder,
            directories,
            syncs,
            reserve_bytes: filesystem::reserve_bytes(root)?,
            health: SyncHealth::default(),
            buffers: Buffers::default(),
        })
    }

    /// Returns the directory of a blob.
    pub(super) fn of(&self, id: BlobId) -> io::Result<&OwnedFd> {
        self.directories.get(shard_of(id)).ok_or_else(|| io::Error::other("there is no such shard"))
    }

    /// Makes the names in a blob's directory durable, with one fsync for all concurrent callers.
    pub(super) fn sync_directory(&self, id: BlobId) -> io::Result<()> {
        let directory = self.of(id)?;
        match self.syncs.get(shard_of(id)) {
            Some(shared) => shared.wait(|| self.health.fsync(directory)),
            None => self.health.fsync(directory),
        }
    }

    /// Returns the size of a blob in bytes; none if it does not exist.
    pub(super) fn size(&self, id: BlobId) -> Result<Option<u64>, BlobError> {
        match rustix::fs::statat(self.of(id)?, id.to_string(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(u64::try_from(status.st_size).ok()),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(damage::classify(id, error)),
        }
    }

    /// Returns the names in one directory; none behind the last directory.
    pub(super) fn list_shard(&self, index: usize) -> io::Result<Option<ListPage>> {
        let Some(shard) = self.directories.get(index) else { return Ok(None) };
        let shard_name = format!("{index:02x}");
        let mut page = ListPage { blobs: Vec::new(), unrecognized: Vec::new(), last: ListCursor(shard_name.clone()) };
        for entry in Dir::read_from(shard)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            match name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(&name).parse::<BlobId>() {
                Ok(PROBE) => {}
                Ok(id) if shard_of(id) == index => page.blobs.push(id),
                Ok(_) | Err(_) => page.unrecognized.push(format!("{shard_name}/{name}")),
            }
        }
        Ok(Some(page))
    }

    /// Checks that blobs may take more of the file system.
    ///
    /// # Errors
    /// The reserve is reached, or an fsync has failed before.
    pub(super) fn check_writable(&self, id: BlobId) -> io::Result<()> {
        self.health.check()?;
        let is_free = filesystem::available_bytes(self.of(id)?)? > self.reserve_bytes;
        if is_free { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    /// Unlinks final and temporary names, then fsyncs each directory, also without a name to unlink: an earlier attempt
    /// may have been cut off before its fsync.
    pub(super) fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)> {
        let unlinked: Vec<_> = ids.iter().map(|id| (*id, self.unlink(*id))).collect();
        let mut synced = BTreeMap::new();
        let durable = |(id, unlinked): (BlobId, io::Result<()>)| {
            let synced: &io::Result<()> = synced.entry(shard_of(id)).or_insert_with(|| self.sync_directory(id));
            let synced = synced.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()));
            (id, unlinked.and(synced.copied()).map_err(BlobError::from))
        };
        unlinked.into_iter().map(durable).collect()
    }

    fn unlink(&self, id: BlobId) -> io::Result<()> {
        for name in [id.to_string(), temporary_name(id)] {
            match rustix::fs::unlinkat(self.of(id)?, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        failpoint::reach("delete.unlinked")
    }
}

/// Returns the index of a blob's directory: the first byte of its name.
fn shard_of(id: BlobId) -> usize {
    usize::from(id.first_byte())
}

fn shard_name(shard: u8) -> String {
    format!("{shard:02x}")
}

/// Opens the folder of blobs, following a link.
pub(super) fn open_folder(root: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, root, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())?)
}

/// Creates a directory of the folder if it is missing.
pub(super) fn make_shard(folder: &OwnedFd, shard: u8) -> io::Result<()> {
    match rustix::fs::mkdirat(folder, shard_name(shard), Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns the name of a blob while it is written.
pub(super) fn temporary_name(id: BlobId) -> String {
    format!("{id}{TEMPORARY_SUFFIX}")
}
