//! Schema migrations: embedded, numbered SQL files, each applied once, in order, by one server at a time. The SQLite
//! store has the same numbers.
//!
//! A file is one transaction. A file with `CONCURRENTLY` in it holds only [index changes](super::index_change), which
//! run outside of a transaction while other servers write. The next start finishes an interrupted one.

use super::connections::Values;
use super::failure::Failure;
use super::open_error::MigrationError;
use super::task::Task;
use super::{index_change, rows};
use crate::metadata::migrations::{Migration, Outdated, POSTGRES as MIGRATIONS, SchemaError, count_applied};
use std::time::Duration;
use tokio::time::sleep;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// Settings of the migrating session. Statements have no timeout. Lock waits are short, because requests queue up
/// behind a waiting lock. A backend whose client is gone ends.
const SESSION: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 2000;
    SET client_connection_check_interval = 1000";
/// Attempts to get the table locks of one migration.
const MAX_LOCK_TRIES: u32 = 60;
/// The pause before the next attempt to get a lock.
const LOCK_PAUSE: Duration = Duration::from_secs(1);
/// The pause before the next check whether another server has finished its migration.
const TURN_PAUSE: Duration = Duration::from_millis(100);

/// Applies the missing migrations. A current database is only read; an empty one gets the whole schema.
///
/// # Errors
/// Fails when the schema is not one of this program, may not be migrated, or PostgreSQL refuses a statement.
pub(super) async fn migrate(client: &mut Client, outdated: Outdated, now_seconds: u64) -> Result<(), MigrationError> {
    if has_schema(client).await? {
        outdated.allow(check(client, MIGRATIONS).await?, MIGRATIONS)?;
    } else if outdated == Outdated::Refuse {
        return Err(SchemaError::Missing.into());
    }
    apply(client, MIGRATIONS, now_seconds).await
}

/// Applies these migrations. One server at a time does so; the others poll for the lock. They do not wait in the
/// database: a waiting statement keeps a snapshot, and a concurrent index build waits for all snapshots.
pub(super) async fn apply(
    client: &mut Client,
    migrations: &[Migration],
    now_seconds: u64,
) -> Result<(), MigrationError> {
    if has_schema(client).await? && check(client, migrations).await? == migrations.len() {
        return Ok(());
    }
    client.batch_execute(SESSION).await?;
    let mut told = false;
    while !take_turn(client).await? {
        if !std::mem::replace(&mut told, true) {
            tracing::info!("migration waits for another server");
        }
        sleep(TURN_PAUSE).await;
    }
    let applied = apply_missing(client, migrations, now_seconds).await;
    let ended = client.batch_execute("SELECT pg_advisory_unlock_all(); RESET ALL").await;
    applied?;
    Ok(ended?)
}

pub(super) async fn has_schema(client: &Client) -> Result<bool, MigrationError> {
    let known = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?;
    Ok(known.try_get(0)?)
}

async fn take_turn(client: &Client) -> Result<bool, MigrationError> {
    Ok(client.query_one("SELECT pg_try_advisory_lock($1)", &[&Task::Migrate.key()]).await?.try_get(0)?)
}

async fn apply_missing(client: &mut Client, migrations: &[Migration], now_seconds: u64) -> Result<(), MigrationError> {
    if !has_schema(client).await? {
        return create(client, migrations, now_seconds).await;
    }
    let applied = check(client, migrations).await?;
    for migration in migrations.iter().skip(applied) {
        tracing::info!(number = migration.number, name = migration.name, "migration started");
        if index_change::is_concurrent(migration.sql) {
            for change in index_change::parse(migration.sql)? {
                change.run(client).await?;
            }
            note(client, migration, now_seconds).await?;
        } else {
            apply_in_transaction(client, migration, now_seconds).await?;
        }
    }
    Ok(())
}

/// Creates the whole schema in one transaction: new tables have no writers yet.
async fn create(client: &mut Client, migrations: &[Migration], now_seconds: u64) -> Result<(), MigrationError> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "CREATE TABLE schema_migrations (
                 number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 BYTEA NOT NULL, applied_at BIGINT NOT NULL
             )",
        )
        .await?;
    for migration in migrations {
        if index_change::is_concurrent(migration.sql) {
            for change in index_change::parse(migration.sql)? {
                transaction.batch_execute(&change.in_transaction()).await?;
            }
        } else {
            transaction.batch_execute(migration.sql).await?;
        }
        note(transaction.client(), migration, now_seconds).await?;
    }
    Ok(transaction.commit().await?)
}

/// Applies one migration, and retries while its tables are locked for longer than the lock timeout.
async fn apply_in_transaction(
    client: &mut Client,
    migration: &Migration,
    now_seconds: u64,
) -> Result<(), MigrationError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let transaction = client.transaction().await?;
        match transaction.batch_execute(migration.sql).await {
            Ok(()) => {
                note(transaction.client(), migration, now_seconds).await?;
                return Ok(transaction.commit().await?);
            }
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) && tries < MAX_LOCK_TRIES => {
                transaction.rollback().await?;
                tracing::warn!(number = migration.number, tries, "migration retried, table locked");
                sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn note(client: &Client, migration: &Migration, now_seconds: u64) -> Result<(), MigrationError> {
    let (number, digest) = (i64::from(migration.number), migration.sha256());
    let insert = "INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)";
    let values: Values<'_> = &[&number, &migration.name, &digest.as_slice(), &rows::stored(now_seconds)];
    client.execute(insert, values).await?;
    Ok(())
}

/// Returns the number of applied migrations. Fails if one was applied with other SQL than this program has.
pub(super) async fn check(client: &Client, migrations: &[Migration]) -> Result<usize, MigrationError> {
    let rows = client.query("SELECT number, sha256 FROM schema_migrations ORDER BY number", &[]).await?;
    let applied = rows.iter().map(|row| {
        let number = u32::try_from(rows::number(row, 0)?).unwrap_or(u32::MAX);
        Ok((number, row.try_get::<_, Vec<u8>>(1)?))
    });
    let applied: Vec<(u32, Vec<u8>)> = applied.collect::<Result<_, Failure>>()?;
    Ok(count_applied(&applied, migrations)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The last migration that was written before indexes were built concurrently.
    const LAST_PLAIN: u32 = 15;

    /// The words that follow these.
    fn following<'a>(words: &[&'a str], before: &[&'a str]) -> HashSet<&'a str> {
        let windows = words.windows(before.len() + 1);
        windows.filter_map(|window| window.strip_prefix(before)?.first().copied()).collect()
    }

    #[test]
    fn indexes_of_tables_that_may_be_large_are_built_concurrently() {
        for migration in MIGRATIONS.iter().filter(|migration| migration.number > LAST_PLAIN) {
            if index_change::is_concurrent(migration.sql) {
                assert!(index_change::parse(migration.sql).is_ok(), "{}: only index changes", migration.name);
                continue;
            }
            let sql = index_change::without_comments(migration.sql).replace(['(', ';'], " ");
            let words: Vec<&str> = sql.split_whitespace().collect();
            let made = following(&words, &["CREATE", "TABLE"]);
            let plain = following(&words, &["CREATE", "INDEX"]);
            for index in plain.into_iter().chain(following(&words, &["CREATE", "UNIQUE", "INDEX"])) {
                let on = following(&words, &[index, "ON"]);
                assert!(on.is_subset(&made), "{}: {index} is to be built CONCURRENTLY", migration.name);
            }
        }
    }
}
