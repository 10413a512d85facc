//! Brings the schema up to date: embedded, numbered SQL files, each applied once, in order, in one transaction, by one
//! server at a time. Their numbers are those of the SQLite store's, so that a schema has one number everywhere.

use super::connections::Values;
use super::failure::Failure;
use super::rows;
use super::writer::Task;
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

static MIGRATIONS: [Migration; 14] = [
    Migration { number: 1, name: "files", sql: include_str!("../../../migrations/postgres/0001_files.sql") },
    Migration { number: 2, name: "uploads", sql: include_str!("../../../migrations/postgres/0002_uploads.sql") },
    Migration { number: 3, name: "upkeep", sql: include_str!("../../../migrations/postgres/0003_upkeep.sql") },
    Migration {
        number: 4,
        name: "inline content",
        sql: include_str!("../../../migrations/postgres/0004_inline_content.sql"),
    },
    Migration {
        number: 5,
        name: "status details",
        sql: include_str!("../../../migrations/postgres/0005_status_details.sql"),
    },
    Migration { number: 6, name: "answers", sql: include_str!("../../../migrations/postgres/0006_answers.sql") },
    Migration {
        number: 7,
        name: "default expiries",
        sql: include_str!("../../../migrations/postgres/0007_default_expiries.sql"),
    },
    Migration { number: 8, name: "keys", sql: include_str!("../../../migrations/postgres/0008_keys.sql") },
    Migration { number: 9, name: "audit log", sql: include_str!("../../../migrations/postgres/0009_audit_log.sql") },
    Migration { number: 10, name: "limits", sql: include_str!("../../../migrations/postgres/0010_limits.sql") },
    Migration { number: 11, name: "ledger", sql: include_str!("../../../migrations/postgres/0011_ledger.sql") },
    Migration {
        number: 12,
        name: "adjustments",
        sql: include_str!("../../../migrations/postgres/0012_adjustments.sql"),
    },
    Migration { number: 13, name: "outbox", sql: include_str!("../../../migrations/postgres/0013_outbox.sql") },
    Migration {
        number: 14,
        name: "blob uploads",
        sql: include_str!("../../../migrations/postgres/0014_blob_uploads.sql"),
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
    /// PostgreSQL refused.
    #[error("the schema cannot be brought up to date")]
    Postgres(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for MigrationError {
    fn from(failure: Failure) -> Self {
        Self::Postgres(Box::new(failure))
    }
}

impl From<tokio_postgres::Error> for MigrationError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::from(error).into()
    }
}

/// A database that is up to date is only read.
pub(super) async fn migrate(client: &mut Client, now_seconds: u64) -> Result<(), MigrationError> {
    let known = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?;
    if known.try_get(0)? && check(client).await? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&Task::Migrate.key()]).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                 number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 BYTEA NOT NULL, applied_at BIGINT NOT NULL
             )",
        )
        .await?;
    let applied = check(transaction.client()).await?;
    for migration in MIGRATIONS.iter().skip(applied) {
        transaction.batch_execute(migration.sql).await?;
        let (number, digest) = (i64::from(migration.number), migration.sha256());
        let insert = "INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)";
        let values: Values<'_> = &[&number, &migration.name, &digest.as_slice(), &rows::stored(now_seconds)];
        transaction.execute(insert, values).await?;
    }
    Ok(transaction.commit().await?)
}

/// How many of the migrations are applied, each in the form in which this program has it.
async fn check(client: &Client) -> Result<usize, MigrationError> {
    let rows = client.query("SELECT number, sha256 FROM schema_migrations ORDER BY number", &[]).await?;
    let applied = rows.iter().map(|row| {
        let number = u32::try_from(rows::number(row, 0)?).unwrap_or(u32::MAX);
        Ok((number, row.try_get::<_, Vec<u8>>(1)?))
    });
    let applied: Vec<(u32, Vec<u8>)> = applied.collect::<Result<_, Failure>>()?;
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
