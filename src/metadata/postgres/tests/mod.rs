//! Tests beyond the contract: faults, several servers, and costs.

mod faults;
mod groups;
mod isolation;
mod leases;
mod migrations;
mod numbers;
mod opening;
mod poolers;
mod servers;
mod suites;

use super::connections::Connections;
use super::endpoint::Endpoint;
use super::open_error::{MigrationError, OpenError};
use super::session_setup::CommitMode;
use super::store::PostgresStore;
use super::timeouts::Timeouts;
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
use crate::model::filename::Filename;
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome, RequestDigest, WriteAnswer};
use crate::model::ids::{BlobId, FileId, ProcessId, WorkspaceId};
use crate::model::limits::{Limit, LimitOwner, QuotaExceeded};
use crate::model::link::{Download, LinkGrant, NewLink, UploadGrant};
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

/// The time limit of requests in tests that are about time.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// The time limit of requests in other tests, however busy the machine is.
const LONG_TIME_LIMIT: Duration = Duration::from_mins(1);

async fn open(database: &Database, clock: &Clock) -> PostgresStore {
    PostgresStore::open(&database.url, clock.clone(), LONG_TIME_LIMIT).await.unwrap()
}

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

/// On one thread, so that what does not wait for an answer is sent before it comes.
#[tokio::test]
async fn requests_take_few_round_trips() {
    let Some(database) = Database::fresh("round trips") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap();
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
    let grant = UploadGrant {
        filename: Filename::parse("a").unwrap(),
        purpose: Purpose::UserData,
        max_bytes: 5,
        expires_after: None,
    };
    let new_link = NewLink { grant: LinkGrant::Upload(grant), valid_seconds: 100 };
    let mut by_link = Vec::new();
    for _ in 0..2 {
        let link = store.create_link(caller, new_link.clone()).await.unwrap().unwrap().unwrap();
        by_link.push(NewFile { link: Some(link.id), ..small() });
    }
    store.create_file(caller, by_link.remove(0), None).await.unwrap();
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
    store.create_file(caller, by_link.remove(0), None).await.unwrap();
    note("create by a link");
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
        ("create by a link", 2),
        ("look up a key", 1),
        ("retrieve", 1),
        ("content", 1),
        ("list", 1),
        ("begin a blob", 1),
        ("delete", 2),
    ];
    assert_eq!(trips, expected);
}
