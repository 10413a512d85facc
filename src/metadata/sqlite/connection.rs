//! Connections to the database: its settings, and what makes it durable.

use super::migrate::MigrationError;
#[cfg(test)]
use super::statements;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Result};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process's transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Names of files and digests of keys are their owner's alone.
pub(super) const DATABASE_MODE: u32 = 0o600;
/// A page of the database, in bytes: SQLite's default.
pub(super) const PAGE_BYTES: u64 = 4096;
/// `PRAGMA synchronous` when it is FULL.
const SYNCHRONOUS_FULL: i64 = 2;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
/// What is said to a database before anything is in it, so that it can give room back in steps.
pub(super) const GIVES_ROOM_BACK: &str = "PRAGMA auto_vacuum = INCREMENTAL";

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite refused.
    #[error("the database cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    /// The schema cannot be brought up to date.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The database would not keep what it acknowledges.
    #[error("the database would not be durable: {0}")]
    NotDurable(String),
    /// The file cannot be made, or the writer thread cannot be started.
    #[error("the system refused")]
    System(#[from] io::Error),
}

/// Opens a connection with the settings of the store.
///
/// # Errors
/// When SQLite refuses, or the database would not be durable.
pub(super) fn connect(path: &Path) -> std::result::Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    #[cfg_attr(not(test), expect(unused_mut, reason = "tests record statements"))]
    let mut connection = Connection::open_with_flags(path, flags)?;
    #[cfg(test)]
    statements::record(&mut connection)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A prepared statement keeps its plan whatever is bound to it; otherwise some are prepared again for each request.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    prepare(&connection)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;",
    )?;
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if journal != "wal" || synchronous != SYNCHRONOUS_FULL {
        return Err(OpenError::NotDurable(format!("journal_mode is {journal}, synchronous is {synchronous}")));
    }
    Ok(connection)
}

/// Lets a database that is still empty give room back later. Of one that is not, the statement would write, and so wait for
/// the transactions of others.
fn prepare(connection: &Connection) -> Result<()> {
    if pragma(connection, "page_count")? == 0 { connection.execute_batch(GIVES_ROOM_BACK) } else { Ok(()) }
}

pub(super) fn pragma(connection: &Connection, name: &str) -> Result<u64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
