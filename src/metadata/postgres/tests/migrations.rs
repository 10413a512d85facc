//! Migrations of a database that others use meanwhile.

use super::super::migrate::apply;
use super::*;
use crate::metadata::migrations::Migration;
use tokio_postgres::NoTls;

const TABLE: Migration = Migration { number: 1, name: "table", sql: "CREATE TABLE t (x BIGINT)" };
const INDEX: Migration = Migration {
    number: 2,
    name: "index",
    sql: "-- Why.\nCREATE UNIQUE INDEX CONCURRENTLY t_by_x ON t (x);\nDROP INDEX CONCURRENTLY IF EXISTS t_old;",
};
const COLUMN: Migration = Migration { number: 2, name: "column", sql: "ALTER TABLE t ADD COLUMN y BIGINT" };

async fn client(database: &Database) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    client
}

fn count(database: &Database, sql: &str) -> usize {
    database.rows(sql).len()
}

/// Waits until a statement has a row.
async fn until_there_is(database: &Database, sql: &str) {
    for _ in 0..500 {
        if count(database, sql) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_built_while_others_write_and_a_build_that_was_cut_off_begins_again() {
    let Some(database) = Database::fresh("indexes that are built concurrently") else { return };
    let mut one = client(&database).await;
    apply(&mut one, &[TABLE], 0).await.unwrap();
    database.run("INSERT INTO t VALUES (1), (1); CREATE INDEX t_old ON t (x)");
    // What a build leaves that was cut off: an index that is not valid.
    apply(&mut one, &[TABLE, INDEX], 0).await.unwrap_err();
    let invalid = "SELECT 1 FROM pg_index WHERE indexrelid = 't_by_x'::regclass AND NOT indisvalid";
    assert_eq!(count(&database, invalid), 1);
    database.run("DELETE FROM t; INSERT INTO t SELECT * FROM generate_series(1, 1000)");
    let writer = client(&database).await;
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (-1)").await.unwrap();
    let (url, building) = (
        database.url.clone(),
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()
        AND wait_event IS NOT NULL AND state = 'active' AND datname = current_database()",
    );
    let migrating = tokio::spawn(async move {
        let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        drop(tokio::spawn(connection));
        apply(&mut client, &[TABLE, INDEX], 0).await
    });
    until_there_is(&database, building).await;
    let mut waiting = client(&database).await;
    let second = tokio::spawn(async move { apply(&mut waiting, &[TABLE, INDEX], 0).await });
    writer.batch_execute("SET statement_timeout = 1000; INSERT INTO t VALUES (-2)").await.unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    writer.batch_execute("INSERT INTO t VALUES (-3); COMMIT").await.unwrap();
    migrating.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(count(&database, invalid), 0);
    assert_eq!(count(&database, "SELECT 1 FROM pg_class WHERE relname = 't_old'"), 0);
    assert_eq!(count(&database, "SELECT 1 FROM schema_migrations"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_waits_shortly_for_a_table_and_tries_again() {
    let Some(database) = Database::fresh("migrations of tables that are locked") else { return };
    let mut one = client(&database).await;
    apply(&mut one, &[TABLE], 0).await.unwrap();
    let reader = client(&database).await;
    reader.batch_execute("BEGIN; SELECT * FROM t").await.unwrap();
    let migrating = tokio::spawn(async move { apply(&mut one, &[TABLE, COLUMN], 0).await });
    let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until_there_is(&database, waiting).await;
    // Whoever comes later waits behind it, and no longer than it does.
    let other = client(&database).await;
    other.batch_execute("SET statement_timeout = 3500; INSERT INTO t VALUES (1)").await.unwrap();
    reader.batch_execute("COMMIT").await.unwrap();
    migrating.await.unwrap().unwrap();
    database.run("SELECT y FROM t");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_drivers_have_the_same_schema() {
    let Some(database) = Database::fresh("the schemas of both drivers") else { return };
    let clock = Clock::system();
    drop(open(&database, &clock).await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    crate::metadata::sqlite::Import::create(&path, 0).unwrap().finish().unwrap();
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    let ours = "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
                WHERE m.type = 'table' ORDER BY 1";
    let mut select = sqlite.prepare(ours).unwrap();
    let ours: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let theirs = "SELECT table_name || '.' || column_name COLLATE \"C\" FROM information_schema.columns
                  WHERE table_schema = 'public' ORDER BY 1";
    let theirs: Vec<String> = database.rows(theirs).into_iter().map(|row| row[0].clone().unwrap()).collect();
    let only_there = [
        "audit_log.seq",
        "database_uptime.only",
        "database_uptime.seen_ms",
        "database_uptime.since_ms",
        "ledger.arrival",
        "outbox.claimed_by",
        "processes.id",
        "processes.lease_until_ms",
        "scrubber.only",
        "scrubber.process_id",
        "workspaces.last_file_id",
    ];
    let shared: Vec<String> = theirs.into_iter().filter(|name| !only_there.contains(&name.as_str())).collect();
    assert_eq!(shared, ours);
    let numbers = "SELECT number || ' ' || name FROM schema_migrations ORDER BY number";
    let mut select = sqlite.prepare(numbers).unwrap();
    let ours: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let theirs: Vec<String> = database.rows(numbers).into_iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!(theirs, ours, "each migration has the same number in both");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_newer_or_another_is_refused() {
    let Some(database) = Database::fresh("schemas that are refused") else { return };
    drop(open(&database, &Clock::system()).await);
    database.run("INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', '\\x00', 0)");
    let error = PostgresStore::open(&database.url, Clock::system(), TIME_LIMIT).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Newer { found: 9999, .. }))),
        "{error}"
    );
    database.run("DELETE FROM schema_migrations WHERE number = 9999");
    database.run("UPDATE schema_migrations SET sha256 = '\\x00' WHERE number = 1");
    let error = PostgresStore::open(&database.url, Clock::system(), TIME_LIMIT).await.unwrap_err();
    assert!(matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Changed(1)))), "{error}");
}
