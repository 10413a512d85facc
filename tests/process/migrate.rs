//! `venna migrate`: all of an installation arrives, whatever cuts the way short, and nothing of it changes where it
//! was.

use crate::on_postgres::contents;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use venna_testkit::bucket::Bucket;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Client, Data, Program, blobs, output, venna, wait_until};

/// Enough of them, and large enough, to be struck in the middle.
const LARGE_FILES: usize = 40;
const LARGE_BYTES: usize = 700_000;
/// More than one part of an upload to a bucket.
const HUGE_BYTES: usize = 20 << 20;

struct Move {
    data: Data,
    database: Database,
    bucket: Bucket,
}

impl Move {
    fn command(&self) -> Command {
        let place = self.bucket.url("moved");
        let mut command = venna(&["migrate", "--to-blobs-url", &place, "--data-dir", &self.data.text()]);
        command.envs(self.bucket.variables(self.bucket.address)).env("VENNA_TO_METADATA_URL", &self.database.url);
        command
    }

    fn run(&self) -> (Option<i32>, String) {
        let Output { status, stderr, .. } = self.command().output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    }

    /// A command on what has moved.
    fn there(&self, words: &[&str]) -> Command {
        let place = self.bucket.url("moved");
        let stores = ["--metadata-url", &self.database.url, "--blobs-url", &place];
        let mut command = venna(&[words, &stores].concat());
        command.envs(self.bucket.variables(self.bucket.address));
        command
    }
}

fn ledger(client: &Client) -> String {
    String::from_utf8(client.send("GET", "/v1/organization/usage/ledger?limit=10000").unwrap().body).unwrap()
}

/// Everything that is in the source: rows, by table, and the bytes of blobs.
fn everything(data: &Path) -> BTreeMap<String, Vec<String>> {
    let database = rusqlite::Connection::open(data.join("venna.db")).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut select = database.prepare(sql).unwrap();
        let columns = select.column_count();
        let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            (0..columns).map(|column| Ok(format!("{:?}", row.get_ref(column)?))).collect()
        };
        select.query_map([], row).unwrap().map(Result::unwrap).collect()
    };
    let mut select = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables = select.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let rows = tables.map(|table| (table.clone(), texts(&format!("SELECT * FROM {table}"))));
    let mut found: BTreeMap<String, Vec<String>> = rows.collect();
    for blob in blobs(data) {
        found.insert(blob.display().to_string(), vec![format!("{:?}", std::fs::read(&blob).unwrap())]);
    }
    found
}

#[test]
fn an_installation_moves_whole_whatever_cuts_the_way_short() {
    let Some(database) = Database::fresh("moving to PostgreSQL") else { return };
    let it = Move { data: Data::new(), database, bucket: Bucket::open() };
    let mut server = Program::start(&it.data.path());
    let client = server.client(&it.data.first_key());
    for number in 0..LARGE_FILES {
        client.upload(&number.to_le_bytes(), LARGE_BYTES + number).unwrap().id();
    }
    client.upload(b"huge", HUGE_BYTES).unwrap().id();
    client.upload(b"small", 5).unwrap().id();
    let gone = client.upload(b"gone", 100_000).unwrap().id();
    assert_eq!(client.send("DELETE", &format!("/v1/files/{gone}")).unwrap().status, 200);
    let once = client.once("k").upload(b"once", 4).unwrap().id();
    let details = r#"{"bytes": 6, "filename": "a", "mime_type": "text/plain", "purpose": "user_data"}"#;
    let write = |socket: &mut std::net::TcpStream| std::io::Write::write_all(socket, details.as_bytes());
    let upload = client.post("/v1/uploads", "application/json", details.len(), write).unwrap().id();
    let part = client.send_form(&format!("/v1/uploads/{upload}/parts"), "", "data", b"parted", 6).unwrap().id();
    let (expected, bill) = (contents(&client), ledger(&client));
    let (code, said) = it.run();
    assert!(code == Some(2) && said.contains("stop the server"), "{said}");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let before = everything(&it.data.path());

    strike_in_the_middle(&it);
    let nothing = it.there(&["keys", "list", "--data-dir", &it.data.text()]).output().unwrap();
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no installation"), "{nothing:?}");
    let (code, said) = it.run();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(everything(&it.data.path()), before, "nothing changes in the source");
    let (code, said) = it.run();
    assert!(code == Some(2) && said.contains("holds an installation already"), "{said}");

    let elsewhere = Data::new();
    let moved = Program::spawn(it.there(&["serve"]), &elsewhere.path());
    let there = moved.client(&it.data.first_key());
    assert!(contents(&there) == expected, "every byte of every file");
    assert!(ledger(&there).starts_with(&bill), "row by row; what was read since comes behind");
    assert_eq!(there.once("k").upload(b"once", 4).unwrap().id(), once, "answered as before");
    let body = format!("{{\"part_ids\": [\"{part}\"]}}");
    let write = |socket: &mut std::net::TcpStream| std::io::Write::write_all(socket, body.as_bytes());
    let path = format!("/v1/uploads/{upload}/complete");
    assert_eq!(there.post(&path, "application/json", body.len(), write).unwrap().status, 200);
    let newest = there.upload(b"newest", 6).unwrap().id();
    assert!(expected.keys().all(|id| *id < newest), "ids go on where they were");
    let checked = it.there(&["fsck", "--json", "--data-dir", &elsewhere.text()]).output().unwrap();
    assert_eq!((checked.status.code(), checked.stdout.len()), (Some(0), 0), "{checked:?}");
    assert!(output(&["keys", "list", "--data-dir", &it.data.text()]).contains("first"), "and the source still works");
}

/// Kills the command once some blobs have arrived and others have not.
fn strike_in_the_middle(it: &Move) {
    let mut command = it.command().stderr(Stdio::null()).spawn().unwrap();
    let arrived = || it.bucket.objects("moved/blobs").len();
    wait_until("blobs arrive", || {
        assert!(command.try_wait().unwrap().is_none(), "it was too quick to be struck");
        arrived() >= 3
    });
    command.kill().unwrap();
    command.wait().unwrap();
    assert!(arrived() < LARGE_FILES, "some are missing");
}

#[test]
fn blobs_may_stay_where_they_are() {
    let Some(database) = Database::fresh("moving to PostgreSQL") else { return };
    let data = Data::new();
    let mut server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    for size in [1, 300_000] {
        client.upload(b"x", size).unwrap().id();
    }
    let (expected, key) = (contents(&client), data.first_key());
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let wrong = venna(&["migrate", "--to-metadata-url", "sqlite:/x.db", "--data-dir", &data.text()]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    output(&["migrate", "--to-metadata-url", &database.url, "--data-dir", &data.text()]);
    let moved = Program::spawn(venna(&["serve", "--metadata-url", &database.url]), &data.path());
    assert_eq!(contents(&moved.client(&key)), expected);
}
