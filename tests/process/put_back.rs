//! A database that was put back to an earlier moment, or is damaged: nothing is removed by its word.

use rusqlite::Connection;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use venna_testkit::program::{Client, Data, Program, blobs, output, run, venna, wait_until};

const SIZE: usize = 1000;
const OLDER: &str = "an older copy than the blobs";

fn start(data: &Data) -> Program {
    let soon = ["--sweep-interval-seconds", "1", "--stray-check-interval-seconds", "1", "--inline-max-bytes", "0"];
    Program::spawn(venna(&[&["serve"], soon.as_slice()].concat()), &data.path())
}

fn stop(mut server: Program) {
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

fn upload(client: &Client, count: u8) -> Vec<String> {
    (0..count).map(|number| client.upload(&[number], SIZE).unwrap().id()).collect()
}

fn in_quarantine(data: &Data) -> usize {
    std::fs::read_dir(data.path().join("blobs/quarantine")).unwrap().count()
}

/// Copies the database as it is now, with the server running or not.
fn copy_database(data: &Data, name: &str) -> PathBuf {
    let copy = data.folder.path().join(name);
    let database = Connection::open(data.path().join("venna.db")).unwrap();
    database.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    copy
}

fn put_database(copy: &Path, data: &Data) {
    for beside in ["venna.db-wal", "venna.db-shm"] {
        drop(std::fs::remove_file(data.path().join(beside)));
    }
    std::fs::copy(copy, data.path().join("venna.db")).unwrap();
}

fn warnings(client: &Client) -> String {
    client.send("GET", "/readyz").unwrap().json()["warnings"].to_string()
}

#[test]
fn a_copy_from_between_two_stamps_is_told_at_the_start_and_stays_told() {
    let data = Data::new();
    let server = start(&data);
    let key = data.first_key();
    upload(&server.client(&key), 2);
    let old = copy_database(&data, "old.db");
    let since = upload(&server.client(&key), 3);
    stop(server);
    let current = copy_database(&data, "current.db");

    put_database(&old, &data);
    let server = start(&data);
    assert!(server.log.iter().any(|line| line.contains(OLDER)), "{:?}", server.log);
    assert!(warnings(&server.client(&key)).contains(OLDER));
    // What is added to it does not make it the database that it is not.
    upload(&server.client(&key), 2);
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!((blobs(&data.path()).len(), in_quarantine(&data)), (7, 0));
    stop(server);
    let server = start(&data);
    assert!(warnings(&server.client(&key)).contains(OLDER));
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!((blobs(&data.path()).len(), in_quarantine(&data)), (7, 0));
    stop(server);
    let found = String::from_utf8(run(&["fsck", "--json", "--data-dir", &data.text()]).stdout).unwrap();
    assert!(found.contains("mismatched_stores"), "{found}");
    assert!(output(&["stores", "status", "--data-dir", &data.text()]).contains(OLDER));

    put_database(&current, &data);
    let server = start(&data);
    assert_eq!(warnings(&server.client(&key)), "[]");
    for id in &since {
        let content = server.client(&key).send("GET", &format!("/v1/files/{id}/content")).unwrap();
        assert_eq!(content.status, 200, "what was acknowledged is there");
    }
    wait_until("what was added to the old one is nobody's", || in_quarantine(&data) == 2);
    stop(server);

    put_database(&old, &data);
    output(&["stores", "confirm", "--yes", "--data-dir", &data.text()]);
    let server = start(&data);
    assert_eq!(warnings(&server.client(&key)), "[]");
    wait_until("the operator has said that it is right", || in_quarantine(&data) == 5);
}

#[test]
fn a_copy_that_is_put_back_under_a_running_server_removes_nothing() {
    let data = Data::new();
    let server = start(&data);
    let client = server.client(&data.first_key());
    upload(&client, 2);
    let noted = data.path().join("blobs/last-event");
    wait_until("a ledger row is noted", || std::fs::read_to_string(&noted).is_ok_and(|note| note.contains("st+:")));
    stop(server);
    // The note is of a row that this database never had.
    let other = Data::new();
    let server = start(&other);
    upload(&server.client(&other.first_key()), 1);
    stop(server);
    std::fs::copy(other.path().join("blobs/last-event"), &noted).unwrap();
    let server = start(&data);
    assert!(warnings(&server.client(&data.first_key())).contains(OLDER));
    stop(server);
    // What a power cut leaves of a note is none.
    std::fs::write(&noted, "st+:file-0 0").unwrap();
    let server = start(&data);
    assert_eq!(warnings(&server.client(&data.first_key())), "[]");
}

/// Overwrites the first page of a table.
fn damage(data: &Data, table: &str) {
    let database = Connection::open(data.path().join("venna.db")).unwrap();
    let number = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    let page = number(&format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'"));
    let page_bytes = number("PRAGMA page_size");
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    let mut file = std::fs::OpenOptions::new().write(true).open(data.path().join("venna.db")).unwrap();
    file.seek(SeekFrom::Start((page - 1) * page_bytes)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(page_bytes).unwrap()]).unwrap();
}

#[test]
fn a_damaged_database_takes_nothing_and_removes_nothing() {
    let data = Data::new();
    let server = start(&data);
    let key = data.first_key();
    let ids = upload(&server.client(&key), 3);
    stop(server);
    damage(&data, "files");
    let stray = "0a0102030405060708090a0b0c0d0e0f";
    std::fs::write(data.path().join("blobs/0a").join(stray), "nobody's").unwrap();
    let server = start(&data);
    let client = server.client(&key);
    assert_eq!(client.send("GET", "/v1/files").unwrap().status, 503);
    let refused = client.upload(b"a", SIZE).unwrap();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &"service_unavailable".into()));
    let ready = client.send("GET", "/readyz").unwrap();
    assert_eq!((ready.status, &ready.json()["metadata"]), (503, &"unavailable".into()));
    let log = server.whole_log.lock().unwrap().clone();
    assert!(
        log.contains("database damaged, uploads and removals refused") && log.contains("A damaged database"),
        "{log}"
    );
    assert_eq!(client.send("DELETE", &format!("/v1/files/{}", ids[0])).unwrap().status, 503);
    let before = (blobs(&data.path()).len(), in_quarantine(&data));
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!((blobs(&data.path()).len(), in_quarantine(&data)), before, "nothing is removed any more");
}
