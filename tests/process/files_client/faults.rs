//! Uploads to servers that fail, forget, or have no Uploads.

use super::stub::{Reply, Stub, file};
use super::{command, state};
use md5::{Digest, Md5};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use venna_testkit::program::wait_until;

/// The size of a file of three parts, in bytes.
pub const LARGE_BYTES: u64 = (128 << 20) + 5;

/// A file to send to a stub.
pub struct Case {
    pub folder: TempDir,
    stub: Stub,
}

impl Case {
    pub fn new(size_bytes: u64, stub: Stub) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("a.bin")).unwrap().set_len(size_bytes).unwrap();
        Self { folder, stub }
    }

    pub fn command(&self) -> std::process::Command {
        let path = self.folder.path().join("a.bin");
        let arguments = ["upload", path.to_str().unwrap(), "--purpose", "user_data", "--json"];
        command(self.stub.address, "sk-test", &self.home(), &arguments)
    }

    pub fn upload(&self) -> Output {
        self.command().output().unwrap()
    }

    /// Kills an upload once its last part has begun and the others are finished.
    fn upload_until_two_parts_are_finished(&self) {
        let mut killed = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let home = self.home();
        wait_until("two parts are finished", || finished_parts(&home) == 2);
        killed.kill().unwrap();
        killed.wait().unwrap();
    }

    pub fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    pub fn count(&self, line: &str) -> usize {
        self.stub.requests(line).len()
    }
}

#[test]
fn the_pause_that_a_server_asks_for_is_kept_and_the_key_stays() {
    let case = Case::new(
        3,
        Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
            ("POST /v1/files", 0) => Reply::Answer(429, "Retry-After: 1\r\n", String::new()),
            ("POST /v1/files", 1) => Reply::Answer(503, "", String::new()),
            ("POST /v1/files", _) => Reply::Answer(200, "", file("file-1", "a.bin", 3)),
            _ => Reply::Answer(500, "", String::new()),
        }),
    );
    let begun = Instant::now();
    assert_eq!(id(&case.upload()), "file-1");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let sent = case.stub.requests("POST /v1/files");
    assert_eq!(sent.len(), 3);
    assert!(
        !sent[0].idempotency_key.is_empty() && sent.iter().all(|one| one.idempotency_key == sent[0].idempotency_key)
    );
    assert!(state(&case.home()).is_empty(), "{:?}", state(&case.home()));
    assert_eq!(id(&case.upload()), "file-1");
    assert_ne!(case.stub.requests("POST /v1/files")[3].idempotency_key, sent[0].idempotency_key, "another upload");
}

#[test]
fn an_answer_that_is_lost_on_its_way_is_asked_for_again() {
    let cut = |text: String| Reply::CutAnswer(text);
    let case = Case::new(
        LARGE_BYTES,
        Stub::start(move |request, earlier| match (request.line.as_str(), earlier, uploads(&request.line, earlier)) {
            ("GET /v1/files/file-1", 0, _) => cut("{".into()),
            ("GET /v1/files/file-1", ..) => Reply::Answer(200, "", file("file-1", "a.bin", LARGE_BYTES)),
            ("POST /v1/uploads" | "POST /v1/uploads/upload_1/complete", 0, Reply::Answer(.., text)) => cut(text),
            (.., answer) => answer,
        }),
    );
    assert_eq!(id(&case.upload()), "file-1");
    assert_eq!(
        (case.count("POST /v1/uploads/upload_1/parts"), case.count("POST /v1/uploads/upload_1/complete")),
        (3, 2)
    );
    let keys: BTreeSet<String> =
        case.stub.requests("POST /v1/uploads").into_iter().map(|request| request.idempotency_key).collect();
    assert_eq!(keys.len(), 5, "a repetition has the key of its request");
    let got = command(case.stub.address, "sk-test", &case.home(), &["get", "file-1"]).output().unwrap();
    assert!(got.status.success(), "{got:?}");
}

#[test]
fn a_server_without_uploads_gets_one_request() {
    for status in [404, 501] {
        let case = Case::new(
            LARGE_BYTES,
            Stub::start(move |request, _| match request.line.as_str() {
                "POST /v1/files" => Reply::Answer(200, "", file("file-1", "a.bin", LARGE_BYTES)),
                _ => Reply::Answer(status, "", String::new()),
            }),
        );
        assert_eq!(id(&case.upload()), "file-1");
        assert!(case.stub.requests("POST /v1/files")[0].body_bytes as u64 > LARGE_BYTES);
        assert_eq!(case.count("POST /v1/uploads"), 1, "{status}");
    }
}

#[test]
fn a_connection_that_is_cut_within_a_part_costs_that_part() {
    let case = Case::new(
        LARGE_BYTES,
        Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
            ("POST /v1/uploads/upload_1/parts", 1) => Reply::Cut,
            _ => uploads(request.line.as_str(), earlier),
        }),
    );
    assert_eq!(id(&case.upload()), "file-1");
    let mut keys: Vec<String> =
        case.stub.requests("POST /v1/uploads/upload_1/parts").into_iter().map(|part| part.idempotency_key).collect();
    assert_eq!(keys.len(), 4);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3, "the repetition has the key of its part");
}

#[test]
fn a_killed_upload_sends_no_finished_part_again() {
    let case = Case::new(
        LARGE_BYTES,
        Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
            ("POST /v1/uploads/upload_1/parts", 2) => Reply::Silence,
            _ => uploads(request.line.as_str(), earlier),
        }),
    );
    case.upload_until_two_parts_are_finished();
    let done = case.upload();
    let steps = String::from_utf8(done.stderr.clone()).unwrap();
    assert!(steps.contains("a.bin: goes on, 2 of 3 parts are there") && !steps.contains('\u{1b}'), "{steps}");
    assert_eq!(id(&done), "file-1");
    assert_eq!((case.count("POST /v1/uploads/upload_1/parts"), case.count("POST /v1/uploads/upload_1/cancel")), (4, 0));
    let created: Vec<_> =
        case.stub.requests("POST /v1/uploads").into_iter().filter(|one| one.line == "POST /v1/uploads").collect();
    assert_eq!(created.len(), 1);
    assert!(state(&case.home()).is_empty());
}

#[test]
fn two_processes_do_not_send_the_same_file() {
    let stub = Stub::start(|request, _| match request.line.as_str() {
        "POST /v1/files" => Reply::Silence,
        _ => Reply::Answer(500, "", String::new()),
    });
    let case = Case::new(3, stub);
    let mut first = case.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first process sends the file", || case.count("POST /v1/files") == 1);
    let second = case.upload();
    first.kill().unwrap();
    first.wait().unwrap();
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(second.status.code() == Some(1) && error.contains("another process uploads this file"), "{error}");
    assert_eq!(case.count("POST /v1/files"), 1);
}

#[test]
fn a_lock_that_a_killed_process_left_is_removed() {
    let case = Case::new(3, Stub::start(|_, _| Reply::Answer(200, "", file("file-1", "a.bin", 3))));
    let folder = case.home().join(".local/state/venna/uploads");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("0123.json.lock"), "").unwrap();
    assert_eq!(id(&case.upload()), "file-1");
    assert!(state(&case.home()).is_empty(), "{:?}", state(&case.home()));
}

#[test]
fn an_upload_that_the_server_forgot_begins_anew() {
    let case = Case::new(
        LARGE_BYTES,
        Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
            ("POST /v1/uploads", 1) => Reply::Answer(200, "", r#"{"id":"upload_2"}"#.into()),
            ("POST /v1/uploads/upload_1/parts", 2) => Reply::Silence,
            ("POST /v1/uploads/upload_1/parts", 3) => Reply::Answer(404, "", String::new()),
            _ => uploads(request.line.as_str(), earlier),
        }),
    );
    case.upload_until_two_parts_are_finished();
    assert_eq!(id(&case.upload()), "file-2");
    assert_eq!(case.count("POST /v1/uploads/upload_2/parts"), 3);
}

#[test]
fn an_upload_of_a_file_that_changed_is_cancelled_and_begins_anew() {
    let case = Case::new(
        LARGE_BYTES,
        Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
            ("POST /v1/uploads", 1) => Reply::Answer(200, "", r#"{"id":"upload_2"}"#.into()),
            ("POST /v1/uploads/upload_1/parts", 2) => Reply::Silence,
            _ => uploads(request.line.as_str(), earlier),
        }),
    );
    case.upload_until_two_parts_are_finished();
    std::fs::File::options()
        .write(true)
        .open(case.folder.path().join("a.bin"))
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!(id(&case.upload()), "file-2");
    assert_eq!((case.count("POST /v1/uploads/upload_1/cancel"), case.count("POST /v1/uploads/upload_2/parts")), (1, 3));
}

#[test]
fn a_server_that_states_no_digest_of_parts_compares_the_md5_of_the_whole() {
    let case = Case::new(LARGE_BYTES, Stub::start(|request, earlier| uploads(request.line.as_str(), earlier)));
    assert_eq!(id(&case.upload()), "file-1");
    let zeros = vec![0; usize::try_from(LARGE_BYTES).unwrap()];
    let md5 = base16ct::lower::encode_string(&Md5::digest(zeros));
    let completion = &case.stub.requests("POST /v1/uploads/upload_1/complete")[0].body;
    let expected = format!(r#"{{"part_ids":["part_0","part_1","part_2"],"md5":"{md5}"}}"#);
    let sorted = |text: &str| {
        let mut letters: Vec<u8> = text.bytes().collect();
        letters.sort_unstable();
        letters
    };
    assert_eq!(sorted(completion), sorted(&expected), "{completion}");
}

#[test]
fn a_part_with_another_digest_ends_the_upload() {
    let wrong = "0".repeat(64);
    let stub = Stub::start(move |request, earlier| match (request.line.as_str(), earlier) {
        ("POST /v1/uploads/upload_1/parts", 1) => {
            Reply::Answer(200, "", format!(r#"{{"id":"part_1","sha256":"{wrong}"}}"#))
        }
        (line, earlier) => uploads(line, earlier),
    });
    let case = Case::new(LARGE_BYTES, stub);
    let refused = case.upload();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && error.contains("do not match the checksum"), "{error}");
    assert_eq!(
        (case.count("POST /v1/uploads/upload_1/complete"), case.count("POST /v1/uploads/upload_1/cancel")),
        (0, 1)
    );
}

/// Answers as a server of Uploads.
pub fn uploads(line: &str, earlier: usize) -> Reply {
    let answer = |text: String| Reply::Answer(200, "", text);
    let number = if line.contains("upload_2") { 2 } else { 1 };
    match line.rsplit('/').next().unwrap() {
        "uploads" => answer(r#"{"id":"upload_1"}"#.into()),
        "parts" => answer(format!(r#"{{"id":"part_{earlier}"}}"#)),
        "complete" => answer(format!(r#"{{"file":{}}}"#, file(&format!("file-{number}"), "a.bin", LARGE_BYTES))),
        "cancel" => answer("{}".into()),
        _ => Reply::Answer(500, "", String::new()),
    }
}

fn finished_parts(home: &Path) -> usize {
    let path = state(home).into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json"));
    let record = path.and_then(|path| std::fs::read(path).ok());
    let record: Option<serde_json::Value> = record.and_then(|record| serde_json::from_slice(&record).ok());
    record.map_or(0, |record| record["parts"].as_object().unwrap().len())
}

pub fn id(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    file["id"].as_str().unwrap().to_owned()
}
