//! Room that is kept for the database, so that files can be deleted from a full disk.
//!
//! A file beside the database holds the room. It is given up before a transaction that finds the disk full, and taken
//! back once there is plenty. While it is given up nothing new is begun: what is left of it is for deletes. The server
//! alone does so; the commands beside it leave it as it is.

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
/// Above this nobody looks closer: more than a reserve and any log.
const PLENTY_BYTES: u64 = 256 << 20;
/// What is there at least before a transaction that may keep its reserve: the share of the reserve that a commit needs.
const LOW_SHARE: u64 = 4;

/// Tells how full the disk is.
#[derive(Clone, Debug, Default)]
pub(super) struct Fullness {
    /// The reserve is given up.
    full: Arc<AtomicBool>,
    /// Bytes of clients may take no more.
    tight: Arc<AtomicBool>,
}

/// The file that holds the room; owned by the writer thread.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// SQLite's log, beside the database.
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

    /// # Errors
    /// While the disk is full.
    pub(super) fn refuse(&self) -> Result<(), MetadataError> {
        if self.full.load(Ordering::Acquire) { Err(no_room()) } else { Ok(()) }
    }

    /// # Errors
    /// While the disk has no room for bytes of clients, which leave as much of it free as blobs do.
    pub(super) fn refuse_bytes(&self) -> Result<(), MetadataError> {
        if self.tight.load(Ordering::Acquire) { Err(no_room()) } else { self.refuse() }
    }
}

fn no_room() -> MetadataError {
    MetadataError::OutOfSpace(Arc::new(io::Error::from(ErrorKind::StorageFull)))
}

impl Reserve {
    /// The reserve of a database; made when there is room.
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
        reserve.settle(|| 0);
        Ok(reserve)
    }

    /// Gives the room up when the disk is full, and takes it back when it is not: to be called before a transaction. While
    /// the file is not there, whoever gave it up, the disk counts as full. `unused_bytes` is the room within the database.
    pub(super) fn settle(&mut self, unused_bytes: impl FnOnce() -> u64) {
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
            self.give_up();
        } else if !held && available_bytes > self.bytes + self.bytes / 2 && usable_bytes > self.bytes * 2 {
            self.take();
            self.fullness.set(false);
        } else {
            self.fullness.set(!held);
        }
    }

    /// How much of it there is, in bytes: a log that is no longer can always be written into the database.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the disk had so little room before the last transaction that the log should not keep any.
    pub(super) const fn is_low(&self) -> bool {
        self.is_low
    }

    /// What the database may still grow by when its log is written into it, at most.
    fn log_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    fn give_up(&self) {
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
