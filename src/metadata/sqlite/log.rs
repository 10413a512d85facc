//! Checkpoints of the write-ahead log while the server runs, so that the log is reset and its file stays small.
//!
//! A thread runs passive checkpoints, so that no commit waits for them. The writer copies the few pages that are left
//! between two commits and lets the next commit reset the log. A reset needs a moment without readers of the log, so
//! snapshots end first; a running read ends soon, or has a time limit. A log that has grown is truncated to its limit
//! when it is reset.

use super::connection::{BUSY_TIMEOUT, OpenError, PAGE_BYTES};
use super::snapshots::Snapshots;
use crate::metrics::{METRICS, gauge};
use rusqlite::{Connection, Result};
use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The name of the thread.
const THREAD_NAME: &str = "sqlite-checkpoint";
/// The number of pages that the writer copies between two commits: 2 MiB.
const PAGES_LEFT_TO_WRITER: u32 = 512;
/// Above this multiple of the limit the writer copies the log itself: the thread does not keep up.
const LONG_LOG_FACTOR: u32 = 2;
/// The time that the writer waits for readers of the log at each step of a reset.
const WAIT_FOR_READERS: Duration = Duration::from_millis(5);
/// The number of passive checkpoints before a reset, in which running reads end.
const COPIES_BEFORE_A_RESET: u32 = 5;
/// The pause between two of them, which is longer than a short read.
const WAIT_FOR_A_READ: Duration = Duration::from_millis(1);
/// The pause between two checkpoints of the thread while the log exceeds its limit and nothing is committed.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// The writer's handle of the log.
#[derive(Debug)]
pub(super) struct Log {
    limit_pages: u32,
    /// The number of pages from which on the writer tries a reset.
    next_try_pages: u32,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    snapshots: Arc<Snapshots>,
    /// The pages in the log as of the last commit.
    pages: AtomicU32,
    /// The pages of the log that the thread has copied.
    copied_pages: AtomicU32,
    /// Held during a checkpoint: SQLite refuses a second one.
    copying: Mutex<()>,
    wanted: Mutex<Wanted>,
    wake: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Checkpoint,
    End,
}

/// The result of a checkpoint.
struct Checkpoint {
    is_complete: bool,
    copied_pages: u32,
}

impl Log {
    /// Disables the automatic checkpoints of the writer's connection and starts the thread. `connection` is another
    /// connection to the same database. The log is copied from the length of `limit_bytes` on.
    ///
    /// # Errors
    /// When SQLite fails, or the thread cannot be started.
    pub(super) fn take_over(
        writer: &mut Connection,
        connection: Connection,
        snapshots: Arc<Snapshots>,
        limit_bytes: u64,
    ) -> std::result::Result<Self, OpenError> {
        let limit_pages = u32::try_from(limit_bytes / PAGE_BYTES).unwrap_or(u32::MAX).max(1);
        for connection in [&*writer, &connection] {
            // Both return the new value.
            connection.query_row(&format!("PRAGMA journal_size_limit = {limit_bytes}"), [], |_| Ok(()))?;
            connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
        }
        let shared = Arc::new(Shared {
            snapshots,
            pages: AtomicU32::new(0),
            copied_pages: AtomicU32::new(0),
            copying: Mutex::new(()),
            wanted: Mutex::new(Wanted::Nothing),
            wake: Condvar::new(),
        });
        let hooked = Arc::clone(&shared);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            hooked.pages.store(u32::try_from(pages).unwrap_or_default(), Ordering::Release);
            Ok(())
        }))?;
        let working = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name(THREAD_NAME.into()).spawn(move || working.serve(&connection, limit_pages))?;
        Ok(Self { limit_pages, next_try_pages: limit_pages, shared, thread: Some(thread) })
    }

    /// Wakes the thread when the log exceeds its limit, and resets the log when few pages are left. Must be called
    /// after each commit, outside of a transaction.
    pub(super) fn after_commit(&mut self, connection: &Connection) {
        let pages = self.shared.pages.load(Ordering::Acquire);
        METRICS.sqlite_wal_bytes.set(gauge(u64::from(pages) * PAGE_BYTES));
        if pages < self.limit_pages {
            self.next_try_pages = self.limit_pages;
            return;
        }
        let _copying = match self.shared.copying.try_lock() {
            Ok(copying) => copying,
            Err(TryLockError::Poisoned(panicked)) => panicked.into_inner(),
            // The thread copies. The writer does not wait for it.
            Err(TryLockError::WouldBlock) => return,
        };
        let left = pages.saturating_sub(self.shared.copied_pages.load(Ordering::Acquire));
        let is_long = pages / LONG_LOG_FACTOR >= self.limit_pages;
        if pages < self.next_try_pages || (left > PAGES_LEFT_TO_WRITER && !is_long) {
            self.shared.want(Wanted::Checkpoint);
            return;
        }
        match self.shared.reset(connection, "RESTART") {
            Ok(true) => self.next_try_pages = self.limit_pages,
            Ok(false) => self.next_try_pages = pages.saturating_add(PAGES_LEFT_TO_WRITER),
            Err(error) => {
                self.next_try_pages = pages.saturating_add(PAGES_LEFT_TO_WRITER);
                tracing::warn!(%error, pages, "checkpoint failed");
            }
        }
    }

    /// Copies the whole log and truncates it, unless a reader uses it.
    pub(super) fn shrink(&self, connection: &Connection) {
        let _copying = self.shared.lock_copying();
        if let Err(error) = self.shared.reset(connection, "TRUNCATE") {
            tracing::warn!(%error, "checkpoint failed");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.want(Wanted::End);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("checkpoint thread panicked");
        }
    }
}

impl Shared {
    fn want(&self, wanted: Wanted) {
        let mut now = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Wanted::End {
            *now = wanted;
        }
        drop(now);
        self.wake.notify_one();
    }

    fn serve(&self, connection: &Connection, limit_pages: u32) {
        let mut again = false;
        loop {
            let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if *wanted == Wanted::Nothing {
                wanted = if again {
                    self.wake.wait_timeout(wanted, RETRY_INTERVAL).unwrap_or_else(PoisonError::into_inner).0
                } else {
                    self.wake.wait(wanted).unwrap_or_else(PoisonError::into_inner)
                };
            }
            match mem::replace(&mut *wanted, Wanted::Nothing) {
                Wanted::End => return,
                Wanted::Nothing if !again => continue,
                Wanted::Nothing | Wanted::Checkpoint => drop(wanted),
            }
            let copying = self.lock_copying();
            if let Err(error) = self.copy(connection) {
                tracing::warn!(%error, "checkpoint failed");
            }
            drop(copying);
            again = self.pages.load(Ordering::Acquire) >= limit_pages;
        }
    }

    fn lock_copying(&self) -> MutexGuard<'_, ()> {
        self.copying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies the pages that no reader needs, without waiting. Truncates a log that is copied completely and has no
    /// readers.
    fn copy(&self, connection: &Connection) -> Result<()> {
        let before = self.pages.load(Ordering::Acquire);
        let done = checkpoint(connection, "PASSIVE")?;
        // The log may have been reset meanwhile. The result is about the former log then.
        if self.pages.load(Ordering::Acquire) >= before {
            self.copied_pages.store(done.copied_pages, Ordering::Release);
        }
        if done.is_complete {
            self.reset(connection, "TRUNCATE")?;
        }
        Ok(())
    }

    /// Copies the whole log and resets it in the mode `how`. Returns false when a reader or a writer was in the way.
    /// The connection is in no transaction.
    #[expect(clippy::disallowed_methods, reason = "this runs on the writer's and the checkpoint thread alone")]
    fn reset(&self, connection: &Connection, how: &str) -> Result<bool> {
        self.snapshots.committed();
        let done = with_busy_timeout(connection, WAIT_FOR_READERS, |connection| {
            for _ in 0..COPIES_BEFORE_A_RESET {
                let done = checkpoint(connection, "PASSIVE")?;
                // Snapshots from before the copy read from the log. New ones do not.
                self.snapshots.committed();
                if done.is_complete {
                    break;
                }
                thread::sleep(WAIT_FOR_A_READ);
            }
            checkpoint(connection, how)
        })?;
        if done.is_complete {
            self.copied_pages.store(0, Ordering::Release);
            self.pages.store(0, Ordering::Release);
        }
        Ok(done.is_complete)
    }
}

fn checkpoint(connection: &Connection, how: &str) -> Result<Checkpoint> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
        let (busy, pages, copied): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Checkpoint {
            is_complete: !busy && pages == copied,
            copied_pages: u32::try_from(copied).unwrap_or_default(),
        })
    })
}

/// Runs a function with another busy timeout, and restores the timeout of the connection afterwards.
fn with_busy_timeout<T>(
    connection: &Connection,
    wait: Duration,
    run: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    connection.busy_timeout(wait)?;
    let restore = RestoreTimeout(connection);
    let done = run(connection);
    drop(restore);
    done
}

/// Restores the busy timeout when it is dropped, after a panic too.
struct RestoreTimeout<'a>(&'a Connection);

impl Drop for RestoreTimeout<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.busy_timeout(BUSY_TIMEOUT) {
            tracing::error!(%error, "busy timeout reset failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::connect;
    use super::*;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    const LIMIT_BYTES: u64 = 1 << 20;

    fn log_bytes(database: &Path) -> u64 {
        std::fs::metadata(database.with_extension("db-wal")).map_or(0, |log| log.len())
    }

    fn opened(path: &Path) -> (Connection, Arc<Snapshots>, Log) {
        let mut writer = connect(path).unwrap();
        writer.execute_batch("CREATE TABLE t (x BLOB)").unwrap();
        let snapshots = Arc::new(Snapshots::open(2, || connect(path)).unwrap());
        let log = Log::take_over(&mut writer, connect(path).unwrap(), Arc::clone(&snapshots), LIMIT_BYTES).unwrap();
        (writer, snapshots, log)
    }

    fn commit(writer: &Connection, snapshots: &Snapshots, log: &mut Log) {
        writer.execute("INSERT INTO t VALUES (randomblob(16384))", []).unwrap();
        snapshots.committed();
        log.after_commit(writer);
    }

    fn count(connection: &Connection) -> Result<i64> {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0))
    }

    #[test]
    fn the_log_stays_small_under_steady_reads_and_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (writer, snapshots, mut log) = opened(&path);
        let over = AtomicBool::new(false);
        let most = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Acquire) {
                        snapshots
                            .read(|connection| connection.query_row("SELECT max(rowid) FROM t", [], |_| Ok(())))
                            .unwrap();
                    }
                });
            }
            let mut most = 0;
            for _ in 0..4000 {
                commit(&writer, &snapshots, &mut log);
                most = most.max(log_bytes(&path));
            }
            over.store(true, Ordering::Release);
            most
        });
        // A reader that waits for a processor keeps the log for as long: it grows then, but not by all that is written.
        assert!(most < LIMIT_BYTES * 32, "{most} bytes of log for 64 MiB that were written");
        assert_eq!(count(&writer).unwrap(), 4000);
    }

    #[test]
    fn the_busy_timeout_holds_again_whatever_became_of_the_work() {
        let connection = Connection::open_in_memory().unwrap();
        connection.busy_timeout(BUSY_TIMEOUT).unwrap();
        let timeout = || connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, i64>(0)).unwrap();
        let failed = with_busy_timeout(&connection, WAIT_FOR_READERS, |connection| {
            connection.execute_batch("SELECT * FROM nothing")
        });
        assert!(failed.is_err());
        assert_eq!(u128::try_from(timeout()).unwrap(), BUSY_TIMEOUT.as_millis());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            with_busy_timeout(&connection, WAIT_FOR_READERS, |_| -> Result<()> { panic!("a mistake") })
        }));
        assert!(panicked.is_err());
        assert_eq!(u128::try_from(timeout()).unwrap(), BUSY_TIMEOUT.as_millis());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "there is no runtime")]
    fn a_log_that_had_to_grow_is_cut_when_nobody_reads_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (writer, snapshots, mut log) = opened(&path);
        let long = connect(&path).unwrap();
        long.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&long).unwrap(), 0);
        for _ in 0..1000 {
            commit(&writer, &snapshots, &mut log);
        }
        assert!(log_bytes(&path) > LIMIT_BYTES * 8, "the long read is in the way");
        assert_eq!(count(&long).unwrap(), 0, "and sees what it saw");
        let timeout: u64 = writer.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap();
        assert_eq!(u128::from(timeout), BUSY_TIMEOUT.as_millis(), "others are waited for as before");
        long.execute_batch("ROLLBACK").unwrap();
        let wait = Instant::now();
        while log_bytes(&path) > LIMIT_BYTES {
            thread::sleep(Duration::from_millis(10));
            assert!(wait.elapsed() < Duration::from_secs(20), "{} bytes of log", log_bytes(&path));
        }
        commit(&writer, &snapshots, &mut log);
        assert_eq!(count(&writer).unwrap(), 1001);
    }
}
