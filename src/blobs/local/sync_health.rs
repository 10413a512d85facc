//! Counts failed fsyncs: a disk that fails repeatedly gets no more blobs.

use crate::metrics::{METRICS, observe};
use rustix::fs::fsync;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// The number of failed fsyncs after which writes are refused until a restart (docs/design/durability.md, R3).
const MAX_FAILURES: u32 = 3;

/// The failed fsyncs of one blob folder.
#[derive(Debug, Default)]
pub(super) struct SyncHealth {
    failures: AtomicU32,
}

impl SyncHealth {
    /// Runs one fsync. A full disk is not counted as a failure.
    pub(super) fn fsync(&self, file: impl AsFd) -> io::Result<()> {
        let begun = Instant::now();
        let synced = fsync(file).map_err(io::Error::from);
        observe(&METRICS.blob_fsync_duration_seconds, begun.elapsed());
        if let Err(error) = &synced
            && !matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
            && self.failures.fetch_add(1, Ordering::Relaxed) + 1 == MAX_FAILURES
        {
            tracing::error!(%error, failures = MAX_FAILURES, "fsync failed too often, blob writes disabled");
        }
        synced
    }

    /// Checks the number of failures.
    ///
    /// # Errors
    /// When too many fsyncs have failed.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.failures.load(Ordering::Relaxed) >= MAX_FAILURES {
            return Err(io::Error::other("too many fsyncs have failed since the start"));
        }
        Ok(())
    }
}
