//! What a server does by itself, and what it does not do when rows and bytes do not belong together.

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;
use venna_testkit::program::{Client, Data, Program, blobs, output, run, venna, wait_until};

/// Whatever a server does at intervals, it does it soon; every file has a blob.
fn start(data: &Data) -> Program {
    let soon =
        ["--sweep-interval-seconds", "1", "--stray-check-interval-seconds", "1", "--scrub-interval-seconds", "1"];
    let soon = [soon.as_slice(), &["--inline-max-bytes", "0"]].concat();
    Program::spawn(venna(&[&["serve"], soon.as_slice()].concat()), &data.path())
}

fn stop(mut server: Program) {
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

fn upload(client: &Client, count: u8) {
    (0..count).for_each(|number| drop(client.upload(&[number], 1000).unwrap().id()));
}

fn in_quarantine(data: &Data) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.path().join("blobs/quarantine")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn findings(data: &Data) -> String {
    String::from_utf8(run(&["fsck", "--json", "--data-dir", &data.text()]).stdout).unwrap()
}

/// The database and what may lie beside it, as one file.
fn take_database(data: &Data, to: &Path) {
    let database = Connection::open(data.path().join("venna.db")).unwrap();
    database.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
}

/// The database, without what may lie beside it.
fn put_database(from: &Path, data: &Data) {
    for beside in ["venna.db-wal", "venna.db-shm"] {
        drop(std::fs::remove_file(data.path().join(beside)));
    }
    std::fs::copy(from, data.path().join("venna.db")).unwrap();
}

#[test]
fn what_no_row_explains_is_put_aside_and_kept_a_week() {
    let data = Data::new();
    let server = start(&data);
    let client = server.client(&data.first_key());
    upload(&client, 2);
    let folder = data.path().join("blobs");
    let stray = "0a0102030405060708090a0b0c0d0e0f";
    std::fs::write(folder.join("0a").join(stray), "nobody's").unwrap();
    std::fs::write(folder.join("0b/0b0102030405060708090a0b0c0d0e0f.tmp"), "half").unwrap();
    wait_until("both are in quarantine", || in_quarantine(&data).len() == 2);
    assert_eq!(std::fs::read_to_string(folder.join("quarantine").join(stray)).unwrap(), "nobody's");
    assert_eq!(findings(&data).matches("quarantined_blob").count(), 2);
    assert_eq!(blobs(&data.path()).len(), 4, "files keep their blobs");
    let eight_days_ago = std::time::SystemTime::now() - Duration::from_hours(8 * 24);
    let file = std::fs::File::open(folder.join("quarantine").join(stray)).unwrap();
    file.set_modified(eight_days_ago).unwrap();
    wait_until("the older one is removed", || in_quarantine(&data).len() == 1);
    assert!(!folder.join("quarantine").join(stray).exists());
}

#[test]
fn nothing_is_removed_by_the_word_of_an_old_or_a_new_database() {
    let data = Data::new();
    let (old, current) = (data.folder.path().join("old.db"), data.folder.path().join("current.db"));
    let server = start(&data);
    let key = data.first_key();
    upload(&server.client(&key), 3);
    stop(server);
    take_database(&data, &old);
    let server = start(&data);
    upload(&server.client(&key), 2);
    stop(server);
    take_database(&data, &current);
    let kept = blobs(&data.path()).len();

    put_database(&old, &data);
    let server = start(&data);
    assert!(server.log.iter().any(|line| line.contains("an older copy than the blobs")), "{:?}", server.log);
    let client = server.client(&key);
    let warned = client.send("GET", "/readyz").unwrap().json()["warnings"].to_string();
    assert!(warned.contains("an older copy"), "{warned}");
    assert!(findings(&data).contains("mismatched_stores"));
    let listed = client.send("GET", "/v1/files").unwrap().json();
    let gone = listed["data"][0]["id"].as_str().unwrap();
    assert_eq!(client.send("DELETE", &format!("/v1/files/{gone}")).unwrap().status, 200);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(blobs(&data.path()).len(), kept);
    stop(server);

    for beside in ["venna.db", "venna.db-wal", "venna.db-shm"] {
        drop(std::fs::remove_file(data.path().join(beside)));
    }
    let server = start(&data);
    assert!(server.log.iter().any(|line| line.contains("the metadata is new and the blobs are not")));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!((blobs(&data.path()).len(), in_quarantine(&data).len()), (kept, 0));
    stop(server);

    put_database(&current, &data);
    let server = start(&data);
    assert!(!server.log.iter().any(|line| line.contains("blobs are")), "{:?}", server.log);
    let listed = server.client(&key).send("GET", "/v1/files").unwrap().json();
    assert_eq!(listed["data"].as_array().unwrap().len(), kept);
    assert_eq!(findings(&data), "");
    stop(server);

    put_database(&old, &data);
    output(&["stores", "confirm", "--yes", "--data-dir", &data.text()]);
    let server = start(&data);
    wait_until("what the old rows do not know is put aside", || in_quarantine(&data).len() == 2);
    let listed = server.client(&key).send("GET", "/v1/files").unwrap().json();
    assert_eq!(listed["data"].as_array().unwrap().len(), kept - 2);
}

#[test]
fn a_scrub_that_cannot_keep_its_interval_says_so() {
    let data = Data::new();
    let server = start(&data);
    drop(server.client(&data.first_key()).upload(&vec![7; 1 << 20], 20 << 20).unwrap().id());
    stop(server);
    let late = "scrub pass too slow for its interval";
    for (interval, highest, is_late) in [("5", "1", true), ("5", "100", false), ("0", "1", false)] {
        Connection::open(data.path().join("venna.db")).unwrap().execute("DELETE FROM scrub", []).unwrap();
        let pace = ["serve", "--scrub-interval-seconds", interval, "--scrub-max-mib-per-second", highest];
        let server = Program::spawn(venna(&pace), &data.path());
        let log = || server.whole_log.lock().unwrap().clone();
        match interval {
            "0" => std::thread::sleep(Duration::from_millis(500)),
            _ => wait_until("the pass begins", || log().contains(if is_late { late } else { "scrub pass started" })),
        }
        assert_eq!(log().contains(late), is_late, "{}", log());
        assert_eq!(log().contains("needed_mib_per_second"), is_late, "{}", log());
        stop(server);
    }
}

#[test]
fn the_server_scrubs_by_itself() {
    let data = Data::new();
    let server = start(&data);
    upload(&server.client(&data.first_key()), 3);
    let database = Connection::open(data.path().join("venna.db")).unwrap();
    let scrubbed = |wanted: (u64, u64)| {
        let sql = "SELECT blobs, damaged FROM scrub WHERE ended_at IS NOT NULL";
        database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).is_ok_and(|found: (u64, u64)| found == wanted)
    };
    wait_until("three blobs are whole", || scrubbed((3, 0)));
    std::fs::write(&blobs(&data.path())[0], "not what was stored").unwrap();
    wait_until("one is damaged", || scrubbed((3, 1)));
}

#[test]
fn a_clock_that_jumped_holds_expiry_until_it_is_confirmed() {
    let data = Data::new();
    let server = start(&data);
    let key = data.first_key();
    upload(&server.client(&key), 2);
    let database = || Connection::open(data.path().join("venna.db")).unwrap();
    let noted = || database().query_row("SELECT count(*) FROM clock_moments", [], |row| row.get::<_, u64>(0)).unwrap();
    wait_until("the clock is noted", || noted() == 1);
    stop(server);
    let jump = "UPDATE clock_moments SET wall_ms = wall_ms - 7200000; UPDATE files SET expires_at = 1";
    database().execute_batch(jump).unwrap();
    let server = start(&data);
    let status = || output(&["clock", "status", "--data-dir", &data.text()]);
    wait_until("expiry is held", || status().starts_with("expiry is held: the clock showed"));
    let warned = server.client(&key).send("GET", "/readyz").unwrap().json()["warnings"].to_string();
    assert!(warned.contains("venna clock confirm"), "{warned}");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(blobs(&data.path()).len(), 2, "what has expired by this clock stays");
    let refused = venna(&["clock", "confirm", "--data-dir", &data.text()]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "it wants to be meant");
    assert_eq!(output(&["clock", "confirm", "--yes", "--data-dir", &data.text()]), "");
    wait_until("what has expired is removed", || blobs(&data.path()).is_empty());
    assert_eq!((status().trim_end(), findings(&data).as_str()), ("expiry is not held", ""));
}

#[test]
fn a_database_is_compacted_while_nobody_is_at_work_on_it() {
    let data = Data::new();
    let server = start(&data);
    let key = data.first_key();
    upload(&server.client(&key), 2);
    let compact = || venna(&["compact", "--data-dir", &data.text()]).output().unwrap();
    let refused = compact();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("stop the server"), "{refused:?}");
    stop(server);
    let path = data.path().join("venna.db");
    let filled =
        "PRAGMA auto_vacuum = NONE; VACUUM; CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(8000000)); DROP TABLE t";
    Connection::open(&path).unwrap().execute_batch(filled).unwrap();
    let length = || std::fs::metadata(&path).unwrap().len();
    let before = length();
    let compacted = compact();
    assert!(compacted.status.success() && before > 8_000_000 && length() < 1_000_000, "{before} {compacted:?}");
    let gives_back = Connection::open(&path).unwrap().query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, u32>(0));
    assert_eq!((gives_back.unwrap(), findings(&data).as_str()), (2, ""));
}
