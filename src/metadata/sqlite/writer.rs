//! The writer thread: writes of concurrent requests share a commit, and so its fsync.
//!
//! Each write runs in a savepoint, so that a write that fails undoes no other. A write returns when its commit is
//! durable, and fails when the commit fails. Workspaces take turns, and commits are small while several workspaces
//! write.

use super::health::Health;
use super::installation::{self, LAST_FILE_ID};
use super::log::Log;
use super::pace::{Owner, Pace};
use super::reserve::Reserve;
use super::transaction::Transaction;
use crate::clock::Clock;
use crate::failpoint;
use crate::metadata::error::MetadataError;
use crate::metrics::{Counted, METRICS, observe, observe_size};
use crate::model::ids::{FileId, WorkspaceId};
use crate::shares::queue::FairQueue;
use crate::traces::Step;
use rusqlite::Connection;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;
use std::{io, thread};
use tokio::sync::{mpsc, oneshot};

/// The name of the thread.
const THREAD_NAME: &str = "sqlite-writer";
/// The length of the channel to the writer. A write beyond it waits before it is sent.
const SENT_WRITES: usize = 1024;
/// The length of the writer's queue, which is more than there are concurrent requests. Further writes stay in the
/// channel.
const MAX_WAITING_WRITES: usize = 16_384;
/// The most writes that share one commit.
const MAX_WRITES_PER_COMMIT: usize = 256;

/// Runs a write if there is a transaction for it. Returns a function that tells the caller the outcome of the commit.
type Job = Box<dyn FnOnce(Result<Transaction<'_>, MetadataError>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), MetadataError>)>;

#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<(Owner, Job)>,
    health: Health,
}

/// The writes that wait for a commit.
struct Waiting {
    sent: mpsc::Receiver<(Owner, Job)>,
    queue: FairQueue<Owner, Job>,
}

/// The work of a server's writer between commits.
#[derive(Debug)]
pub(super) struct Housekeeping {
    /// The disk space that is reserved for the database.
    pub(super) reserve: Reserve,
    /// The write-ahead log.
    pub(super) log: Log,
}

impl Writer {
    /// Starts the thread. It calls `committed` after each commit, before it answers the writes. It ends when the writer
    /// is dropped and the queued writes are done.
    pub(super) fn start(
        connection: Connection,
        health: Health,
        clock: Clock,
        last_file_id: Option<FileId>,
        housekeeping: Option<Housekeeping>,
        committed: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, sent) = mpsc::channel(SENT_WRITES);
        let waiting = Waiting { sent, queue: FairQueue::new() };
        let writing = move || {
            let last_file_id = Cell::new(last_file_id);
            write_for_ever(&connection, &clock, &last_file_id, housekeeping, waiting, &committed);
        };
        thread::Builder::new().name(THREAD_NAME.into()).spawn(writing)?;
        Ok(Self { jobs, health })
    }

    /// Runs a write of the server itself or of an administrator in one of the next commits. Returns when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.write_as(None, write).await
    }

    /// Runs a write of a workspace when it is the turn of the workspace. Returns when it is durable.
    pub(super) async fn write_for<T: Send + 'static>(
        &self,
        workspace: WorkspaceId,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.write_as(Some(workspace), write).await
    }

    async fn write_as<T: Send + 'static>(
        &self,
        owner: Owner,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.health.refuse_when_damaged()?;
        let _step = Step::begin("commit");
        let (sender, answer) = oneshot::channel();
        let waiting = Counted::on(&METRICS.sqlite_waiting_writes);
        let job: Job = Box::new(move |transaction| {
            drop(waiting);
            let outcome = transaction.and_then(|transaction| Ok(transaction.run(write)?));
            Box::new(move |committed| drop(sender.send(committed.and(outcome))))
        });
        let stopped = || unavailable(io::Error::other("the writer has stopped"));
        self.jobs.send((owner, job)).await.map_err(|_| stopped())?;
        self.health.see(answer.await.unwrap_or_else(|_| Err(stopped())))
    }
}

impl Waiting {
    /// Waits for a write and takes the next one. Returns none when the writer is dropped.
    fn wait(&mut self) -> Option<(Owner, Job)> {
        if let Some(next) = self.next() {
            return Some(next);
        }
        let (owner, job) = self.sent.blocking_recv()?;
        self.queue.push(owner, job);
        self.next()
    }

    /// Takes the write whose turn it is.
    fn next(&mut self) -> Option<(Owner, Job)> {
        while self.queue.len() < MAX_WAITING_WRITES
            && let Ok((owner, job)) = self.sent.try_recv()
        {
            self.queue.push(owner, job);
        }
        self.queue.pop()
    }
}

/// A panic ends a batch, not the thread, without which no write would ever be made again.
fn write_for_ever(
    connection: &Connection,
    clock: &Clock,
    last_file_id: &Cell<Option<FileId>>,
    mut housekeeping: Option<Housekeeping>,
    mut waiting: Waiting,
    committed: &dyn Fn(),
) {
    let mut pace = Pace::new();
    while let Some(first) = waiting.wait() {
        if let Some(Housekeeping { reserve, .. }) = &mut housekeeping {
            reserve.update(|| unused_bytes(connection));
        }
        let mut batch = Batch { connection, clock, last_file_id, pace: &mut pace, answers: Vec::new() };
        let turn = AssertUnwindSafe(|| {
            let outcome = batch.run(first, &mut waiting);
            committed();
            for answer in batch.answers {
                answer(outcome.clone());
            }
        });
        if panic::catch_unwind(turn).is_err() {
            tracing::error!("transaction panicked");
        }
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rollback failed");
        }
        match &mut housekeeping {
            Some(Housekeeping { reserve, log }) if reserve.is_low() => log.shrink(connection),
            Some(Housekeeping { log, .. }) => log.after_commit(connection),
            None => {}
        }
    }
}

/// The writes that share one commit.
struct Batch<'a> {
    connection: &'a Connection,
    clock: &'a Clock,
    last_file_id: &'a Cell<Option<FileId>>,
    pace: &'a mut Pace,
    /// The answer to each write that ran.
    answers: Vec<Answer>,
}

impl Batch<'_> {
    /// Runs the first write and those that wait by then, and commits them.
    fn run(&mut self, first: (Owner, Job), waiting: &mut Waiting) -> Result<(), MetadataError> {
        let connection = self.connection;
        if let Err(error) = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])) {
            let error = MetadataError::from(error);
            self.answers.push((first.1)(Err(error.clone())));
            return Err(error);
        }
        let (noted, changed_before) = (self.last_file_id.get(), connection.total_changes());
        self.run_writes(first, waiting);
        if let Some(last) = self.last_file_id.get().filter(|last| Some(*last) != noted) {
            installation::set(connection, LAST_FILE_ID, last)?;
        }
        failpoint::reach("commit.ready").map_err(unavailable)?;
        let begun = Instant::now();
        connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]))?;
        if connection.total_changes() != changed_before {
            let elapsed = begun.elapsed();
            self.pace.record_commit(elapsed);
            observe(&METRICS.commit_duration_seconds, elapsed);
            observe_size(&METRICS.sqlite_commit_writes, self.answers.len());
        }
        failpoint::reach("commit.done").map_err(unavailable)
    }

    fn run_writes(&mut self, first: (Owner, Job), waiting: &mut Waiting) {
        let begun = Instant::now();
        let (mut next, mut is_shared) = (Some(first), false);
        while let Some((owner, job)) = next.take() {
            let transaction = Transaction::new(self.connection, self.last_file_id, self.clock.now_ms());
            self.answers.push(job(Ok(transaction)));
            let now = Instant::now();
            is_shared |= self.pace.record(owner, now);
            let is_full = self.answers.len() >= MAX_WRITES_PER_COMMIT
                || (is_shared && self.pace.is_long(now.duration_since(begun)));
            // Some errors end the whole transaction; nothing more may run then, or it would commit by itself.
            if !is_full && !self.connection.is_autocommit() {
                next = waiting.next();
            }
        }
    }
}

/// Returns the bytes of the unused pages of the database.
fn unused_bytes(connection: &Connection) -> u64 {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0)).unwrap_or_default();
    pragma("freelist_count").saturating_mul(pragma("page_size"))
}

fn unavailable(error: io::Error) -> MetadataError {
    MetadataError::Unavailable(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_runs_without_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE t (x INTEGER)").unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        let writer = Writer::start(connection, Health::default(), Clock::system(), None, None, || ()).unwrap();
        let insert = |transaction: &Transaction<'_>| transaction.execute("INSERT INTO t VALUES (1)", []);
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
        let writer = Writer::start(connection, Health::default(), Clock::system(), None, None, || ()).unwrap();
        let broken = writer.write(|transaction| -> rusqlite::Result<()> {
            transaction.execute("INSERT INTO t VALUES (1)", [])?;
            panic!("a mistake")
        });
        assert!(broken.await.is_err());
        let count = |transaction: &Transaction<'_>| {
            transaction.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(writer.write(count).await.unwrap(), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_that_fails_takes_no_other_with_it() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x INTEGER UNIQUE)").unwrap();
        let writer =
            Arc::new(Writer::start(connection, Health::default(), Clock::system(), None, None, || ()).unwrap());
        let changes = (0..100_i64).map(|number| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move {
                let insert =
                    move |transaction: &Transaction<'_>| transaction.execute("INSERT INTO t VALUES (?1)", [number / 2]);
                writer.write(insert).await.is_ok()
            })
        });
        let outcomes = futures_util::future::join_all(changes).await;
        assert_eq!(outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 50);
        let count = |transaction: &Transaction<'_>| {
            transaction.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(writer.write(count).await.unwrap(), 50);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_workspace_does_not_wait_for_all_that_another_asked_for() {
        const CHANGES: usize = 400;
        let writer = Arc::new(
            Writer::start(Connection::open_in_memory().unwrap(), Health::default(), Clock::system(), None, None, || ())
                .unwrap(),
        );
        let [ada, bob] = [1, 2].map(|number| WorkspaceId::next(None, 1, [number; 11]));
        let made = Arc::new(AtomicUsize::new(0));
        let (all_wait, begin) = std::sync::mpsc::channel::<()>();
        let (holds, held_now) = oneshot::channel();
        let holder = Arc::clone(&writer);
        let hold = move |_: &Transaction<'_>| Ok(holds.send(()).is_ok() && begin.recv().is_ok());
        let held = tokio::spawn(async move { holder.write(hold).await });
        held_now.await.unwrap();
        let change = |writer: Arc<Writer>, made: Arc<AtomicUsize>| async move {
            let work = move |_: &Transaction<'_>| {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(1) {}
                Ok(made.fetch_add(1, Ordering::Relaxed))
            };
            writer.write_for(ada, work).await
        };
        let flood: Vec<_> =
            (0..CHANGES).map(|_| tokio::spawn(change(Arc::clone(&writer), Arc::clone(&made)))).collect();
        while writer.jobs.capacity() > SENT_WRITES - CHANGES {
            tokio::task::yield_now().await;
        }
        let other = writer.write_for(bob, |_| Ok(()));
        tokio::pin!(other);
        assert!(futures_util::poll!(&mut other).is_pending());
        all_wait.send(()).unwrap();
        other.await.unwrap();
        let before = made.load(Ordering::Relaxed);
        assert!(before < CHANGES / 4, "{before} changes of the other were committed first");
        assert!(held.await.unwrap().unwrap());
        for change in flood {
            change.await.unwrap().unwrap();
        }
    }
}
