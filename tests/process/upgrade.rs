//! The schema of an earlier version: only `serve` and `venna upgrade` change it, and nobody under a running server.

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use venna_testkit::program::{Data, Program, output, run, venna};

const FIRST: &str = include_str!("../../migrations/sqlite/0001_files.sql");

/// The database of the first version, as it was made then.
fn first_version(data: &Data) -> Connection {
    std::fs::create_dir(data.path()).unwrap();
    let database = Connection::open(data.path().join("venna.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE schema_migrations (
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at INTEGER NOT NULL) STRICT",
        )
        .unwrap();
    database.execute_batch(FIRST).unwrap();
    let digest: [u8; 32] = Sha256::digest(FIRST.as_bytes()).into();
    database.execute("INSERT INTO schema_migrations VALUES (1, 'files', ?1, 0)", params![digest]).unwrap();
    database
}

fn schema(database: &Connection) -> u32 {
    database.query_row("SELECT max(number) FROM schema_migrations", [], |row| row.get(0)).unwrap()
}

#[test]
fn commands_refuse_the_schema_of_an_earlier_version_and_leave_it_as_it_is() {
    let data = Data::new();
    let database = first_version(&data);
    let backup = data.folder.path().join("backup").display().to_string();
    let commands: [&[&str]; 18] = [
        &["fsck"],
        &["scrub"],
        &["keys", "list"],
        &["keys", "create"],
        &["keys", "revoke", "key_00VbjUjhHGglY7j08O6M3Oj9"],
        &["workspaces", "create", "x"],
        &["workspaces", "list"],
        &["workspaces", "expiry", "default"],
        &["limits", "get", "default"],
        &["limits", "set", "default", "max_files=1"],
        &["usage"],
        &["usage", "export"],
        &["compact"],
        &["stores", "status"],
        &["stores", "confirm", "--yes"],
        &["audit", "list"],
        &["clock", "status"],
        &["backup", &backup],
    ];
    for command in commands {
        let refused = run(&[command, &["--data-dir", &data.text()]].concat());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{command:?}");
        assert!(said.contains("is at schema 1, this program needs") && said.contains("venna upgrade"), "{said}");
        assert_eq!(schema(&database), 1, "{command:?}");
    }
    output(&["upgrade", "--data-dir", &data.text()]);
    assert!(schema(&database) > 1);
    output(&["keys", "list", "--data-dir", &data.text()]);
    output(&["upgrade", "--data-dir", &data.text()]);
}

#[test]
fn a_server_migrates_what_an_earlier_version_made() {
    let data = Data::new();
    let database = first_version(&data);
    let server = Program::start(&data.path());
    assert!(schema(&database) > 1);
    server.client(&data.first_key()).upload(b"a", 10).unwrap().id();
    let refused = venna(&["upgrade", "--data-dir", &data.text()]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("stop the server first"), "{said}");
}

#[test]
fn there_is_nothing_to_upgrade_where_nothing_is() {
    let data = Data::new();
    assert!(!run(&["upgrade", "--data-dir", &data.text()]).status.success());
    assert!(!data.path().exists(), "nothing is made");
}
