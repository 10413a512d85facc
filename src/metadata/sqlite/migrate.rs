//! Migrations of the schema: embedded, numbered SQL files. Each is applied once, in order, in one transaction.

use crate::metadata::migrations::{Outdated, SQLITE as MIGRATIONS, SchemaError, SchemaState, count_applied};
use rusqlite::{Connection, TransactionBehavior, params};

/// The reason why a schema cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// This program cannot use the schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// SQLite failed.
    #[error("the schema cannot be brought up to date")]
    Sqlite(#[from] rusqlite::Error),
}

/// Applies the migrations that a database lacks. A database that lacks none is only read, so that a command beside a
/// busy server does not wait for its transactions.
pub(super) fn migrate(connection: &mut Connection, outdated: Outdated, now_seconds: u64) -> Result<(), MigrationError> {
    if connection.table_exists(None, "schema_migrations")? {
        let applied = check(connection)?;
        outdated.allow(applied, MIGRATIONS)?;
        if applied == MIGRATIONS.len() {
            return Ok(());
        }
    } else if outdated == Outdated::Refuse {
        return Err(SchemaError::Missing.into());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let applied = check(&transaction)?;
    if applied > 0 {
        // Another process may have created the schema meanwhile.
        outdated.allow(applied, MIGRATIONS)?;
    }
    for migration in MIGRATIONS.iter().skip(applied) {
        if applied > 0 {
            tracing::info!(number = migration.number, name = migration.name, "migration started");
        }
        transaction.execute_batch(migration.sql)?;
        let row = params![migration.number, migration.name, migration.sha256(), now_seconds];
        transaction.execute("INSERT INTO schema_migrations VALUES (?1, ?2, ?3, ?4)", row)?;
    }
    Ok(transaction.commit()?)
}

/// Returns the state of the schema.
pub(super) fn state(connection: &Connection) -> Result<SchemaState, MigrationError> {
    if !connection.table_exists(None, "schema_migrations")? {
        return Ok(SchemaState::Missing);
    }
    Ok(SchemaState::of(check(connection)?, MIGRATIONS))
}

/// Returns the number of applied migrations, after a check that each has the form of this program.
fn check(connection: &Connection) -> Result<usize, MigrationError> {
    let mut select = connection.prepare("SELECT number, sha256 FROM schema_migrations ORDER BY number")?;
    let applied: Vec<(u32, Vec<u8>)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(count_applied(&applied, MIGRATIONS)?)
}
