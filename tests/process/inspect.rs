//! `venna fsck` and `venna scrub`: what they find, and that they find nothing where nothing is wrong.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use venna_testkit::program::{Client, Data, Program, Running, blobs, report, run, wait_until};

/// Exit code, and how often each finding came up.
fn inspect(command: &str, data: &Data, more: &[&str]) -> (Option<i32>, BTreeMap<String, usize>) {
    let done = run(&[&[command, "--json", "--data-dir", &data.text()], more].concat());
    let mut found = BTreeMap::new();
    let text = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if done.status.code() != Some(2) {
        let summary: Value = serde_json::from_slice(&done.stderr).unwrap();
        let summary = &summary["summary"];
        assert!(summary["blobs"].is_u64() && summary["findings"] == lines.len(), "{text}");
        assert_eq!(summary["bytes"].is_u64(), command == "scrub", "{text}");
    }
    for line in lines {
        *found.entry(line["finding"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    (done.status.code(), found)
}

fn flip_a_byte(blob: &PathBuf) {
    let file = OpenOptions::new().read(true).write(true).open(blob).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();
}

fn fill(client: &Client, count: usize) {
    for number in 0..count {
        client.upload(&number.to_le_bytes(), 100 + number).unwrap().id();
    }
}

#[test]
fn what_is_in_order_is_clean_beside_a_busy_server_too() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, 50);
    let done = Arc::new(AtomicBool::new(false));
    let busy = {
        let (client, done) = (client.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let id = client.upload(&[1; 4096], 300_000).unwrap().id();
                assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
            }
        })
    };
    for _ in 0..10 {
        assert_eq!(inspect("fsck", &data, &[]), (Some(0), BTreeMap::new()));
        assert_eq!(inspect("scrub", &data, &[]), (Some(0), BTreeMap::new()));
    }
    done.store(true, Ordering::Relaxed);
    busy.join().unwrap();
}

#[test]
fn fsck_finds_what_does_not_fit() {
    let data = Data::new();
    let mut server = Program::start_on_blobs(&data.path());
    fill(&server.client(&data.first_key()), 6);
    server.signal("TERM");
    server.wait();
    let found = blobs(&data.path());
    std::fs::remove_file(&found[0]).unwrap();
    OpenOptions::new().write(true).open(&found[1]).unwrap().set_len(7).unwrap();
    let folder = data.path().join("blobs");
    std::fs::write(folder.join("00/000102030405060708090a0b0c0d0e0f"), "nobody's").unwrap();
    std::fs::write(folder.join("01/010102030405060708090a0b0c0d0e0f.tmp"), "half").unwrap();
    std::fs::write(folder.join("02/notes.txt"), "stray").unwrap();
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    let sql = "DELETE FROM files WHERE id = (SELECT max(id) FROM files)";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    drop(database);
    let expected = [
        ("missing_blob", 1),
        ("wrong_size", 1),
        ("orphan_blob", 2),
        ("stray_file", 1),
        ("unowned_blob", 1),
        ("unmetered_file", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(inspect("fsck", &data, &[]), (Some(1), expected));
}

#[test]
fn fsck_finds_parts_and_answers_that_belong_to_nothing() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    client.once("k").upload(b"a", 1).unwrap().id();
    let details = r#"{"bytes": 1, "filename": "a", "mime_type": "text/plain", "purpose": "user_data"}"#;
    let write = |socket: &mut std::net::TcpStream| std::io::Write::write_all(socket, details.as_bytes());
    let upload = client.post("/v1/uploads", "application/json", details.len(), write).unwrap().id();
    client.send_form(&format!("/v1/uploads/{upload}/parts"), "", "data", b"a", 1).unwrap().id();
    assert_eq!(inspect("fsck", &data, &[]), (Some(0), BTreeMap::new()));
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    assert_eq!(database.execute("UPDATE uploads SET status = 'cancelled'", []).unwrap(), 1);
    assert_eq!(database.execute("UPDATE answers SET workspace_id = 'ws_gone'", []).unwrap(), 1);
    let expected = [("left_part", 1), ("lost_answer", 1)].map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(inspect("fsck", &data, &[]), (Some(1), expected));
}

#[test]
fn fsck_finds_what_is_counted_wrong() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let (kept, deleted) = (client.upload(b"kept", 4).unwrap().id(), client.upload(b"gone", 4).unwrap().id());
    assert_eq!(client.send("DELETE", &format!("/v1/files/{deleted}")).unwrap().status, 200);
    assert_eq!(inspect("fsck", &data, &[]), (Some(0), BTreeMap::new()));
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    let finds = |sql: &str, findings: &[(&str, usize)]| {
        database.execute_batch(&format!("BEGIN; {sql}")).unwrap();
        database.execute_batch("COMMIT").unwrap();
        let expected = findings.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        assert_eq!(inspect("fsck", &data, &[]).1, expected, "{sql}");
    };
    finds("UPDATE workspaces SET stored_bytes = stored_bytes + 1", &[("wrong_total", 1)]);
    finds("UPDATE workspaces SET stored_bytes = stored_bytes - 1, reserved_files = 1", &[("wrong_total", 1)]);
    finds("UPDATE workspaces SET reserved_files = 0", &[]);
    let row = "event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count";
    let ended_early = format!(
        "INSERT INTO ledger ({row}) SELECT 'st-:' || file_id, ts, 'end', workspace_id, api_key_id, purpose, file_id, -bytes, 0
         FROM ledger WHERE event_id = 'st+:{kept}'"
    );
    finds(&ended_early, &[("unmetered_file", 1)]);
    let line = String::from_utf8(run(&["fsck", "--json", "--data-dir", &data.text()]).stdout).unwrap();
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!((line["owner"].as_str(), line["workspace_name"].as_str()), (Some(&*kept), Some("default")));
    assert!(line["message"].as_str().unwrap().contains(&format!("{kept} in ws_")), "{line}");
    let never_there = format!(
        "INSERT INTO ledger ({row}) SELECT 'st+:file-x', ts, 'create', workspace_id, api_key_id, purpose, 'file-x', 7, 1
         FROM ledger WHERE event_id = 'st+:{kept}'"
    );
    finds(&never_there, &[("unmetered_file", 2)]);
    let hour = "INSERT INTO usage_hourly VALUES ('ws_x', 3600, '', '', 1, 1, 1, 1, 1, 1, 1)";
    finds(hour, &[("unmetered_file", 2), ("wrong_rollup", 1)]);
    let hour = "INSERT INTO usage_hourly_totals VALUES ('ws_x', 3600, '', '', 1, 1, 1, 1, 1, 1, 1)";
    finds(hour, &[("unmetered_file", 2), ("wrong_rollup", 1)]);
    let rebuilt = run(&["usage", "--rebuild", "--data-dir", &data.text()]);
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    finds("", &[("unmetered_file", 2)]);
    for change in ["UPDATE ledger SET bytes = 0", "DELETE FROM ledger"] {
        let refused = database.execute(change, []).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
}

#[test]
fn scrub_finds_every_flipped_byte_and_no_download_of_one_ends_cleanly() {
    const BLOBS: usize = 1000;
    let data = Data::new();
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, BLOBS + 10);
    let mut found = blobs(&data.path());
    found.sort();
    let damaged = &found[..BLOBS];
    damaged.iter().for_each(flip_a_byte);
    let (code, findings) = inspect("scrub", &data, &[]);
    assert_eq!((code, findings.get("damaged_blob")), (Some(1), Some(&BLOBS)));
    let (mut whole, mut refused) = (0, 0);
    let list = client.send("GET", "/v1/files?limit=500").unwrap().json();
    for file in list["data"].as_array().unwrap() {
        match client.send("GET", &format!("/v1/files/{}/content", file["id"].as_str().unwrap())).unwrap().status {
            200 => whole += 1,
            500 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused >= 490 && whole <= 10, "{refused} refused, {whole} whole");
    let (code, some) = inspect("scrub", &data, &["--read-data-subset", "10%"]);
    assert!(code == Some(1) && (20..500).contains(&some["damaged_blob"]), "{some:?}");
    report(&format!("scrub: {BLOBS} of {BLOBS} flipped bytes found"));
}

#[test]
fn scrub_finds_what_has_changed_in_a_row_and_no_download_of_it_succeeds() {
    const FILES: usize = 100;
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, FILES);
    assert!(blobs(&data.path()).is_empty(), "small files have no blobs");
    assert_eq!(inspect("scrub", &data, &[]), (Some(0), BTreeMap::new()));
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    let change = "UPDATE blobs SET content = CAST(x'ff' || substr(content, 2) AS BLOB)";
    assert_eq!(database.execute(change, []).unwrap(), FILES);
    assert_eq!(inspect("scrub", &data, &[]), (Some(1), [("damaged_blob".to_owned(), FILES)].into()));
    let text = String::from_utf8(run(&["scrub", "--data-dir", &data.text()]).stdout).unwrap();
    assert!(text.lines().all(|line| line.contains(" of file-") && line.ends_with("(workspace default)")), "{text}");
    assert_eq!(inspect("fsck", &data, &[]), (Some(0), BTreeMap::new()));
    for file in client.send("GET", "/v1/files").unwrap().json()["data"].as_array().unwrap() {
        let answer = client.send("GET", &format!("/v1/files/{}/content", file["id"].as_str().unwrap())).unwrap();
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (500, &"file_damaged".into()));
    }
    database.execute("UPDATE blobs SET content = substr(content, 2)", []).unwrap();
    assert_eq!(inspect("fsck", &data, &[]), (Some(1), [("wrong_size".to_owned(), FILES)].into()));
}

#[test]
fn a_scrub_that_is_cut_off_goes_on_where_it_stopped() {
    const BLOBS: usize = 560;
    let data = Data::new();
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    (0..BLOBS).for_each(|_| drop(client.upload(&[7; 512], 2048).unwrap().id()));
    let note = data.folder.path().join("progress");
    let arguments = ["scrub", "--data-dir", &data.text(), "--progress", note.to_str().unwrap()];
    let slowly = [arguments.as_slice(), &["--max-mib-per-second", "1"]].concat();
    let mut slow = Running(venna_testkit::program::venna(&slowly).stderr(std::process::Stdio::null()).spawn().unwrap());
    wait_until("it notes how far it is", || {
        assert!(slow.0.try_wait().unwrap().is_none(), "it was too quick to be struck");
        note.exists()
    });
    drop(slow);
    flip_a_byte(blobs(&data.path()).iter().min().unwrap());
    let rest = run(&arguments);
    let said = String::from_utf8_lossy(&rest.stderr);
    assert!(rest.status.code() == Some(0) && said.contains(&format!("{BLOBS} blobs read")), "{said}");
    assert!(!note.exists(), "a scrub that came to its end is forgotten");
    assert_eq!(run(&arguments).status.code(), Some(1), "the next one begins at the beginning");
    std::fs::write(&note, "{}").unwrap();
    assert_eq!(run(&arguments).status.code(), Some(2), "what is no progress is refused");
}

#[test]
fn what_cannot_be_checked_is_told_apart() {
    let data = Data::new();
    assert_eq!(inspect("fsck", &data, &[]).0, Some(2));
    assert_eq!(inspect("scrub", &data, &[]).0, Some(2));
    drop(Program::start(&data.path()));
    std::fs::remove_dir_all(data.path().join("blobs")).unwrap();
    assert_eq!(inspect("fsck", &data, &[]).0, Some(2), "there is no folder of blobs");
    assert_eq!(run(&["scrub", "--read-data-subset", "0%"]).status.code(), Some(2));
}
