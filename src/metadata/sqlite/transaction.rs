//! The transaction of a write: a savepoint within the commit that concurrent writes share.

use crate::model::ids::FileId;
use crate::random;
use rusqlite::{Connection, Result};
use std::cell::Cell;
use std::ops::Deref;

/// A transaction of the writer. It is rolled back when its write returns an error.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    /// The newest id ever given to a File.
    last_file_id: &'a Cell<Option<FileId>>,
    now_ms: u64,
}

impl<'a> Transaction<'a> {
    /// Returns a transaction that reads and writes on `connection`, with the time `now_ms` in milliseconds since the
    /// Unix epoch.
    pub(super) const fn new(connection: &'a Connection, last_file_id: &'a Cell<Option<FileId>>, now_ms: u64) -> Self {
        Self { connection, last_file_id, now_ms }
    }

    /// Runs a write in a savepoint, so that a write that fails does not undo the other writes of its commit.
    pub(super) fn run<T>(self, write: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let run = |sql: &str| self.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        run("SAVEPOINT change")?;
        let outcome = write(&self);
        if outcome.is_err() {
            run("ROLLBACK TO change")?;
        }
        run("RELEASE change")?;
        outcome
    }

    /// Returns the time of the transaction in milliseconds since the Unix epoch.
    pub(super) const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Returns the time of the transaction in Unix seconds.
    pub(super) const fn now_seconds(&self) -> u64 {
        self.now_ms / 1000
    }

    /// Returns a new id for a File. It is greater than every id before, so that Files are listed in the order of their
    /// commits.
    pub(super) fn next_file_id(&self) -> FileId {
        let id = FileId::next(self.last_file_id.get(), self.now_ms, random::bytes());
        self.last_file_id.set(Some(id));
        id
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
