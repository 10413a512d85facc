//! Connections to the database, with the settings that make it durable.

use super::migrate::MigrationError;
#[cfg(test)]
use super::statements;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Result};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The time that a statement waits for the transaction of another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The mode of the database, which holds names of files and digests of keys.
pub(super) const DATABASE_MODE: u32 = 0o600;
/// The size of a page of the database in bytes, which is the default of SQLite.
pub(super) const PAGE_BYTES: u64 = 4096;
/// The value of `PRAGMA synchronous` that stands for FULL.
const SYNCHRONOUS_FULL: i64 = 2;
/// The number of prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
/// The statement that lets an empty database free unused pages in steps later.
pub(super) const AUTO_VACUUM: &str = "PRAGMA auto_vacuum = INCREMENTAL";

/// The reason why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite failed.
    #[error("the database cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
    /// The schema cannot be migrated.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The database would lose what it acknowledges.
    #[error("the database would not be durable: {0}")]
    NotDurable(String),
    /// The file cannot be created, or a thread cannot be started.
    #[error("the system refused")]
    System(#[from] io::Error),
}

/// Opens a connection with the settings of the store.
///
/// # Errors
/// When SQLite fails, or the database would not be durable.
pub(super) fn connect(path: &Path) -> std::result::Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    #[cfg_attr(not(test), expect(unused_mut, reason = "tests record statements"))]
    let mut connection = Connection::open_with_flags(path, flags)?;
    #[cfg(test)]
    statements::record(&mut connection)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A prepared statement keeps its plan for all values; otherwise some are prepared again for each request.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    enable_auto_vacuum(&connection)?;
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

/// Lets an empty database free unused pages later. On another database the statement would write, and so wait for
/// transactions of other processes.
fn enable_auto_vacuum(connection: &Connection) -> Result<()> {
    if pragma(connection, "page_count")? == 0 { connection.execute_batch(AUTO_VACUUM) } else { Ok(()) }
}

pub(super) fn pragma(connection: &Connection, name: &str) -> Result<u64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
