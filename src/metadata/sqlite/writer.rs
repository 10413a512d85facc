//! The writer thread: changes of concurrent requests share a transaction, and so its fsync.
//!
//! Each change runs in a savepoint of its own, so that one that fails takes no other with it. Nobody is answered before
//! the commit is durable; when it fails, everybody in it is told. Workspaces take turns, and while several of them write,
//! transactions are short.

use super::file_ids::note_last_file_id;
use super::health::Health;
use super::log::Log;
use super::reserve::Reserve;
use crate::failpoint;
use crate::metadata::error::MetadataError;
use crate::model::ids::{FileId, WorkspaceId};
use crate::shares::activity::Activity;
use crate::shares::queue::FairQueue;
use rusqlite::Connection;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::{mpsc, oneshot};

/// By which tools tell the thread from others.
const THREAD_NAME: &str = "sqlite-writer";
/// Changes that are on their way to the writer; further ones wait to be sent.
const SENT_CHANGES: usize = 1024;
/// Changes that wait for their turn: more than there are requests at once. Further ones stay on their way.
const MAX_WAITING_CHANGES: usize = 16_384;
/// Changes that share one commit.
const MAX_CHANGES_PER_COMMIT: usize = 256;
/// How long a transaction takes changes at least while several workspaces write.
const MIN_SHARED_WORK: Duration = Duration::from_micros(500);
/// It does so for this part of a small commit at least, so that a slow disk is used well.
const PART_OF_A_SMALL_COMMIT: u32 = 2;
/// What a small commit takes is the least that was seen, which each commit raises by this part of it.
const COMMITS_TO_FORGET_THE_LEAST: u32 = 32;

/// The workspace that a change is for; none for the server's own work and administration.
type Owner = Option<WorkspaceId>;

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
pub(super) struct Writer {
    jobs: mpsc::Sender<(Owner, Job)>,
    health: Health,
}

/// Changes that were asked for.
struct Waiting {
    sent: mpsc::Receiver<(Owner, Job)>,
    queue: FairQueue<Owner, Job>,
}

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
        health: Health,
        last_file_id: Option<FileId>,
        housekeeping: Option<Housekeeping>,
        committed: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, sent) = mpsc::channel(SENT_CHANGES);
        let waiting = Waiting { sent, queue: FairQueue::new() };
        let writing = move || write_for_ever(&connection, last_file_id, housekeeping, waiting, &committed);
        thread::Builder::new().name(THREAD_NAME.into()).spawn(writing)?;
        Ok(Self { jobs, health })
    }

    /// Runs a change of the server's own or of an administrator in one of the next transactions, and returns once that is
    /// durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.write_as(None, work).await
    }

    /// Runs a change that a workspace asked for, when it is its turn, and returns once it is durable.
    pub(super) async fn write_for<T: Send + 'static>(
        &self,
        workspace: WorkspaceId,
        work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.write_as(Some(workspace), work).await
    }

    async fn write_as<T: Send + 'static>(
        &self,
        owner: Owner,
        work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        self.health.refuse_when_damaged()?;
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |change| {
            let outcome = change.and_then(|change| Ok(in_savepoint(change, work)?));
            Box::new(move |committed| drop(sender.send(committed.and(outcome))))
        });
        let stopped = || unavailable(io::Error::other("the writer has stopped"));
        self.jobs.send((owner, job)).await.map_err(|_| stopped())?;
        self.health.see(answer.await.unwrap_or_else(|_| Err(stopped())))
    }
}

impl Waiting {
    /// Waits for a change and takes the next one; none once nobody can ask for any.
    fn wait(&mut self) -> Option<(Owner, Job)> {
        if let Some(next) = self.next() {
            return Some(next);
        }
        let (owner, job) = self.sent.blocking_recv()?;
        self.queue.push(owner, job);
        self.next()
    }

    /// Takes the change whose turn it is.
    fn next(&mut self) -> Option<(Owner, Job)> {
        while self.queue.len() < MAX_WAITING_CHANGES
            && let Ok((owner, job)) = self.sent.try_recv()
        {
            self.queue.push(owner, job);
        }
        self.queue.pop()
    }
}

/// How long transactions are to be.
struct Pace {
    writing: Activity<WorkspaceId>,
    /// What a commit takes that has little to write.
    small_commit: Duration,
}

impl Pace {
    const fn new() -> Self {
        Self { writing: Activity::new(), small_commit: Duration::ZERO }
    }

    /// Notes whose change is made; whether somebody else writes, too.
    fn note(&mut self, owner: Owner, now: Instant) -> bool {
        let Some(owner) = owner else { return false };
        self.writing.note(owner, now);
        !self.writing.is_alone(owner, now)
    }

    fn note_commit(&mut self, took: Duration) {
        let raised = self.small_commit + self.small_commit / COMMITS_TO_FORGET_THE_LEAST;
        self.small_commit = if self.small_commit.is_zero() { took } else { took.min(raised) };
    }

    /// Whether a transaction has worked for so long that it is to be committed, while others write.
    fn is_long(&self, worked: Duration) -> bool {
        worked >= MIN_SHARED_WORK.max(self.small_commit / PART_OF_A_SMALL_COMMIT)
    }
}

/// A panic ends a transaction, not the thread: without it no change would ever be made again.
fn write_for_ever(
    connection: &Connection,
    mut last_file_id: Option<FileId>,
    mut housekeeping: Option<Housekeeping>,
    mut waiting: Waiting,
    committed: &dyn Fn(),
) {
    let mut pace = Pace::new();
    while let Some(first) = waiting.wait() {
        if let Some(Housekeeping { reserve, .. }) = &mut housekeeping {
            reserve.settle(|| unused_bytes(connection));
        }
        let mut transaction =
            Transaction { connection, last_file_id: &mut last_file_id, pace: &mut pace, answers: Vec::new() };
        let turn = AssertUnwindSafe(|| {
            let outcome = transaction.run(first, &mut waiting);
            committed();
            for answer in transaction.answers {
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

/// One transaction.
struct Transaction<'a> {
    connection: &'a Connection,
    last_file_id: &'a mut Option<FileId>,
    pace: &'a mut Pace,
    /// One for each change that ran.
    answers: Vec<Answer>,
}

impl Transaction<'_> {
    /// Makes the first change and those that wait by then.
    fn run(&mut self, first: (Owner, Job), waiting: &mut Waiting) -> Result<(), MetadataError> {
        let connection = self.connection;
        if let Err(error) = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])) {
            let error = MetadataError::from(error);
            self.answers.push((first.1)(Err(error.clone())));
            return Err(error);
        }
        let (noted, changed_before) = (*self.last_file_id, connection.total_changes());
        self.make_changes(first, waiting);
        if let Some(last) = self.last_file_id.filter(|last| Some(*last) != noted) {
            note_last_file_id(connection, last)?;
        }
        failpoint::reach("commit.ready").map_err(unavailable)?;
        let begun = Instant::now();
        connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]))?;
        if connection.total_changes() != changed_before {
            self.pace.note_commit(begun.elapsed());
        }
        failpoint::reach("commit.done").map_err(unavailable)
    }

    fn make_changes(&mut self, first: (Owner, Job), waiting: &mut Waiting) {
        let begun = Instant::now();
        let (mut next, mut is_shared) = (Some(first), false);
        while let Some((owner, job)) = next.take() {
            self.answers.push(job(Ok(Change { connection: self.connection, last_file_id: &mut *self.last_file_id })));
            let now = Instant::now();
            is_shared |= self.pace.note(owner, now);
            let is_full = self.answers.len() >= MAX_CHANGES_PER_COMMIT
                || (is_shared && self.pace.is_long(now.duration_since(begun)));
            // Some errors end the whole transaction; nothing more may run then, or it would commit by itself.
            if !is_full && !self.connection.is_autocommit() {
                next = waiting.next();
            }
        }
    }
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_runs_without_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE t (x INTEGER)").unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        let writer = Writer::start(connection, Health::default(), None, None, || ()).unwrap();
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
        let writer = Writer::start(connection, Health::default(), None, None, || ()).unwrap();
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
        let writer = Arc::new(Writer::start(connection, Health::default(), None, None, || ()).unwrap());
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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_workspace_does_not_wait_for_all_that_another_asked_for() {
        const CHANGES: usize = 400;
        let writer = Arc::new(
            Writer::start(Connection::open_in_memory().unwrap(), Health::default(), None, None, || ()).unwrap(),
        );
        let [ada, bob] = [1, 2].map(|number| WorkspaceId::next(None, 1, [number; 11]));
        let made = Arc::new(AtomicUsize::new(0));
        let (all_wait, begin) = std::sync::mpsc::channel::<()>();
        let (holds, held_now) = oneshot::channel();
        let holder = Arc::clone(&writer);
        let hold = move |_: &mut Change<'_>| Ok(holds.send(()).is_ok() && begin.recv().is_ok());
        let held = tokio::spawn(async move { holder.write(hold).await });
        held_now.await.unwrap();
        let change = |writer: Arc<Writer>, made: Arc<AtomicUsize>| async move {
            let work = move |_: &mut Change<'_>| {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(1) {}
                Ok(made.fetch_add(1, Ordering::Relaxed))
            };
            writer.write_for(ada, work).await
        };
        let flood: Vec<_> =
            (0..CHANGES).map(|_| tokio::spawn(change(Arc::clone(&writer), Arc::clone(&made)))).collect();
        while writer.jobs.capacity() > SENT_CHANGES - CHANGES {
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

    #[test]
    fn shared_transactions_are_short_but_on_a_slow_disk() {
        let ms = Duration::from_millis;
        let mut pace = Pace::new();
        assert!(!pace.is_long(ms(0)) && pace.is_long(ms(1)));
        pace.note_commit(ms(10));
        pace.note_commit(ms(64));
        assert!(!pace.is_long(ms(5)) && pace.is_long(ms(6)), "a long commit has much to write");
        (0..200).for_each(|_| pace.note_commit(ms(64)));
        assert!(!pace.is_long(ms(31)) && pace.is_long(ms(32)), "the disk is slower now");
        pace.note_commit(ms(1));
        assert!(pace.is_long(ms(1)));
    }

    #[test]
    fn the_servers_own_changes_share_with_nobody() {
        let now = Instant::now();
        let [ada, bob] = [1, 2].map(|number| Some(WorkspaceId::next(None, 1, [number; 11])));
        let mut pace = Pace::new();
        assert!(!pace.note(ada, now) && !pace.note(None, now) && !pace.note(ada, now));
        assert!(pace.note(bob, now) && pace.note(ada, now) && !pace.note(None, now));
        assert!(!pace.note(ada, now + Duration::from_secs(2)));
    }
}
