//! Connections that keep a snapshot open from one read to the next, until the next commit.
//!
//! Beginning and ending a read takes locks that all connections of the process share. There are thousands of requests
//! about Files between two commits, so they read in a transaction that is open already. A read sees every commit of
//! this process, and commits of another process within [`MAX_AGE`].

use super::connection::OpenError;
use rusqlite::{Connection, Result};
use std::ffi::c_int;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The maximum age of a snapshot. The commands beside a server write keys and workspaces, not Files.
const MAX_AGE: Duration = Duration::from_millis(20);
/// The number of virtual machine instructions between two checks of whether a read is still short.
const INSTRUCTIONS_BETWEEN_CHECKS: c_int = 1000;
/// The number of checks after which a read is not short any more: about 2 ms. A page of 500 Files takes a fifth of it.
const CHECKS_OF_A_SHORT_READ: u32 = 100;
/// The number of checks of a read without a limit.
const NO_LIMIT: u32 = u32::MAX;

/// Connections with snapshots of the current state.
#[derive(Debug)]
pub(super) struct Snapshots {
    connections: Vec<Mutex<Held>>,
    /// The number of commits of this process.
    commits: AtomicU64,
}

#[derive(Debug)]
struct Held {
    connection: Connection,
    snapshot: Option<Taken>,
    /// The checks that the current read has left.
    checks_left: Arc<AtomicU32>,
}

/// The state at which a snapshot was taken.
#[derive(Clone, Copy, Debug)]
struct Taken {
    commits: u64,
    at: Instant,
}

impl Snapshots {
    /// Opens `count` connections, at least one.
    pub(super) fn open(count: usize, connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let held = |_| Ok(Mutex::new(Held::new(connect()?)?));
        let connections = (0..count.max(1)).map(held).collect::<Result<_, OpenError>>()?;
        Ok(Self { connections, commits: AtomicU64::new(0) })
    }

    /// Reads a few rows on the calling thread, in a snapshot that includes all earlier commits of this process.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_within(NO_LIMIT, query)
    }

    /// Reads a few rows on the calling thread. Interrupts the query when it reads more.
    pub(super) fn read_shortly<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_within(CHECKS_OF_A_SHORT_READ, query)
    }

    fn read_within<T>(&self, checks: u32, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut held = self.free();
        let commits = self.commits.load(Ordering::Acquire);
        let current = held.snapshot.is_some_and(|taken| taken.commits == commits && taken.at.elapsed() < MAX_AGE);
        if !current {
            held.end()?;
            held.begin(commits)?;
        }
        held.checks_left.store(checks, Ordering::Relaxed);
        let found = query(&held.connection);
        held.checks_left.store(NO_LIMIT, Ordering::Relaxed);
        if found.is_err() || self.commits.load(Ordering::Acquire) != commits {
            held.end()?;
        }
        found
    }

    /// Ends the unused snapshots, and marks all snapshots as outdated. Must be called after each commit, before its
    /// writes return, and between the two steps of a checkpoint that empties the log.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
        for mut held in self.connections.iter().filter_map(|held| held.try_lock().ok()) {
            if let Err(error) = held.end() {
                tracing::warn!(%error, "snapshot end failed");
            }
        }
    }

    /// Returns an unused connection, or waits for the first one.
    #[expect(clippy::expect_used, reason = "there is at least one connection by construction")]
    fn free(&self) -> std::sync::MutexGuard<'_, Held> {
        self.connections.iter().find_map(|held| held.try_lock().ok()).unwrap_or_else(|| {
            self.connections.first().expect("there are connections").lock().unwrap_or_else(PoisonError::into_inner)
        })
    }
}

impl Held {
    fn new(mut connection: Connection) -> Result<Self> {
        let checks_left = Arc::new(AtomicU32::new(NO_LIMIT));
        let left = Arc::clone(&checks_left);
        let is_over = move || match left.load(Ordering::Relaxed) {
            NO_LIMIT => false,
            0 => true,
            more => {
                left.store(more - 1, Ordering::Relaxed);
                false
            }
        };
        connection.progress_handler(INSTRUCTIONS_BETWEEN_CHECKS, Some(is_over))?;
        Ok(Self { connection, snapshot: None, checks_left })
    }

    fn begin(&mut self, commits: u64) -> Result<()> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        self.snapshot = Some(Taken { commits, at: Instant::now() });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.snapshot.take().is_some() {
            self.connection.prepare_cached("ROLLBACK")?.execute([])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_read_and_no_snapshot_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let writer = super::super::connection::connect(&path).unwrap();
        writer.execute_batch("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)").unwrap();
        let snapshots = Snapshots::open(2, || super::super::connection::connect(&path)).unwrap();
        let count = || {
            snapshots
                .read(|connection| connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)))
                .unwrap()
        };
        assert_eq!(count(), 1);
        assert!(!snapshots.connections[0].lock().unwrap().connection.is_autocommit(), "the snapshot stays");
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        snapshots.committed();
        assert!(snapshots.connections[0].lock().unwrap().connection.is_autocommit(), "and goes with the commit");
        assert_eq!(count(), 2);
        writer.execute_batch("INSERT INTO t VALUES (3)").unwrap();
        let wait = Instant::now();
        while wait.elapsed() < MAX_AGE {
            std::thread::yield_now();
        }
        assert_eq!(count(), 3, "another process's commit");
        let failed = snapshots.read(|connection| connection.query_row("SELECT nothing", [], |_| Ok(())));
        assert!(failed.is_err() && snapshots.connections[0].lock().unwrap().connection.is_autocommit());
    }
}
