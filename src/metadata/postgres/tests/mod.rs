//! Tests beyond the contract: faults, several servers, and costs.

mod isolation;
mod migrations;
mod poolers;
mod servers;

use super::connections::Connections;
use super::endpoint::Endpoint;
use super::open_error::{MigrationError, OpenError};
use super::session_setup::CommitMode;
use super::store::PostgresStore;
use super::{export, ledger, writer};
use crate::clock::Clock;
use crate::metadata::migrations::SchemaError;
use crate::metadata::*;
use crate::model::api_key::KeyDigest;
use crate::model::audit::AuditQuery;
use crate::model::blob::ContentLocation;
use crate::model::caller::{Caller, Refused};
use crate::model::export::{ExportBounds, ExportProgress};
use crate::model::file::{File, NewFile};
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome, RequestDigest, WriteAnswer};
use crate::model::ids::{BlobId, FileId, ProcessId, WorkspaceId};
use crate::model::limits::{Limit, LimitOwner, QuotaExceeded};
use crate::model::outbox::{NewMessage, SinkName};
use crate::model::page::{FileQuery, Order};
use crate::model::purpose::Purpose;
use crate::model::upload::{NewPart, Upload};
use crate::model::usage::{Dimensions, Group, SlotWidth, UsageByGroup, UsageQuery};
use futures_util::future::join_all;
use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_postgres::Client;
use venna_testkit::pgbouncer::PgBouncer;
use venna_testkit::postgres::{Database, Postgres};
use venna_testkit::postgres_proxy::{Fault, Proxy};

async fn open(database: &Database, clock: &Clock) -> PostgresStore {
    PostgresStore::open(&database.url, clock.clone()).await.unwrap()
}

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
    contract::ledger::usage_is_what_happened(&store, &clock, SCHEDULES, seed).await;
    contract::ledger::reads_are_entered_once(&store, &clock).await;
    contract::ledger::corrections_are_entered_once(&store).await;
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
    let error = PostgresStore::open(&database.url, Clock::system()).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Newer { found: 9999, .. }))),
        "{error}"
    );
    database.run("DELETE FROM schema_migrations WHERE number = 9999");
    database.run("UPDATE schema_migrations SET sha256 = '\\x00' WHERE number = 1");
    let error = PostgresStore::open(&database.url, Clock::system()).await.unwrap_err();
    assert!(matches!(error, OpenError::Migration(MigrationError::Schema(SchemaError::Changed(1)))), "{error}");
}

/// Each is a workspace of its own, whose commits nobody shares.
const SCHEDULES: usize = 500;

/// As long as anything may take when the database does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

fn once(key: &str) -> Idempotency<File> {
    let (key, request) = (IdempotencyKey::parse(key).unwrap(), RequestDigest::of("POST", "/v1/files"));
    Idempotency { key, request, answer: WriteAnswer::new(|file: &File| file.id.to_string().into()) }
}

async fn file_ids(store: &PostgresStore, caller: Caller) -> Vec<FileId> {
    let query = FileQuery { purpose: None, limit: 10_000, order: Order::Ascending, after: None };
    store.list_files(caller.workspace, query).await.unwrap().rows.iter().map(|file| file.id).collect()
}

async fn make(store: &PostgresStore, caller: Caller) -> Result<FileId, MetadataError> {
    let made = store.create_file(caller, contract::small_file(5, Purpose::UserData, None), None).await?;
    let IdempotentOutcome::Made(Some(file)) = made else { panic!("nothing keeps it from being made") };
    Ok(file.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_transaction_is_never_skipped() {
    let Some(database) = Database::fresh("slow transactions and the ledger") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "slow").await;
    let (slow, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    let row = "BEGIN; INSERT INTO ledger (event_id, ts, fact, workspace_id, bytes, count)
               VALUES ('rd:slow:0', 1795374000, 'list', 'WORKSPACE', 0, 1)";
    slow.batch_execute(&row.replace("WORKSPACE", &caller.workspace.to_string())).await.unwrap();
    for _ in 0..3 {
        make(&store, caller).await.unwrap();
    }
    let ledger = async |after| store.ledger(Some(caller.workspace), after, 100).await.unwrap().rows;
    let class_a = async || {
        let hour = contract::NOW_MS / 1000 / 3600 * 3600;
        let (start, end, by) = (hour, hour + 3600, Dimensions::default());
        let workspaces = Some(vec![caller.workspace]);
        let query = UsageQuery { start, end, width: SlotWidth::Hour, workspaces, keys: None, by };
        store.usage(query).await.unwrap()[&Group::default()].slots[&hour].ops_class_a
    };
    let read = ledger(0).await;
    assert_eq!(read.len(), 3);
    assert_eq!(store.roll_up_usage(100).await.unwrap(), 3);
    assert_eq!(class_a().await, 3);
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(class_a().await, 4, "it is billed before it has its number");
    let late = ledger(read.last().unwrap().seq).await;
    assert_eq!(late.iter().map(|row| row.event_id.as_str()).collect::<Vec<_>>(), ["rd:slow:0"]);
    assert_eq!(store.roll_up_usage(100).await.unwrap(), 1);
    assert_eq!(class_a().await, 4);
    assert!(store.find_misfits().await.unwrap().iter().all(|finding| finding.name() != "wrong_rollup"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_read_the_ledger_at_once_see_each_row_once_and_in_one_order() {
    let Some(database) = Database::fresh("readers of the ledger") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let callers = join_all((0..4).map(|number| {
        let store = &stores[0];
        async move { contract::tenant(store, &format!("reader {number}")).await }
    }))
    .await;
    let writers = join_all(callers.iter().zip([0, 1, 0, 1]).map(|(caller, at)| {
        let store = &stores[at];
        async move {
            for _ in 0..50 {
                make(store, *caller).await.unwrap();
            }
        }
    }));
    let reader = async |store: &PostgresStore| {
        let (mut seen, mut after) = (Vec::new(), 0);
        while seen.len() < 200 {
            let rows = store.ledger(None, after, 7).await.unwrap().rows;
            after = rows.last().map_or(after, |row| row.seq);
            seen.extend(rows.into_iter().map(|row| row.event_id));
        }
        seen
    };
    let (_, first, second) = tokio::join!(writers, reader(&stores[0]), reader(&stores[1]));
    assert!(first.len() == 200 && first == second, "{} and {}", first.len(), second.len());
}

/// On one thread, so that what does not wait for an answer is sent before it comes.
#[tokio::test]
async fn requests_take_few_round_trips() {
    let Some(database) = Database::fresh("round trips") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let caller = contract::tenant(&store, "trips").await;
    let small = || contract::small_file(5, Purpose::UserData, None);
    // Whatever is done for the first time on a connection is prepared first.
    let warm = store.create_file(caller, small(), Some(once("warm"))).await.unwrap();
    let IdempotentOutcome::Made(Some(file)) = warm else { panic!("it is made") };
    let digest = KeyDigest([1; 32]);
    store.find_credential(digest).await.unwrap();
    store.find_file(caller.workspace, file.id).await.unwrap();
    store.find_content(caller.workspace, file.id).await.unwrap();
    store.delete_file(caller, file.id).await.unwrap();
    store.begin_blob(caller.workspace, BlobId::new([8; 16]), ProcessId::new([1; 16])).await.unwrap();
    store
        .list_files(caller.workspace, FileQuery { purpose: None, limit: 1, order: Order::Ascending, after: None })
        .await
        .unwrap();
    proxy.round_trips();
    let mut trips = Vec::new();
    let mut note = |what| trips.push((what, proxy.round_trips()));
    store.create_file(caller, small(), None).await.unwrap();
    note("create");
    let made = store.create_file(caller, small(), Some(once("key"))).await.unwrap();
    note("create with a key");
    let IdempotentOutcome::Made(Some(file)) = made else { panic!("it is made") };
    store.find_credential(digest).await.unwrap();
    note("look up a key");
    store.find_file(caller.workspace, file.id).await.unwrap();
    note("retrieve");
    store.find_content(caller.workspace, file.id).await.unwrap();
    note("content");
    store
        .list_files(caller.workspace, FileQuery { purpose: None, limit: 1, order: Order::Ascending, after: None })
        .await
        .unwrap();
    note("list");
    store.begin_blob(caller.workspace, BlobId::new([9; 16]), ProcessId::new([1; 16])).await.unwrap();
    note("begin a blob");
    store.delete_file(caller, file.id).await.unwrap();
    note("delete");
    let expected = [
        ("create", 2),
        ("create with a key", 2),
        ("look up a key", 1),
        ("retrieve", 1),
        ("content", 1),
        ("list", 1),
        ("begin a blob", 1),
        ("delete", 2),
    ];
    assert_eq!(trips, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_asked_for_at_once_share_commits() {
    let Some(database) = Database::fresh("shared commits") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let caller = contract::tenant(&store, "many").await;
    let commits = proxy.commits();
    let made = join_all((0..150).map(|_| make(&store, caller))).await;
    let mut made: Vec<FileId> = made.into_iter().map(Result::unwrap).collect();
    made.sort_unstable();
    assert_eq!(file_ids(&store, caller).await, made);
    let commits = proxy.commits() - commits;
    assert!((1..=8).contains(&commits), "{commits} commits of 150 Files");
    proxy.inject(Fault::AfterCommit);
    let more = join_all((0..50).map(|_| make(&store, caller))).await;
    assert!(more.iter().all(Result::is_ok) && proxy.is_done(), "what one connection loses is known of all");
    assert_eq!(file_ids(&store, caller).await.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_share_a_commit_have_outcomes_of_their_own() {
    let Some(database) = Database::fresh("outcomes of shared commits") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "mixed").await;
    let revoked = contract::holder(&store, caller.workspace).await;
    store.revoke_key(revoked.key, contract::ORIGIN).await.unwrap();
    let new = || contract::small_file(5, Purpose::UserData, None);
    let all = join_all((0..60).map(|at| match at % 10 {
        3 => store.create_file(revoked, new(), None),
        5 => store.create_file(caller, NewFile { place: ContentLocation::Store(BlobId::new([9; 16])), ..new() }, None),
        7 => store.create_file(caller, new(), Some(once("same"))),
        8 => store.create_file(caller, new(), Some(once(&at.to_string()))),
        _ => store.create_file(caller, new(), None),
    }))
    .await;
    let (mut made, mut replayed) = (0, 0);
    for (at, effect) in all.into_iter().enumerate() {
        match (at % 10, effect.unwrap()) {
            (3, IdempotentOutcome::Refused(Refused::KeyEnded)) | (5, IdempotentOutcome::Made(None)) => {}
            (7, IdempotentOutcome::Replayed(_)) => replayed += 1,
            (0..=2 | 4 | 6..=9, IdempotentOutcome::Made(Some(_))) => made += 1,
            (_, effect) => panic!("the one at {at}: {effect:?}"),
        }
    }
    assert_eq!((made, replayed), (43, 5));
    assert_eq!(file_ids(&store, caller).await.len(), 43);
    assert!(store.find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_database_cannot_take_fails_alone() {
    let Some(database) = Database::fresh("rows that cannot be written") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "broken").await;
    let all = join_all((0..50).map(|at| {
        let new = contract::small_file(5, Purpose::Batch, None);
        // No text of PostgreSQL holds it.
        let status_details = (at % 20 == 7).then(|| "\0".to_owned());
        store.create_file(caller, NewFile { status_details, ..new }, None)
    }))
    .await;
    for (at, effect) in all.into_iter().enumerate() {
        match effect {
            Ok(effect) => assert!(effect.is_made() && at % 20 != 7, "{at}"),
            Err(error) => assert!(matches!(error, MetadataError::Broken(_)) && at % 20 == 7, "{at}: {error}"),
        }
    }
    assert_eq!(file_ids(&store, caller).await.len(), 47);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_takes_nobody_along() {
    let Some(database) = Database::fresh("those who go away") else { return };
    let store = Arc::new(open(&database, &Clock::system()).await);
    let caller = contract::tenant(&*store, "leavers").await;
    for round in 1..=10 {
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { make(&store, caller).await.unwrap() })
            })
            .collect();
        tokio::task::yield_now().await;
        asked.iter().step_by(2).for_each(tokio::task::JoinHandle::abort);
        let answers = timeout(2 * PATIENCE, join_all(asked)).await.expect("nobody waits for those who are gone");
        let answered: Vec<FileId> = answers.into_iter().filter_map(Result::ok).collect();
        assert!(answered.len() >= 10, "round {round}");
        let there = file_ids(&store, caller).await;
        assert!(answered.iter().all(|id| there.contains(id)), "round {round}");
        make(&store, caller).await.unwrap();
    }
    assert!(store.find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let Some(database) = Database::fresh("commits whose answer is lost") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let caller = contract::tenant(&store, "lost").await;
    let mut made = vec![make(&store, caller).await.unwrap()];
    for fault in [Fault::AfterCommit, Fault::BeforeCommit, Fault::AfterCommit] {
        let commits = proxy.commits();
        proxy.inject(fault);
        made.push(make(&store, caller).await.unwrap());
        assert!(proxy.is_done());
        let sent = if fault == Fault::AfterCommit { 1 } else { 2 };
        assert_eq!(proxy.commits() - commits, sent, "{fault:?}: what is committed is not done again, what is not, is");
    }
    assert_eq!(file_ids(&store, caller).await, made, "each is there once");
    proxy.inject(Fault::AfterCommit);
    assert!(store.delete_file(caller, made[0]).await.unwrap());
    proxy.inject(Fault::AfterCommit);
    assert!(store.revoke_key(caller.key, contract::ORIGIN).await.unwrap().is_some());
    assert_eq!(file_ids(&store, caller).await, made[1..]);
    assert!(store.find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_keeps_nobody_waiting() {
    let Some(database) = Database::fresh("databases that do not answer") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let caller = contract::tenant(&store, "silence").await;
    let file = make(&store, caller).await.unwrap();
    for outage in [Proxy::be_silent, Proxy::refuse] {
        outage(&proxy, true);
        let asked = Instant::now();
        let hour = UsageQuery {
            start: 0,
            end: 3600,
            width: SlotWidth::Hour,
            workspaces: None,
            keys: None,
            by: Dimensions::default(),
        };
        let (found, created, usage) =
            tokio::join!(store.find_file(caller.workspace, file), make(&store, caller), store.usage(hour));
        assert!(matches!(found.unwrap_err(), MetadataError::Unavailable(_)));
        assert!(matches!(created.unwrap_err(), MetadataError::Unavailable(_)));
        assert!(matches!(usage.unwrap_err(), MetadataError::Unavailable(_)));
        assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
        outage(&proxy, false);
        let back = Instant::now();
        while store.find_file(caller.workspace, file).await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(2), "it is used again as soon as it is back");
        }
        make(&store, caller).await.unwrap();
        assert!(back.elapsed() < Duration::from_secs(2), "{:?}", back.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_transaction_is_not_kept_longer() {
    let Some(database) = Database::fresh("waiting behind a silent database") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let caller = contract::tenant(&store, "queue").await;
    make(&store, caller).await.unwrap();
    proxy.be_silent(true);
    let late = |wave_ms: u64| {
        let store = &store;
        async move {
            tokio::time::sleep(Duration::from_millis(wave_ms)).await;
            let asked = Instant::now();
            assert!(matches!(make(store, caller).await.unwrap_err(), MetadataError::Unavailable(_)));
            assert!(asked.elapsed() < PATIENCE, "asked at {wave_ms} ms: {:?}", asked.elapsed());
        }
    };
    join_all([0, 10, 700, 1500, 2500, 3500, 4400].map(late)).await;
    proxy.be_silent(false);
    make(&store, caller).await.unwrap();
    assert_eq!(file_ids(&store, caller).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_counts_against_a_quota_what_is_made_of_it() {
    let Some(database) = Database::fresh("groups at their quota") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "full").await;
    let owner = LimitOwner::Workspace(caller.workspace);
    let blobs: Vec<BlobId> = (0..30).map(|at| BlobId::new([at + 1; 16])).collect();
    for blob in &blobs {
        store.begin_blob(caller.workspace, *blob, ProcessId::new([1; 16])).await.unwrap();
    }
    store.set_limits(owner, vec![(Limit::MaxFiles, Some(10))], contract::ORIGIN, None).await.unwrap().made().unwrap();
    let new =
        |blob| NewFile { place: ContentLocation::Store(blob), ..contract::small_file(5, Purpose::UserData, None) };
    let effects = join_all(blobs.iter().map(|blob| store.create_file(caller, new(*blob), None))).await;
    let full = IdempotentOutcome::Refused(Refused::Quota(QuotaExceeded::Files { limit_files: 10 }));
    let refused: Vec<BlobId> = blobs
        .iter()
        .zip(effects)
        .filter(|(_, effect)| *effect.as_ref().unwrap() == full)
        .map(|(blob, _)| *blob)
        .collect();
    assert_eq!((refused.len(), file_ids(&store, caller).await.len()), (20, 10));
    let mut pending: Vec<BlobId> = store.pending_blobs().await.unwrap().into_iter().map(|row| row.blob).collect();
    pending.sort_unstable();
    assert_eq!(pending, refused, "what was refused is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_key_happens_once_on_all_servers_together() {
    let Some(database) = Database::fresh("idempotency keys on two servers") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let caller = contract::tenant(&stores[0], "twins").await;
    for round in 0..20 {
        let key = format!("round {round}");
        let twins = (0..8).map(|at| {
            let new = contract::small_file(5, Purpose::UserData, None);
            stores[at % 2].create_file(caller, new, Some(once(&key)))
        });
        let effects: Vec<_> = join_all(twins).await.into_iter().map(Result::unwrap).collect();
        let made: Vec<_> = effects
            .iter()
            .filter_map(|effect| if let IdempotentOutcome::Made(made) = effect { made.clone() } else { None })
            .collect();
        assert_eq!(made.len(), 1, "{effects:?}");
        let answer = made[0].id.to_string().into_bytes();
        assert_eq!(effects.iter().filter(|effect| **effect == IdempotentOutcome::Replayed(answer.clone())).count(), 7);
    }
    assert_eq!(file_ids(&stores[1], caller).await.len(), 20);
    let key = IdempotencyKey::parse("upload").unwrap();
    let uploads = (0..16).map(|at| {
        let request = RequestDigest::of("POST", "/v1/uploads");
        let once = Idempotency {
            key: key.clone(),
            request,
            answer: WriteAnswer::new(|upload: &Upload| upload.id.to_string().into()),
        };
        stores[at % 2].create_upload(caller, contract::upload(5), Some(once))
    });
    let made = join_all(uploads).await.into_iter().filter(|effect| effect.as_ref().unwrap().is_made()).count();
    assert_eq!(made, 1, "uploads, which are not made under the lock of the workspace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_holds_for_all_servers_together() {
    let Some(database) = Database::fresh("quotas on two servers") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let caller = contract::tenant(&stores[0], "crowded").await;
    let owner = LimitOwner::Workspace(caller.workspace);
    stores[0].set_limits(owner, vec![(Limit::MaxFiles, Some(10))], contract::ORIGIN, None).await.unwrap();
    for _ in 0..5 {
        let new = || contract::small_file(5, Purpose::UserData, None);
        let all = join_all((0..40).map(|at| stores[at % 2].create_file(caller, new(), None))).await;
        let made = all.iter().filter(|effect| effect.as_ref().unwrap().is_made()).count();
        let full = IdempotentOutcome::Refused(Refused::Quota(QuotaExceeded::Files { limit_files: 10 }));
        let refused = all.iter().filter(|effect| *effect.as_ref().unwrap() == full).count();
        assert_eq!((made, refused), (10, 30));
        let ids = file_ids(&stores[1], caller).await;
        let deletes = ids.iter().flat_map(|id| [(0, *id), (1, *id)]);
        let deleted = join_all(deletes.map(|(at, id)| stores[at].delete_file(caller, id))).await;
        assert_eq!(deleted.into_iter().filter(|deleted| *deleted.as_ref().unwrap()).count(), 10, "each goes once");
    }
    assert!(stores[0].find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_a_workspace_appear_in_order() {
    let Some(database) = Database::fresh("the order of ids") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let caller = contract::tenant(&stores[0], "orderly").await;
    let writers = join_all((0..8).map(|at| {
        let store = &stores[at % 2];
        async move {
            for _ in 0..25 {
                make(store, caller).await.unwrap();
            }
        }
    }));
    let follower = async {
        let (mut seen, mut after) = (0, None);
        while seen < 200 {
            let query = FileQuery { purpose: None, limit: 50, order: Order::Ascending, after };
            let rows = stores[0].list_files(caller.workspace, query).await.unwrap().rows;
            (seen, after) = (seen + rows.len(), rows.last().map(|file| file.id).or(after));
        }
    };
    let (_, followed) = tokio::join!(writers, tokio::time::timeout(Duration::from_secs(30), follower));
    followed.expect("whoever follows the list from its end misses no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_living_process_writes_is_known_to_be_its_own() {
    let Some(database) = Database::fresh("leases of processes") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "leases").await;
    let (process, blob) = (ProcessId::new([5; 16]), BlobId::new([5; 16]));
    store.renew_process(process).await.unwrap();
    store.begin_blob(caller.workspace, blob, process).await.unwrap();
    let pending = |lives| vec![PendingBlob { blob, process, lives }];
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000 - 1);
    assert_eq!(store.pending_blobs().await.unwrap(), pending(true));
    renew_for(&store, &clock, LEASE_SECONDS).await;
    assert_eq!(store.pending_blobs().await.unwrap(), pending(false));
    store.renew_process(process).await.unwrap();
    assert_eq!(store.pending_blobs().await.unwrap(), pending(true));
    renew_for(&store, &clock, 3 * LEASE_SECONDS).await;
    assert_eq!(database.rows("SELECT id FROM processes").len(), 1, "long dead ones are forgotten");
}

/// Another process renews its lease for so many seconds.
async fn renew_for(store: &PostgresStore, clock: &Clock, seconds: u64) {
    for _ in 0..=seconds / 5 {
        store.renew_process(ProcessId::new([6; 16])).await.unwrap();
        clock.set(clock.now_ms() + 5000);
    }
    store.renew_process(ProcessId::new([6; 16])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ran_out_while_the_database_was_away_is_not_over_at_once() {
    let Some(database) = Database::fresh("leases after an outage") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "outage").await;
    let (process, blob) = (ProcessId::new([5; 16]), BlobId::new([5; 16]));
    renew_for(&store, &clock, 60).await;
    store.renew_process(process).await.unwrap();
    store.begin_blob(caller.workspace, blob, process).await.unwrap();
    clock.set(clock.now_ms() + 10 * LEASE_SECONDS * 1000);
    let lives = async || store.pending_blobs().await.unwrap()[0].lives;
    assert!(lives().await, "nobody has renewed a lease since");
    renew_for(&store, &clock, LEASE_SECONDS - 10).await;
    assert!(lives().await, "its server had no full lease time to renew it");
    renew_for(&store, &clock, 10).await;
    assert!(!lives().await);
    store.renew_process(process).await.unwrap();
    assert!(lives().await, "its row was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_sent_by_one_process_that_lives() {
    let Some(database) = Database::fresh("claims of messages") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let stores = [open(&database, &clock).await, open(&database, &clock).await];
    let processes = [ProcessId::new([1; 16]), ProcessId::new([2; 16])];
    let lives = async |at: usize| stores[at].renew_process(processes[at]).await.unwrap();
    let next = async |at: usize| {
        let message = stores[at].next_message(SinkName::Alerts, processes[at]).await.unwrap();
        message.map(|message| (message.id, message.seq))
    };
    lives(0).await;
    lives(1).await;
    for id in ["a", "b", "c"] {
        let new = NewMessage { id: id.into(), sink: SinkName::Alerts, content_type: "text/plain", body: id.into() };
        assert!(stores[0].add_message(new).await.unwrap());
    }
    for _ in 0..20 {
        let (first, second) = tokio::join!(next(0), next(1));
        let owners = [&first, &second].map(|claimed| claimed.as_ref().map(|(id, _)| id.as_str()));
        assert!(owners == [Some("a"), None] || owners == [None, Some("a")], "{owners:?}");
    }
    let owner = usize::from(next(0).await.is_none());
    let (_, seq) = next(owner).await.unwrap();
    stores[owner].acknowledge_message(seq).await.unwrap();
    assert_eq!(next(1 - owner).await.unwrap().0, "b", "the next one is anybody's");
    assert_eq!(next(owner).await, None);
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000 - 1);
    lives(owner).await;
    assert_eq!(next(owner).await, None);
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000);
    assert_eq!(next(owner).await.unwrap().0, "b", "what a dead one has claimed");
    assert_eq!(next(1 - owner).await, None, "and it has lost that, should it only have slept");
    let (_, seq) = next(owner).await.unwrap();
    stores[1 - owner].release_message(seq, processes[1 - owner]).await.unwrap();
    assert_eq!(next(1 - owner).await, None, "nobody gives back what another has");
    stores[owner].release_message(seq, processes[owner]).await.unwrap();
    lives(1 - owner).await;
    assert_eq!(next(1 - owner).await.unwrap().0, "b", "what could not be sent");
    assert_eq!(next(owner).await, None);
    stores[1 - owner].end_process(processes[1 - owner]).await.unwrap();
    assert_eq!(next(owner).await.unwrap().0, "b", "who has ended needs not be waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_lose_what_it_acknowledged_is_refused() {
    for setting in ["fsync", "full_page_writes"] {
        let off = format!("{setting} = off");
        let Some(server) = Postgres::start(&[&off], "servers that are not durable") else { return };
        let error = PostgresStore::open(&server.url, Clock::system()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the database would not be durable: {setting} is off"));
    }
    let Some(database) = Database::fresh("databases that are not durable") else { return };
    let name = database.url.rsplit('/').next().unwrap();
    database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let error = PostgresStore::open(&database.url, Clock::system()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotDurable(_)), "{error}");
    database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = local"));
    let store = open(&database, &Clock::system()).await;
    let session = store.connections.snapshot_session().await.unwrap();
    let set = session.row("SELECT current_setting('synchronous_commit')", &[]).await.unwrap().unwrap();
    assert_eq!(set.try_get::<_, String>(0).unwrap(), "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_looked_at_as_far_as_the_url_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let script = "set -e; cd $0
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        echo subjectAltName=DNS:localhost >names
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem
        chmod 755 .; chmod 600 server.key; [ $(id -u) != 0 ] || chown postgres server.key";
    let made = Command::new("bash").args(["-c", script]).arg(folder.path()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("SKIPPED: certificates of databases: there is no openssl on this machine");
        return;
    }
    let settings = [
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{}'", path("server.pem")),
        format!("ssl_key_file = '{}'", path("server.key")),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let Some(server) = Postgres::start(&settings, "certificates of databases") else { return };
    let named = server.url.replace("127.0.0.1", "localhost");
    let root = format!("sslrootcert={}", path("ca.pem"));
    for (url, encrypted) in [
        (format!("{}?sslmode=disable", server.url), Some(false)),
        (server.url.clone(), Some(true)),
        (format!("{}?sslmode=require", server.url), Some(true)),
        (format!("{}?sslmode=verify-ca&{root}", server.url), Some(true)),
        (format!("{named}?sslmode=verify-full&{root}"), Some(true)),
        (format!("{}?sslmode=verify-full&{root}", server.url), None),
        (format!("{named}?sslmode=verify-full"), None),
        (format!("{}?sslmode=verify-ca", server.url), None),
    ] {
        let found = match PostgresStore::open(&url, Clock::system()).await {
            Ok(store) => {
                let session = store.connections.snapshot_session().await.unwrap();
                let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                Some(session.row(sql, &[]).await.unwrap().unwrap().try_get::<_, bool>(0).unwrap())
            }
            Err(error) => {
                assert!(matches!(error, OpenError::Unavailable(_) | OpenError::Tls(_)), "{error:?}");
                None
            }
        };
        assert_eq!(found, encrypted, "{url}");
    }
}

/// A server that crashes gives the numbers of transactions again that it had not written down, so a number that took
/// place may be another's.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_transaction_does_not_prove_it() {
    let Some(database) = Database::fresh("proofs of transactions") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "proven").await;
    let file = make(&store, caller).await.unwrap();
    let another = database.rows("SELECT pg_current_xact_id()::text")[0][0].clone().unwrap();
    let until = || Instant::now() + Duration::from_secs(1);
    let told = async |proof: Option<writer::Proof>| {
        writer::verify_outcome(&store.connections, &another, proof.as_ref(), until()).await
    };
    assert!(told(Some(ledger::coming(file))).await.is_ok());
    let nothing = FileId::next(None, 0, [0; 11]);
    assert!(told(Some(ledger::coming(nothing))).await.unwrap_err().is_lost());
    assert!(told(None).await.unwrap_err().is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_connections_that_are_lost_without_a_word_one_is_waited_for() {
    let Some(database) = Database::fresh("connections that are lost") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system()).await.unwrap();
    let caller = contract::tenant(&store, "lost").await;
    let file = make(&store, caller).await.unwrap();
    join_all((0..8).map(|_| store.find_file(caller.workspace, file)))
        .await
        .into_iter()
        .for_each(|found| drop(found.unwrap()));
    proxy.lose_all();
    assert!(store.find_file(caller.workspace, file).await.is_err());
    let next = Instant::now();
    for _ in 0..8 {
        assert!(store.find_file(caller.workspace, file).await.unwrap().is_some());
    }
    assert!(next.elapsed() < Duration::from_secs(2), "{:?}", next.elapsed());
}

/// A row that gets its number later is exported later.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_number_is_exported_later() {
    use crate::model::export::NextExport;
    let Some(database) = Database::fresh("the export of late rows") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "late").await;
    make(&store, caller).await.unwrap();
    ledger::number_all(&store.connections).await.unwrap();
    make(&store, caller).await.unwrap();
    clock.set(contract::NOW_MS + 7_200_000);
    let bounds = ExportBounds { hours: 1, late_rows: 10, margin_seconds: 0 };
    let session = store.connections.snapshot_session().await.unwrap();
    let (progress, next) = export::next(&session, bounds).await.unwrap();
    let NextExport::Hours { from, until, through_seq, usage } = next else { panic!("an hour is over: {next:?}") };
    let created = |usage: &UsageByGroup| usage.values().map(|series| series.slots[&from].ops_class_a).sum::<i128>();
    assert_eq!((through_seq, created(&usage)), (1, 1));
    let to = ExportProgress { until, through_seq, corrections: 0, part: None };
    assert!(store.freeze_export(progress, to, Vec::new()).await.unwrap());
    let (_, next) = store.next_export(bounds).await.unwrap();
    let NextExport::Late { rows, through_seq: 2 } = next else { panic!("the other row comes late: {next:?}") };
    assert_eq!(rows.len(), 1);
}
