//! Brings the schema up to date: embedded, numbered SQL files, each applied once, in order, in one transaction, by one
//! server at a time. Their numbers are those of the SQLite store's, so that a schema has one number everywhere.

use super::connections::Values;
use super::failure::Failure;
use super::rows;
use super::writer::Task;
use crate::metadata::migrations::{Migration, SchemaError, count_applied, migrations};
use tokio_postgres::Client;

static MIGRATIONS: &[Migration] = migrations!("postgres");

/// Why a schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// It is not one that this program can use.
    #[error(transparent)]
    Schema(#[from] SchemaError),
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
    Ok(count_applied(&applied, MIGRATIONS)?)
}
