//! Migrations that are cut off, and that several servers begin at once.

use super::fixture::{Fixture, Installation};
use super::store::{Store, schema_text};
use std::process::{Child, Stdio};
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use venna_testkit::bucket::Bucket;
use venna_testkit::postgres::run;
use venna_testkit::program::{Data, Program, venna, wait_until};

/// The schema before which the ledger is written from the files.
const BEFORE_THE_LEDGER: u32 = 10;
/// Files enough for a migration that takes a while.
const MANY_FILES: u32 = 100_000;
/// The bytes in SQLite's log from which on a migration is under way.
const BEGUN_BYTES: u64 = 1 << 20;
/// The earliest schema of PostgreSQL.
const EARLIEST: u32 = 15;
/// The migration that changes the table of the usage export.
const EXPORT: u32 = 24;
/// The migration whose first index is of the blobs.
const INDEXES: u32 = 23;
/// The prefix of an installation in its bucket.
const PREFIX: &str = "upgraded";

/// Starts an upgrade that is to be killed.
fn begin(installation: &Installation) -> Child {
    installation.command(&["upgrade"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill(mut upgrade: Child) {
    assert!(upgrade.try_wait().unwrap().is_none(), "it was too quick to be killed");
    upgrade.kill().unwrap();
    upgrade.wait().unwrap();
}

fn newest(store: Store) -> u32 {
    Fixture::all(store).last().unwrap().schema
}

#[test]
fn a_migration_of_sqlite_that_is_killed_leaves_the_earlier_schema() {
    let installation = Fixture::of(Store::Sqlite, BEFORE_THE_LEDGER).install().unwrap();
    let many = format!(
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {MANY_FILES})
         INSERT INTO files (workspace_id, id, purpose, filename, size_bytes)
         SELECT (SELECT id FROM workspaces WHERE name = 'default'), printf('file-00VcOw4BkH3alSC%09d', x),
             'user_data', 'one of many', 1 FROM n"
    );
    installation.rows().execute(&many).unwrap();
    let files = installation.rows().number("SELECT count(*) FROM files");
    let upgrade = begin(&installation);
    let log = installation.data.path().join("venna.db-wal");
    wait_until("the migration is under way", || std::fs::metadata(&log).is_ok_and(|log| log.len() > BEGUN_BYTES));
    kill(upgrade);
    let count = |sql: &str| installation.rows().number(sql);
    assert_eq!(installation.schema(), BEFORE_THE_LEDGER, "all migrations are one transaction");
    assert_eq!(count("SELECT count(*) FROM sqlite_schema WHERE name = 'ledger'"), 0);
    assert_eq!(count("SELECT count(*) FROM files"), files);
    installation.output(&["upgrade"]);
    assert_eq!(installation.schema(), newest(Store::Sqlite));
    assert_eq!(count("SELECT count(*) FROM ledger WHERE fact = 'opening'"), files);
    assert_eq!(count("SELECT sum(bytes) FROM ledger"), count("SELECT sum(size_bytes) FROM files"));
}

#[test]
fn every_schema_becomes_that_of_a_new_installation() {
    for store in Store::ALL {
        let fixtures = Fixture::all(store);
        let Some(recorded) = fixtures.last().unwrap().install() else { return };
        let expected = schema_text(&recorded.rows());
        for fixture in fixtures {
            let installation = fixture.install().unwrap();
            installation.output(&["upgrade"]);
            assert_eq!(schema_text(&installation.rows()), expected, "{store:?} from {}", fixture.schema);
        }
    }
}

/// An idle transaction of another session, which keeps its locks until it is dropped.
struct Lock {
    runtime: Runtime,
    session: Option<(Client, JoinHandle<()>)>,
}

impl Lock {
    fn take(url: &str, statement: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let session = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
            let connection = tokio::spawn(async { drop(connection.await) });
            client.batch_execute(&format!("BEGIN; {statement}")).await.unwrap();
            (client, connection)
        });
        Self { runtime, session: Some(session) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some((client, connection)) = self.session.take() else { return };
        drop(client);
        self.runtime.block_on(connection).unwrap();
    }
}

/// Kills an upgrade while it waits for a lock that `statement` takes, and lets the next one finish it. `left` counts
/// the indexes that are not whole then.
fn is_finished_by_the_next(statement: &str, applied: u32, left: i64) {
    let Some(installation) = Fixture::of(Store::Postgres, EARLIEST).install() else { return };
    let url = installation.url().to_owned();
    let before = installation.rows().number("SELECT count(*) FROM files");
    let lock = Lock::take(&url, statement);
    let upgrade = begin(&installation);
    let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("the migration waits", || installation.schema() == applied && !run(&url, waits).unwrap().is_empty());
    kill(upgrade);
    wait_until("PostgreSQL has noticed", || run(&url, waits).unwrap().is_empty());
    assert_eq!(installation.schema(), applied, "each migration is a transaction");
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(installation.rows().number(invalid), left);
    drop(lock);
    installation.output(&["upgrade"]);
    assert_eq!(installation.schema(), newest(Store::Postgres));
    assert_eq!(installation.rows().number(invalid), 0);
    let expected = schema_text(&Fixture::all(Store::Postgres).pop().unwrap().install().unwrap().rows());
    assert_eq!(schema_text(&installation.rows()), expected);
    assert_eq!(installation.rows().number("SELECT count(*) FROM files"), before);
    assert_eq!(installation.output(&["fsck", "--json"]), "", "no finding");
}

#[test]
fn a_migration_of_postgresql_that_is_killed_is_finished_by_the_next_start() {
    is_finished_by_the_next("LOCK TABLE usage_export", EXPORT - 1, 0);
}

#[test]
fn an_index_build_that_is_killed_begins_again() {
    is_finished_by_the_next("UPDATE blobs SET process_id = process_id", INDEXES - 1, 1);
}

/// Puts the blobs of a fixture into a bucket.
fn fill(bucket: &Bucket, fixture: &Fixture) {
    for (path, content) in fixture.files() {
        let Some(name) = path.strip_prefix("blobs/").filter(|name| !name.contains('.')) else { continue };
        let key = match name.split_once('/') {
            Some((_, blob)) => format!("{PREFIX}/blobs/{blob}"),
            None => format!("{PREFIX}/{name}"),
        };
        bucket.write(vec![bucket.key(&key)], &content);
    }
}

#[test]
fn of_two_servers_that_start_at_once_one_migrates() {
    let fixture = Fixture::of(Store::Postgres, EARLIEST);
    let Some(installation) = fixture.install() else { return };
    let bucket = Bucket::open();
    fill(&bucket, &fixture);
    let lock = Lock::take(installation.url(), "LOCK TABLE uploads");
    let folders = [Data::new(), Data::new()];
    let start = |data: &Data| {
        let mut command = venna(&["serve", "--blobs-url", &bucket.url(PREFIX), "--log-format", "json"]);
        command.args(installation.store_arguments()).envs(bucket.variables(bucket.address));
        let folder = data.path();
        thread::spawn(move || Program::spawn(command, &folder))
    };
    let starting = folders.each_ref().map(start);
    let sessions = "SELECT count(DISTINCT pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'venna'";
    wait_until("both are connected, and one waits for the table", || {
        installation.rows().number(sessions) >= 2 && !starting.iter().any(thread::JoinHandle::is_finished)
    });
    drop(lock);
    let servers = starting.map(|server| server.join().unwrap());
    let logs: Vec<String> = servers.iter().map(|server| server.whole_log.lock().unwrap().clone()).collect();
    for number in EARLIEST + 1..=newest(Store::Postgres) {
        let event = format!("\"number\":{number},");
        let begun = |log: &String| {
            log.lines().filter(|line| line.contains("migration started") && line.contains(&event)).count()
        };
        let applied =
            installation.rows().number(&format!("SELECT count(*) FROM schema_migrations WHERE number = {number}"));
        assert_eq!(logs.iter().map(begun).sum::<usize>(), usize::try_from(applied).unwrap(), "{number}: {logs:?}");
    }
    assert_eq!(installation.schema(), newest(Store::Postgres));
    assert_eq!(logs.iter().filter(|log| log.contains("migration waits for another server")).count(), 1, "{logs:?}");
    let key = installation.key("first-key");
    let lists: Vec<_> =
        servers.iter().map(|server| server.client(&key).send("GET", "/v1/files").unwrap().json()).collect();
    assert!(lists[0]["data"].as_array().unwrap().len() > 1 && lists[0] == lists[1]);
}
