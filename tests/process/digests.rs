//! An Upload that is completed with an MD5 behind a proxy that gives up: the reading belongs to the Upload, not to the
//! connection.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::json;
use std::time::Duration;
use venna_testkit::program::{Answer, Client, Data, Program, report, wait_until};

const PART_BYTES: usize = 32 << 20;
const PARTS: usize = 2;
const SIZE_BYTES: u64 = (PARTS * PART_BYTES) as u64;
/// How soon the proxy gives up; reading takes longer.
const PROXY_TIMEOUT: Duration = Duration::from_millis(50);

/// An Upload whose parts are there.
struct Pending {
    path: String,
    completion: String,
}

fn post_json(client: &Client, path: &str, body: &str) -> std::io::Result<Answer> {
    client.post(path, "application/json", body.len(), |socket| std::io::Write::write_all(socket, body.as_bytes()))
}

fn pending_upload(client: &Client) -> Pending {
    let pattern: Vec<u8> = (0..PART_BYTES).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let declared =
        json!({"bytes": SIZE_BYTES, "filename": "a.bin", "mime_type": "x/y", "purpose": "user_data"}).to_string();
    let path = format!("/v1/uploads/{}", post_json(client, "/v1/uploads", &declared).unwrap().id());
    let (mut parts, mut md5) = (Vec::new(), Md5::new());
    for _ in 0..PARTS {
        md5.update(&pattern);
        parts.push(client.send_form(&format!("{path}/parts"), "", "data", &pattern, PART_BYTES).unwrap().id());
    }
    let md5 = STANDARD.encode(md5.finalize());
    Pending { path, completion: json!({"part_ids": parts, "md5": md5}).to_string() }
}

impl Pending {
    /// Asks as a client behind the proxy does; whether it was answered before the proxy gave up.
    fn is_completed_in_time(&self, client: &Client) -> bool {
        let answer =
            post_json(&client.with_timeout(PROXY_TIMEOUT), &format!("{}/complete", self.path), &self.completion);
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

#[test]
fn a_client_whose_proxy_gives_up_is_done_after_one_read() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let upload = pending_upload(&client);
    let before = server.read_bytes();
    let mut tries = 1;
    wait_until("a try finds what the one before it began", || {
        let is_completed = upload.is_completed_in_time(&client);
        tries += usize::from(!is_completed);
        is_completed
    });
    let read = server.read_bytes() - before;
    report(&format!("{SIZE_BYTES} bytes completed after {tries} tries, {read} bytes read"));
    assert!(tries >= 3, "the proxy did give up: {tries}");
    assert!((SIZE_BYTES..SIZE_BYTES * 5 / 4).contains(&read), "{read}");
}

#[test]
fn three_clients_at_once_are_answered_by_one_read() {
    let data = Data::new();
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let upload = pending_upload(&client);
    let before = server.read_bytes();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let ask = || post_json(&client, &format!("{}/complete", upload.path), &upload.completion).unwrap();
        let asked: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap().json()["file"]["id"].to_string()).collect()
    });
    let read = server.read_bytes() - before;
    assert!(answers[0].starts_with("\"file-") && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!((SIZE_BYTES..SIZE_BYTES * 5 / 4).contains(&read), "{read}");
}

#[test]
fn a_server_that_stops_does_not_read_on_for_a_client_that_has_gone() {
    let data = Data::new();
    let mut server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    let upload = pending_upload(&client);
    let before = server.read_bytes();
    assert!(!upload.is_completed_in_time(&client));
    server.signal("TERM");
    assert!(server.read_bytes() - before < SIZE_BYTES, "it is being read");
    assert_eq!(server.wait(), Some(0));
    let log = server.whole_log.lock().unwrap().clone();
    assert!(!log.contains("ERROR") && !log.contains("aborted"), "{log}");
    let server = Program::start(&data.path());
    let completed =
        post_json(&server.client(&data.first_key()), &format!("{}/complete", upload.path), &upload.completion);
    assert_eq!(completed.unwrap().status, 200, "the Upload is as it was");
}
