//! The program with its metadata in PostgreSQL: every command does what it does elsewhere, and no password is shown.

use std::collections::BTreeMap;
use std::process::Output;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Client, Data, Program, run, venna, wait_until};

const PASSWORD: &str = "hunter2";

/// What a command said and how it left; never the password.
fn told(output: &Output) -> (Option<i32>, String) {
    let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(!said.contains(PASSWORD), "{said}");
    (output.status.code(), said)
}

/// What every file of a client holds.
pub fn contents(client: &Client) -> BTreeMap<String, Vec<u8>> {
    let list = client.send("GET", "/v1/files?limit=10000").unwrap().json();
    let ids = list["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned());
    let content = |id: String| {
        let answer = client.send("GET", &format!("/v1/files/{id}/content")).unwrap();
        assert_eq!(answer.status, 200, "{id}");
        (id, answer.body)
    };
    ids.map(content).collect()
}

#[test]
fn every_command_works_and_no_password_is_shown() {
    let Some(database) = Database::fresh("the program on PostgreSQL") else { return };
    let data = Data::new();
    let (url, folder) = (database.url.replace("venna@", &format!("venna:{PASSWORD}@")), data.text());
    let command = |words: &[&str]| {
        told(&venna(&[words, &["--metadata-url", &url, "--data-dir", &folder]].concat()).output().unwrap())
    };
    let succeeds = |words: &[&str]| {
        let (code, said) = command(words);
        assert_eq!(code, Some(0), "{words:?}: {said}");
        said
    };
    let (code, said) = command(&["keys", "list"]);
    assert!(code == Some(1) && said.contains("no installation in the database"), "{said}");
    assert!(succeeds(&["check"]).contains("postgres://***@127.0.0.1"));
    let server = Program::spawn(venna(&["serve", "--metadata-url", &url]), &data.path());
    let first = server.client(&data.first_key());
    first.upload(b"small", 5).unwrap().id();
    let large = first.upload(b"large", 3 << 20).unwrap().id();
    first.upload(b"gone", 200_000).unwrap();
    assert_eq!(first.send("DELETE", &format!("/v1/files/{large}")).unwrap().status, 200);
    let workspace = succeeds(&["workspaces", "create", "research"]).trim().to_owned();
    let key = succeeds(&["keys", "create", "--workspace", "research", "--quiet"]).trim().to_owned();
    let theirs = first.with_key(&key);
    assert_eq!(theirs.upload(b"theirs", 6).unwrap().status, 200);
    assert!(succeeds(&["workspaces", "list"]).contains(&workspace));
    assert!(succeeds(&["keys", "list"]).contains("first"));
    succeeds(&["limits", "set", "research", "max_files=1"]);
    assert!(succeeds(&["limits", "get", "research"]).contains('1'));
    assert_eq!(theirs.upload(b"more", 4).unwrap().status, 400, "a limit holds at once");
    wait_until("a byte-second is on the bill", || succeeds(&["usage"]).contains("files.storage"));
    assert!(succeeds(&["audit", "list"]).contains("rate_limit.updated"));
    succeeds(&["fsck"]);
    succeeds(&["scrub"]);
    let backup = data.path().with_file_name("backup");
    succeeds(&["backup", backup.to_str().unwrap()]);
    let restored = Data::new();
    let (code, said) = command(&["restore", backup.to_str().unwrap()]);
    assert!(code == Some(2) && said.contains("a backup can only be restored to SQLite"), "{said}");
    assert_eq!(told(&run(&["restore", backup.to_str().unwrap(), "--data-dir", &restored.text()])).0, Some(0));
    let copy = Program::start(&restored.path());
    for (ours, theirs) in [(&first, copy.client(&data.first_key())), (&theirs, copy.client(&key))] {
        assert_eq!(contents(ours), contents(&theirs), "a backup is the same installation");
    }
    assert_eq!(told(&run(&["fsck", "--data-dir", &restored.text()])).0, Some(0));
    let log = server.whole_log.lock().unwrap().clone();
    assert!(!log.contains(PASSWORD), "{log}");
    drop(server);
    database.run("INSERT INTO schema_migrations VALUES (9999, 'of tomorrow', '\\x00', 0)");
    let (code, said) = command(&["keys", "list"]);
    assert!(code == Some(1) && said.contains("the database is at schema 9999"), "{said}");
}

#[test]
fn a_database_that_is_not_there_is_said_so_without_its_url() {
    let data = Data::new();
    for url in ["postgres://venna:hunter2@127.0.0.1:1/x", "postgres://venna:hunter2@127.0.0.1:1/x?sslmode=maybe"] {
        let output = venna(&["keys", "list", "--metadata-url", url, "--data-dir", &data.text()]).output().unwrap();
        let (code, said) = told(&output);
        assert!(code == Some(1) && said.contains("cannot open the metadata store of metadata_url"), "{said}");
    }
}
