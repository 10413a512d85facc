//! Connections that keep a snapshot open from one read to the next, as long as nothing was committed in between.
//!
//! Beginning and ending a read takes locks that all connections of the process share. Requests about Files come by the
//! thousand between two commits, so they read in a transaction that is there already. What this process has committed is
//! always seen; what another has, within [`MAX_AGE`].

use super::connection::OpenError;
use rusqlite::{Connection, Result};
use std::ffi::c_int;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old a snapshot may be: the commands beside a server write keys and workspaces, not Files.
const MAX_AGE: Duration = Duration::from_millis(20);
/// Instructions of SQLite's machine between two looks at whether a read is still short.
const INSTRUCTIONS_BETWEEN_LOOKS: c_int = 1000;
/// Looks after which a read is not short any more: about 2 ms; a page of 500 Files takes a fifth of it.
const LOOKS_OF_A_SHORT_READ: u32 = 100;
/// Looks of a read that may take as long as it takes.
const NO_LIMIT: u32 = u32::MAX;

/// The snapshots of the current state.
#[derive(Debug)]
pub(super) struct Snapshots {
    connections: Vec<Mutex<Held>>,
    /// How often this process has committed.
    commits: AtomicU64,
}

#[derive(Debug)]
struct Held {
    connection: Connection,
    snapshot: Option<Taken>,
    /// Looks that the read under way has left.
    looks_left: Arc<AtomicU32>,
}

/// When a snapshot was taken.
#[derive(Clone, Copy, Debug)]
struct Taken {
    commits: u64,
    at: Instant,
}

impl Snapshots {
    /// So many connections, at least one.
    pub(super) fn open(count: usize, connect: impl Fn() -> Result<Connection, OpenError>) -> Result<Self, OpenError> {
        let held = |_| Ok(Mutex::new(Held::new(connect()?)?));
        let connections = (0..count.max(1)).map(held).collect::<Result<_, OpenError>>()?;
        Ok(Self { connections, commits: AtomicU64::new(0) })
    }

    /// A read of a few rows in a snapshot that has everything that was committed before, on the calling thread.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_within(NO_LIMIT, query)
    }

    /// The same, interrupted when it turns out not to be one of a few rows.
    pub(super) fn read_shortly<T>(&self, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.read_within(LOOKS_OF_A_SHORT_READ, query)
    }

    fn read_within<T>(&self, looks: u32, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut held = self.free();
        let commits = self.commits.load(Ordering::Acquire);
        let current = held.snapshot.is_some_and(|taken| taken.commits == commits && taken.at.elapsed() < MAX_AGE);
        if !current {
            held.end()?;
            held.begin(commits)?;
        }
        held.looks_left.store(looks, Ordering::Relaxed);
        let found = query(&held.connection);
        held.looks_left.store(NO_LIMIT, Ordering::Relaxed);
        if found.is_err() || self.commits.load(Ordering::Acquire) != commits {
            held.end()?;
        }
        found
    }

    /// To be called after each commit and before anybody is told of it, and between the two steps that empty the log:
    /// snapshots from before are not read any more, and those that nobody reads in end here.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
        for mut held in self.connections.iter().filter_map(|held| held.try_lock().ok()) {
            if let Err(error) = held.end() {
                tracing::warn!(%error, "snapshot end failed");
            }
        }
    }

    /// A connection that nobody uses, or the first one once it is free.
    #[expect(clippy::expect_used, reason = "there is at least one connection by construction")]
    fn free(&self) -> std::sync::MutexGuard<'_, Held> {
        self.connections.iter().find_map(|held| held.try_lock().ok()).unwrap_or_else(|| {
            self.connections.first().expect("there are connections").lock().unwrap_or_else(PoisonError::into_inner)
        })
    }
}

impl Held {
    fn new(mut connection: Connection) -> Result<Self> {
        let looks_left = Arc::new(AtomicU32::new(NO_LIMIT));
        let left = Arc::clone(&looks_left);
        let is_over = move || match left.load(Ordering::Relaxed) {
            NO_LIMIT => false,
            0 => true,
            more => {
                left.store(more - 1, Ordering::Relaxed);
                false
            }
        };
        connection.progress_handler(INSTRUCTIONS_BETWEEN_LOOKS, Some(is_over))?;
        Ok(Self { connection, snapshot: None, looks_left })
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
