//! Brings the schema up to date: embedded, numbered SQL files, each applied once, in order, in one transaction.

use crate::metadata::migrations::{Migration, Outdated, SchemaError, count_applied, migrations};
use rusqlite::{Connection, TransactionBehavior, params};

pub(super) static MIGRATIONS: &[Migration] = migrations!("sqlite");

/// Why a schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// It is not one that this program can use.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// SQLite refused.
    #[error("the schema cannot be brought up to date")]
    Sqlite(#[from] rusqlite::Error),
}

/// A database that is up to date is only read: the commands beside a busy server do not wait for its transactions. One that is
/// empty gets the whole schema.
pub(super) fn migrate(connection: &mut Connection, outdated: Outdated, now_seconds: u64) -> Result<(), MigrationError> {
    if connection.table_exists(None, "schema_migrations")? {
        let applied = check(connection)?;
        outdated.allow(applied, MIGRATIONS)?;
        if applied == MIGRATIONS.len() {
            return Ok(());
        }
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let applied = check(&transaction)?;
    if applied > 0 {
        // Another process may have made it meanwhile.
        outdated.allow(applied, MIGRATIONS)?;
    }
    for migration in MIGRATIONS.iter().skip(applied) {
        transaction.execute_batch(migration.sql)?;
        let row = params![migration.number, migration.name, migration.sha256(), now_seconds];
        transaction.execute("INSERT INTO schema_migrations VALUES (?1, ?2, ?3, ?4)", row)?;
    }
    Ok(transaction.commit()?)
}

/// How many of the migrations are applied, each in the form in which this program has it.
fn check(connection: &Connection) -> Result<usize, MigrationError> {
    let mut select = connection.prepare("SELECT number, sha256 FROM schema_migrations ORDER BY number")?;
    let applied: Vec<(u32, Vec<u8>)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(count_applied(&applied, MIGRATIONS)?)
}
