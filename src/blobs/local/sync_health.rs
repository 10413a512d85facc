//! How often an fsync has failed: a disk that does it again and again is not trusted with new bytes any more.

use rustix::fs::fsync;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// Failed fsyncs after which nothing more is taken until the server is started again (docs/design/durability.md, R3).
const MAX_FAILURES: u32 = 3;

/// Counts failed fsyncs of one folder of blobs.
#[derive(Debug, Default)]
pub(super) struct SyncHealth {
    failures: AtomicU32,
}

impl SyncHealth {
    /// fsync, once. That there is no room left says nothing of the disk.
    pub(super) fn fsync(&self, file: impl AsFd) -> io::Result<()> {
        let synced = fsync(file).map_err(io::Error::from);
        if let Err(error) = &synced
            && !matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
            && self.failures.fetch_add(1, Ordering::Relaxed) + 1 == MAX_FAILURES
        {
            tracing::error!(%error, failures = MAX_FAILURES, "fsync failed too often, blob writes disabled");
        }
        synced
    }

    /// # Errors
    /// When too many have failed.
    pub(super) fn refuse_when_bad(&self) -> io::Result<()> {
        if self.failures.load(Ordering::Relaxed) >= MAX_FAILURES {
            return Err(io::Error::other("too many fsyncs have failed since the start"));
        }
        Ok(())
    }
}
