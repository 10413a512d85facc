//! Brings the schema up to date: embedded, numbered SQL files, each applied once, in order, in one transaction.

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

static MIGRATIONS: [Migration; 14] = [
    Migration { number: 1, name: "files", sql: include_str!("../../../migrations/sqlite/0001_files.sql") },
    Migration { number: 2, name: "uploads", sql: include_str!("../../../migrations/sqlite/0002_uploads.sql") },
    Migration { number: 3, name: "upkeep", sql: include_str!("../../../migrations/sqlite/0003_upkeep.sql") },
    Migration {
        number: 4,
        name: "inline content",
        sql: include_str!("../../../migrations/sqlite/0004_inline_content.sql"),
    },
    Migration {
        number: 5,
        name: "status details",
        sql: include_str!("../../../migrations/sqlite/0005_status_details.sql"),
    },
    Migration { number: 6, name: "answers", sql: include_str!("../../../migrations/sqlite/0006_answers.sql") },
    Migration {
        number: 7,
        name: "default expiries",
        sql: include_str!("../../../migrations/sqlite/0007_default_expiries.sql"),
    },
    Migration { number: 8, name: "keys", sql: include_str!("../../../migrations/sqlite/0008_keys.sql") },
    Migration { number: 9, name: "audit log", sql: include_str!("../../../migrations/sqlite/0009_audit_log.sql") },
    Migration { number: 10, name: "limits", sql: include_str!("../../../migrations/sqlite/0010_limits.sql") },
    Migration { number: 11, name: "ledger", sql: include_str!("../../../migrations/sqlite/0011_ledger.sql") },
    Migration { number: 12, name: "adjustments", sql: include_str!("../../../migrations/sqlite/0012_adjustments.sql") },
    Migration { number: 13, name: "outbox", sql: include_str!("../../../migrations/sqlite/0013_outbox.sql") },
    Migration {
        number: 14,
        name: "blob uploads",
        sql: include_str!("../../../migrations/sqlite/0014_blob_uploads.sql"),
    },
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

/// A database that is up to date is only read: the commands beside a busy server do not wait for its transactions.
pub(super) fn migrate(connection: &mut Connection, now_seconds: u64) -> Result<(), MigrationError> {
    if connection.table_exists(None, "schema_migrations")? && check(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    let applied = check(&transaction)?;
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
    if let Some((found, _)) = applied.last().filter(|(number, _)| known(*number).is_none()) {
        let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
        return Err(MigrationError::Newer { found: *found, known });
    }
    let changed = |(number, sha256): &&(u32, Vec<u8>)| known(*number).is_none_or(|known| known.sha256() != **sha256);
    match applied.iter().find(changed) {
        Some((number, _)) => Err(MigrationError::Changed(*number)),
        None => Ok(applied.len()),
    }
}

fn known(number: u32) -> Option<&'static Migration> {
    MIGRATIONS.iter().find(|migration| migration.number == number)
}

impl Migration {
    fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.sql.as_bytes()).into()
    }
}
