//! Brings the schema up to date: embedded, numbered SQL files, each applied once, in order, in one transaction.

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 2] = [
    Migration { number: 1, name: "files", sql: include_str!("../../../migrations/sqlite/0001_files.sql") },
    Migration { number: 2, name: "uploads", sql: include_str!("../../../migrations/sqlite/0002_uploads.sql") },
];

/// Why a schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A later version of the program has migrated the database.
    #[error(
        "the database is at schema {found}, this program knows {known}: run the version that made it, or a later one"
    )]
    Newer {
        /// The database's schema.
        found: u32,
        /// The newest schema of this program.
        known: u32,
    },
    /// A migration was applied in another form than this program has it.
    #[error("schema {0} of the database is not the one that this program knows")]
    Changed(u32),
    /// SQLite refused.
    #[error("the schema cannot be brought up to date")]
    Sqlite(#[from] rusqlite::Error),
}

pub(super) fn migrate(connection: &mut Connection, now_seconds: u64) -> Result<(), MigrationError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let found: u32 =
        transaction.query_row("SELECT coalesce(max(number), 0) FROM schema_migrations", [], |row| row.get(0))?;
    let known = MIGRATIONS.len().try_into().unwrap_or(u32::MAX);
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    for migration in &MIGRATIONS {
        let sha256: [u8; 32] = Sha256::digest(migration.sql.as_bytes()).into();
        if migration.number > found {
            transaction.execute_batch(migration.sql)?;
            let row = params![migration.number, migration.name, sha256, now_seconds];
            transaction.execute("INSERT INTO schema_migrations VALUES (?1, ?2, ?3, ?4)", row)?;
        } else if applied(&transaction, migration.number)? != sha256 {
            return Err(MigrationError::Changed(migration.number));
        }
    }
    Ok(transaction.commit()?)
}

fn applied(connection: &Connection, number: u32) -> Result<[u8; 32], rusqlite::Error> {
    connection.query_row("SELECT sha256 FROM schema_migrations WHERE number = ?1", [number], |row| row.get(0))
}
