//! A rolling upgrade: servers of the version before go on while the first new one migrates. Needs the program of that
//! version, which `VENNA_PREVIOUS_PROGRAM` names.

use super::life::{content, create, post};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use venna_testkit::bucket::Bucket;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Client, Data, Program, venna, wait_until};

/// The variable with the path of the program of the version before.
const VARIABLE: &str = "VENNA_PREVIOUS_PROGRAM";
/// The rounds of requests before the new server starts, and again once it serves.
const ROUNDS: usize = 10;
/// The size of a file, in bytes.
const BYTES: usize = 3000;

/// Creates, reads and deletes a file, and completes one of parts that stays.
fn round(client: &Client) {
    let bytes = content("rolling.txt", BYTES);
    let kept = create(client, "user_data", "kept.txt", &bytes, &[]).id();
    assert!(client.send("GET", &format!("/v1/files/{kept}/content")).unwrap().body == bytes);
    let gone = create(client, "user_data", "gone.txt", &bytes, &[]).id();
    for (method, path) in [("GET", "/v1/files".to_owned()), ("DELETE", format!("/v1/files/{gone}"))] {
        assert_eq!(client.send(method, &path).unwrap().status, 200);
    }
    let body = serde_json::json!({"bytes": 6, "filename": "a", "mime_type": "text/plain", "purpose": "user_data"});
    let upload = post(client, "/v1/uploads", &body).id();
    let part = client.send_form(&format!("/v1/uploads/{upload}/parts"), "", "data", b"parted", 6).unwrap().id();
    let done = post(client, &format!("/v1/uploads/{upload}/complete"), &serde_json::json!({"part_ids": [part]}));
    assert_eq!(done.status, 200, "{}", done.json());
}

#[test]
fn servers_of_the_version_before_go_on_while_a_new_one_migrates() {
    let Ok(previous) = std::env::var(VARIABLE) else {
        println!("SKIPPED: a rolling upgrade: {VARIABLE} names no program of the version before");
        return;
    };
    let Some(database) = Database::fresh("a rolling upgrade") else { return };
    let (bucket, folders) = (Bucket::open(), [Data::new(), Data::new()]);
    let words = ["serve", "--metadata-url", &database.url, "--blobs-url", &bucket.url("rolling")];
    let of_bucket = || bucket.variables(bucket.address);
    let serve_previous = || {
        let mut command = Command::new(&previous);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VENNA_")) {
            command.env_remove(name);
        }
        command.args(words).envs(of_bucket());
        Program::try_spawn(command, &folders[0].path())
    };
    let old = serve_previous().unwrap();
    let client = old.client(&folders[0].first_key());
    let (rounds, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let new = thread::scope(|scope| {
        let work = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                round(&client);
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        let advance = || {
            let goal = rounds.load(Ordering::Relaxed) + ROUNDS;
            wait_until("the old server serves", || work.is_finished() || rounds.load(Ordering::Relaxed) >= goal);
        };
        advance();
        let mut command = venna(&words);
        command.envs(of_bucket());
        let new = Program::spawn(command, &folders[1].path());
        advance();
        is_over.store(true, Ordering::Relaxed);
        new
    });
    let there = new.client(&folders[0].first_key());
    let list = |client: &Client| client.send("GET", "/v1/files?limit=10000").unwrap().json();
    assert_eq!(list(&client), list(&there));
    drop(old);
    let log = serve_previous().err().expect("the old program starts no more").join("\n");
    assert!(log.contains("the database is at schema"), "{log}");
    round(&there);
    let folder = folders[1].text();
    let checked =
        venna(&[&["fsck", "--json", "--data-dir", &folder], &words[1..]].concat()).envs(of_bucket()).output().unwrap();
    assert_eq!((checked.status.code(), checked.stdout.len()), (Some(0), 0), "{checked:?}");
}
