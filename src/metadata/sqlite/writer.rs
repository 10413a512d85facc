//! The writer thread: changes of concurrent requests share a transaction, and so its fsync.
//!
//! Each change runs in a savepoint of its own, so that one that fails takes no other with it. Nobody is answered before
//! the commit is durable; when it fails, everybody in it is told.

use super::log::Log;
use super::reserve::Reserve;
use super::{MetadataError, files};
use crate::failpoint;
use crate::model::ids::FileId;
use rusqlite::Connection;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// By which tools tell the thread from others.
const THREAD_NAME: &str = "sqlite-writer";
/// Changes that wait for the writer; further ones wait to be queued.
const QUEUE_CHANGES: usize = 1024;
/// Changes that share one commit.
const MAX_CHANGES_PER_COMMIT: usize = 256;

/// What a change works on.
pub(super) struct Change<'a> {
    /// The connection, within the transaction.
    pub(super) connection: &'a Connection,
    /// The newest id ever given to a File; to be moved by whoever gives the next one.
    pub(super) last_file_id: &'a mut Option<FileId>,
}

/// Runs a change if there is a transaction for it; then tells its caller how the commit went.
type Job = Box<dyn FnOnce(Result<Change<'_>, MetadataError>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), MetadataError>)>;

#[derive(Debug)]
pub(super) struct Writer(mpsc::Sender<Job>);

/// What a server's writer looks after between transactions.
#[derive(Debug)]
pub(super) struct Housekeeping {
    /// The room that is kept for the database.
    pub(super) reserve: Reserve,
    /// SQLite's log.
    pub(super) log: Log,
}

impl Writer {
    /// Starts the thread, which calls `committed` after each transaction, before anybody is told of it; it ends when the writer is dropped and what was queued is done.
    pub(super) fn start(
        connection: Connection,
        last_file_id: Option<FileId>,
        housekeeping: Option<Housekeeping>,
        committed: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE_CHANGES);
        let writing = move || write_for_ever(&connection, last_file_id, housekeeping, queue, &committed);
        thread::Builder::new().name(THREAD_NAME.into()).spawn(writing)?;
        Ok(Self(jobs))
    }

    /// Runs `work` in the next transaction and returns once that is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |change| {
            let outcome = change.and_then(|change| Ok(in_savepoint(change, work)?));
            Box::new(move |committed| drop(sender.send(committed.and(outcome))))
        });
        let stopped = || unavailable(io::Error::other("the writer has stopped"));
        self.0.send(job).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// A panic ends a transaction, not the thread: without it no change would ever be made again.
fn write_for_ever(
    connection: &Connection,
    mut last_file_id: Option<FileId>,
    mut housekeeping: Option<Housekeeping>,
    mut queue: mpsc::Receiver<Job>,
    committed: &dyn Fn(),
) {
    while let Some(first) = queue.blocking_recv() {
        if let Some(Housekeeping { reserve, .. }) = &mut housekeeping {
            reserve.settle(|| unused_bytes(connection));
        }
        let turn = AssertUnwindSafe(|| take_turn(connection, &mut last_file_id, first, &mut queue, committed));
        if panic::catch_unwind(turn).is_err() {
            tracing::error!("a change panicked, and those in its transaction failed");
        }
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
        match &mut housekeeping {
            Some(Housekeeping { reserve, log }) if reserve.is_low() => log.shrink(connection),
            Some(Housekeeping { log, .. }) => log.after_commit(connection),
            None => {}
        }
    }
}

fn take_turn(
    connection: &Connection,
    last_file_id: &mut Option<FileId>,
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
    committed: &dyn Fn(),
) {
    let mut answers = Vec::new();
    let outcome = commit(connection, last_file_id, first, queue, &mut answers);
    committed();
    for answer in answers {
        answer(outcome.clone());
    }
}

/// One transaction of `first` and of what else is waiting by then. `answers` gets one entry for each change that ran.
fn commit(
    connection: &Connection,
    last_file_id: &mut Option<FileId>,
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), MetadataError> {
    if let Err(error) = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])) {
        let error = MetadataError::from(error);
        answers.push(first(Err(error.clone())));
        return Err(error);
    }
    let noted = *last_file_id;
    let mut next = Some(first);
    while let Some(job) = next.take() {
        answers.push(job(Ok(Change { connection, last_file_id: &mut *last_file_id })));
        // Some errors end the whole transaction; nothing more may run then, or it would commit by itself.
        if answers.len() < MAX_CHANGES_PER_COMMIT && !connection.is_autocommit() {
            next = queue.try_recv().ok();
        }
    }
    if let Some(last) = last_file_id.filter(|last| Some(*last) != noted) {
        files::note_last_file_id(connection, last)?;
    }
    failpoint::reach("commit.ready").map_err(unavailable)?;
    connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]))?;
    failpoint::reach("commit.done").map_err(unavailable)
}

/// What deleted rows have left in the database, in bytes.
fn unused_bytes(connection: &Connection) -> u64 {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0)).unwrap_or_default();
    pragma("freelist_count").saturating_mul(pragma("page_size"))
}

fn unavailable(error: io::Error) -> MetadataError {
    MetadataError::Unavailable(Arc::new(error))
}

fn in_savepoint<T>(
    mut change: Change<'_>,
    work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let connection = change.connection;
    let run = |sql: &str| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    run("SAVEPOINT change")?;
    let outcome = work(&mut change);
    if outcome.is_err() {
        run("ROLLBACK TO change")?;
    }
    run("RELEASE change")?;
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_runs_without_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE t (x INTEGER)").unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        let writer = Writer::start(connection, None, None, || ()).unwrap();
        let insert = |change: &mut Change<'_>| change.connection.execute("INSERT INTO t VALUES (1)", []);
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert!(writer.write(insert).await.is_err());
        other.execute_batch("ROLLBACK").unwrap();
        let rows = || other.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(rows(), 0, "what was answered with an error did not happen");
        assert_eq!(writer.write(insert).await.unwrap(), 1);
        assert_eq!(rows(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_that_panics_ends_its_transaction_and_no_other() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x INTEGER)").unwrap();
        let writer = Writer::start(connection, None, None, || ()).unwrap();
        let broken = writer.write(|change| -> rusqlite::Result<()> {
            change.connection.execute("INSERT INTO t VALUES (1)", [])?;
            panic!("a mistake")
        });
        assert!(broken.await.is_err());
        let count = |change: &mut Change<'_>| {
            change.connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(writer.write(count).await.unwrap(), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_that_fails_takes_no_other_with_it() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x INTEGER UNIQUE)").unwrap();
        let writer = Arc::new(Writer::start(connection, None, None, || ()).unwrap());
        let changes = (0..100_i64).map(|number| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move {
                let insert =
                    move |change: &mut Change<'_>| change.connection.execute("INSERT INTO t VALUES (?1)", [number / 2]);
                writer.write(insert).await.is_ok()
            })
        });
        let outcomes = futures_util::future::join_all(changes).await;
        assert_eq!(outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 50);
        let count = |change: &mut Change<'_>| {
            change.connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(writer.write(count).await.unwrap(), 50);
    }
}
