//! The writer thread: changes of concurrent requests share a transaction, and so its fsync.
//!
//! Each change runs in a savepoint of its own, so that one that fails takes no other with it. Nobody is answered before
//! the commit is durable; when it fails, everybody in it is told.

use super::MetadataError;
use crate::model::ids::FileId;
use rusqlite::Connection;
use std::io;
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, oneshot};

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

/// Runs a change; then tells its caller how the commit went.
type Job = Box<dyn FnOnce(&mut Change<'_>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), MetadataError>)>;

#[derive(Debug)]
pub(super) struct Writer(mpsc::Sender<Job>);

impl Writer {
    /// Starts the thread; it ends when the writer is dropped and what was queued is done.
    pub(super) fn start(connection: Connection, last_file_id: Option<FileId>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE_CHANGES);
        thread::Builder::new().name("sqlite-writer".into()).spawn(move || run(&connection, last_file_id, queue))?;
        Ok(Self(jobs))
    }

    /// Runs `work` in the next transaction and returns once that is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |change| {
            let outcome = in_savepoint(change, work);
            Box::new(move |committed| drop(sender.send(committed.and_then(|()| Ok(outcome?)))))
        });
        let stopped = || MetadataError::Unavailable(Arc::new(io::Error::other("the writer has stopped")));
        self.0.send(job).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn run(connection: &Connection, mut last_file_id: Option<FileId>, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut answers = Vec::new();
        let committed = commit(connection, &mut last_file_id, first, &mut queue, &mut answers);
        if committed.is_err()
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
        for answer in answers {
            answer(committed.clone());
        }
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
    let begun = connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
    let mut change = Change { connection, last_file_id };
    let mut next = Some(first);
    while let Some(job) = next.take() {
        answers.push(job(&mut change));
        if begun.is_ok() && answers.len() < MAX_CHANGES_PER_COMMIT && !connection.is_autocommit() {
            next = queue.try_recv().ok();
        }
    }
    begun?;
    connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]))?;
    Ok(())
}

fn in_savepoint<T>(
    change: &mut Change<'_>,
    work: impl FnOnce(&mut Change<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let run = |sql: &str| change.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    run("SAVEPOINT change")?;
    let outcome = work(&mut Change { connection: change.connection, last_file_id: change.last_file_id });
    if outcome.is_err() {
        run("ROLLBACK TO change")?;
    }
    run("RELEASE change")?;
    outcome
}
