//! The contracts of metadata stores, and what holds for SQLite alone.

use super::connection::OpenError;
use super::migrate::MigrationError;
use super::store::{Opener, SqliteStore};
use crate::clock::Clock;
use crate::metadata::contract;
use crate::metadata::files::FileStore;
use crate::metadata::migrations::SchemaError;
use crate::metadata::workspaces::WorkspaceStore;
use crate::model::ids::WorkspaceId;
use rusqlite::Connection;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::set_to(contract::NOW_MS);
    let store = SqliteStore::open(&folder.path().join("venna.db"), clock.clone(), Opener::Server).unwrap();
    contract::holds(&store, &clock).await;
    contract::concurrent_changes_get_their_own_answers(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_the_export_holds() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::set_to(contract::NOW_MS);
    let store = SqliteStore::open(&folder.path().join("venna.db"), clock.clone(), Opener::Server).unwrap();
    contract::export::holds(&store, &clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_what_happened_in_random_schedules() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::set_to(contract::NOW_MS);
    let store = SqliteStore::open(&folder.path().join("venna.db"), clock.clone(), Opener::Server).unwrap();
    let seed = u64::from_le_bytes(crate::random::bytes());
    contract::ledger::usage_is_what_happened(&store, &clock, contract::ledger::schedules(), seed).await;
    contract::ledger::reads_are_entered_once(&store, &clock).await;
    contract::ledger::corrections_are_entered_once(&store).await;
    contract::ledger::rows_have_the_dialect_of_their_request(&store, &clock).await;
    contract::read_merges::old_reads_are_merged(&store, &clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_go_on_after_a_restart_with_the_clock_set_back_and_the_files_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    let before = SqliteStore::open(&path, Clock::set_to(contract::NOW_MS), Opener::Server).unwrap();
    let caller = contract::tenant(&before, "ids").await;
    let first = contract::file(&before, caller, 1).await;
    assert!(before.delete_file(caller, first.id).await.unwrap());
    drop(before);
    let after = SqliteStore::open(&path, Clock::set_to(contract::NOW_MS - 3_600_000), Opener::Server).unwrap();
    assert!(contract::file(&after, caller, 2).await.id > first.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_up_to_date_is_opened_beside_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
    let busy = Connection::open(&path).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let beside = SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap();
    assert!(beside.list_workspaces(None, 10, true).await.unwrap().rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_another_form_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE schema_migrations SET sha256 = zeroblob(32) WHERE number = 1", []).unwrap();
    let error = SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap_err();
    assert!(matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Changed(1)))), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_newer_than_the_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute("INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', x'00', 0)", []).unwrap();
    let error = SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap_err();
    assert!(matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Newer { .. }))), "{error}");
}

/// SQLite makes a temporary table of a list in a CHECK for each insert.
#[tokio::test(flavor = "multi_thread")]
async fn checks_hold_without_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venna.db");
    drop(SqliteStore::open(&path, Clock::system(), Opener::Server).unwrap());
    let connection = Connection::open(&path).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    let lists = "SELECT coalesce(group_concat(name), '') FROM sqlite_schema WHERE sql LIKE '%CHECK (% IN (%'";
    assert_eq!((text(lists).as_str(), text("PRAGMA integrity_check").as_str()), ("", "ok"));
    let ledger = "INSERT INTO ledger (event_id, ts, fact, workspace_id, bytes, count) VALUES (?1, 0, ?1, 'w', 0, 0)";
    let facts = ["opening", "create", "complete", "end", "list", "retrieve", "content", "adjustment"];
    let uploads = "INSERT INTO uploads (workspace_id, id, size_bytes, filename, purpose, expires_at, status)
                   VALUES ('w', ?1, 0, 'f', 'p', 0, ?1)";
    let statuses = ["pending", "completed", "cancelled", "expired"];
    let blobs = "INSERT INTO blobs (id, state, workspace_id, process_id) VALUES (?1, ?1, 'w', 'p')";
    let states = ["pending", "ready", "deleting"];
    for (sql, values) in [(ledger, &facts[..]), (uploads, &statuses[..]), (blobs, &states[..])] {
        for value in values {
            assert_eq!(connection.execute(sql, [value]), Ok(1), "{value}");
        }
        let refused = connection.execute(sql, ["made up"]).unwrap_err().to_string();
        assert!(refused.contains("CHECK constraint failed"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_is_never_less_than_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, clock) = (folder.path().join("venna.db"), Clock::set_to(contract::NOW_MS));
    let store = SqliteStore::open(&path, clock.clone(), Opener::Server).unwrap();
    let lower = async |workspace: WorkspaceId| {
        let sql = "UPDATE workspaces SET stored_bytes = 0, stored_files = 0 WHERE id = ?1";
        assert_eq!(Connection::open(&path).unwrap().execute(sql, [workspace.to_string()]).unwrap(), 1);
    };
    contract::a_total_is_never_less_than_nothing(&store, &clock, lower).await;
}
