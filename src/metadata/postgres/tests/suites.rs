//! The contract suites on this driver.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds() {
    let Some(database) = Database::fresh("the contract of metadata stores") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    contract::holds(&store, &clock).await;
    contract::concurrent_changes_get_their_own_answers(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_is_never_less_than_nothing() {
    let Some(database) = Database::fresh("totals of workspaces") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let lower = async |workspace: WorkspaceId| {
        database.run(&format!("UPDATE workspaces SET stored_bytes = 0, stored_files = 0 WHERE id = '{workspace}'"));
    };
    contract::a_total_is_never_less_than_nothing(&store, &clock, lower).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_the_export_holds() {
    let Some(database) = Database::fresh("the contract of the export") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    contract::export::holds(&open(&database, &clock).await, &clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_what_happened_in_random_schedules() {
    let Some(database) = Database::fresh("the contract of the ledger") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let seed = u64::from_le_bytes(crate::random::bytes());
    contract::ledger::usage_is_what_happened(&store, &clock, contract::ledger::schedules(), seed).await;
    contract::ledger::reads_are_entered_once(&store, &clock).await;
    contract::ledger::corrections_are_entered_once(&store).await;
    contract::ledger::rows_have_the_dialect_of_their_request(&store, &clock).await;
    contract::read_merges::old_reads_are_merged(&store, &clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_the_same_installation_in_sqlite() {
    use crate::metadata::sqlite::{Opener, SqliteStore};
    let Some(database) = Database::fresh("snapshots of PostgreSQL") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    contract::holds(&store, &clock).await;
    contract::ledger::corrections_are_entered_once(&store).await;
    store.roll_up_usage(7).await.unwrap();
    let caller = contract::tenant(&store, "copied").await;
    let size = 100_000;
    let file = contract::small_file(size, Purpose::Vision, None);
    let IdempotentOutcome::Made(Some(file)) = store.create_file(caller, file, None).await.unwrap() else {
        panic!("it is made")
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    store.snapshot(&path).await.unwrap();
    assert!(store.snapshot(&path).await.is_err(), "what is there is not written over");
    let copy = SqliteStore::open(&path, clock.clone(), Opener::Command).unwrap();
    let both: [&dyn MetadataStore; 2] = [&store, &copy];
    let mut seen = Vec::new();
    for store in both {
        assert!(store.find_misfits().await.unwrap().is_empty());
        let content = store.find_content(caller.workspace, file.id).await.unwrap().unwrap();
        let workspaces = store.list_workspaces(None, 1000, true).await.unwrap().rows;
        let mut files = Vec::new();
        for workspace in &workspaces {
            let query = FileQuery { purpose: None, limit: 1000, order: Order::Ascending, after: None };
            files.push(store.list_files(workspace.id, query).await.unwrap().rows);
        }
        let ledger = store.ledger(None, 0, 10_000).await.unwrap().rows;
        assert!(ledger.len() > 7 && workspaces.len() > 10, "there is something to compare");
        let audit = store.audit_log(AuditQuery { limit: 1000, ..AuditQuery::default() }).await.unwrap().rows;
        seen.push(format!(
            "{workspaces:?} {files:?} {ledger:?} {audit:?} {:?} {:?} {:?} {:?}",
            store.list_keys().await.unwrap(),
            store.ready_blobs(None, 1000).await.unwrap(),
            store.storage_usage(caller.workspace).await.unwrap(),
            content.blobs
        ));
    }
    assert!(seen[0] == seen[1], "{}\n\n{}", seen[0], seen[1]);
}
