//! The disk reserve of the database, so that Files can be deleted from a full disk.
//!
//! A file beside the database reserves the space. It is deleted before a transaction that finds the disk full, and
//! created again when there is enough free space. Until then uploads are refused: the space is for deletes. Only the
//! server does this, not the commands beside it.

use crate::filesystem;
use crate::metadata::error::MetadataError;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const RESERVE_MODE: u32 = 0o600;
/// The free space above which the disk is not full: more than a reserve and any log.
const PLENTY_BYTES: u64 = 256 << 20;
/// The divisor of the reserve that gives the space that a commit needs. With less free space the reserve is released.
const LOW_SHARE: u64 = 4;

/// The state of the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Fullness {
    /// The reserve is released.
    full: Arc<AtomicBool>,
    /// There is no space for bytes of clients.
    tight: Arc<AtomicBool>,
}

/// The file that reserves the space. The writer thread owns it.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// The write-ahead log.
    log: PathBuf,
    folder: File,
    bytes: u64,
    is_low: bool,
    fullness: Fullness,
}

impl Fullness {
    fn set(&self, full: bool) {
        self.full.store(full, Ordering::Release);
    }

    /// Refuses while the reserve is released.
    ///
    /// # Errors
    /// While the disk is full.
    pub(super) fn refuse(&self) -> Result<(), MetadataError> {
        if self.full.load(Ordering::Acquire) { Err(no_room()) } else { Ok(()) }
    }

    /// Refuses bytes of clients, which leave as much free space as blobs do.
    ///
    /// # Errors
    /// While the disk has no space for them.
    pub(super) fn refuse_bytes(&self) -> Result<(), MetadataError> {
        if self.tight.load(Ordering::Acquire) { Err(no_room()) } else { self.refuse() }
    }
}

fn no_room() -> MetadataError {
    MetadataError::OutOfSpace(Arc::new(io::Error::from(ErrorKind::StorageFull)))
}

impl Reserve {
    /// Opens the reserve of a database. Creates its file if there is enough space.
    pub(super) fn open(database: &Path, fullness: Fullness) -> io::Result<Self> {
        let above = filesystem::folder_of(database);
        let path = database.with_extension("reserve");
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let mut reserve = Self {
            path,
            log,
            folder: File::open(above)?,
            bytes: filesystem::reserve_bytes(above)?,
            is_low: false,
            fullness,
        };
        reserve.update(|| 0);
        Ok(reserve)
    }

    /// Releases the reserve when the disk is full, and takes it again when it is not. Must be called before each
    /// transaction. The disk counts as full while the file does not exist. `unused_bytes` returns the unused space
    /// within the database.
    pub(super) fn update(&mut self, unused_bytes: impl FnOnce() -> u64) {
        let Ok(available_bytes) = filesystem::available_bytes(&self.folder) else { return };
        let held = self.path.exists();
        let usable_bytes = if available_bytes > PLENTY_BYTES {
            available_bytes
        } else {
            available_bytes.saturating_add(unused_bytes()).saturating_sub(self.log_bytes())
        };
        let tight = usable_bytes <= self.bytes;
        self.fullness.tight.store(tight, Ordering::Release);
        self.is_low = tight || available_bytes <= self.bytes * 2;
        if held && available_bytes < self.bytes / LOW_SHARE {
            self.fullness.set(true);
            self.release();
        } else if !held && available_bytes > self.bytes + self.bytes / 2 && usable_bytes > self.bytes * 2 {
            self.take();
            self.fullness.set(false);
        } else {
            self.fullness.set(!held);
        }
    }

    /// Returns the size of the reserve in bytes. A log of at most this size can always be copied into the database.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns whether the disk had so little space before the last transaction that the log must be truncated.
    pub(super) const fn is_low(&self) -> bool {
        self.is_low
    }

    /// Returns the most bytes by which a checkpoint may extend the database.
    fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    fn release(&self) {
        match std::fs::remove_file(&self.path) {
            Ok(()) => tracing::warn!("disk full, uploads refused"),
            Err(error) => tracing::warn!(%error, "disk full, reserve release failed"),
        }
    }

    fn take(&self) {
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(RESERVE_MODE).open(&self.path);
        let taken = file.and_then(|file| Ok(fallocate(&file, FallocateFlags::empty(), 0, self.bytes)?));
        if let Err(error) = taken {
            tracing::warn!(%error, "disk reserve failed");
        }
    }
}
