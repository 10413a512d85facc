//! Imports that go on later, and what they keep between their runs.

use super::client;
use super::kills::list;
use super::moves::Place;
use super::stub::{Reply, Stub};
use super::terminal::Terminal;
use super::text;
use std::fs::{File, create_dir, create_dir_all, read_dir, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use venna_testkit::program::wait_until;

/// A day, in seconds.
const DAY: u64 = 86_400;
/// The time that a test may take, in seconds.
const SLACK_SECONDS: u64 = 120;
/// The size of a file that has a bar of its own, in bytes.
const BAR_BYTES: usize = 8 << 20;

/// Returns the time, in Unix seconds.
fn now() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "the program under test takes the time of the system, too")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Returns the folder of staged contents.
fn staging(home: &Path) -> PathBuf {
    home.join(".local/state/venna/imports")
}

/// Returns the paths of staged contents.
fn staged(home: &Path) -> Vec<PathBuf> {
    read_dir(staging(home)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Sets the time of change of a file, or of a symbolic link itself.
fn set_modified(path: &Path, unix_seconds: u64) {
    let touched = Command::new("touch").args(["-h", "-d", &format!("@{unix_seconds}")]).arg(path).status();
    assert!(touched.unwrap().success());
}

/// Returns a File as JSON.
fn object(id: &str, bytes: usize, expires_at: Option<u64>) -> String {
    let file = serde_json::json!({"id": id, "object": "file", "filename": "a.bin", "purpose": "user_data",
        "bytes": bytes, "created_at": now(), "expires_at": expires_at});
    file.to_string()
}

/// Starts a source with one file, `file-1`.
fn source(content: &'static str, expires_at: Option<u64>) -> Stub {
    Stub::start(move |request, _| match request.line.as_str() {
        "GET /v1/files/file-1/content" => Reply::Answer(200, "", content.into()),
        line if line.starts_with("GET /v1/files?") => {
            let file = object("file-1", content.len(), expires_at);
            Reply::Answer(200, "", format!(r#"{{"data":[{file}],"has_more":false}}"#))
        }
        _ => Reply::Answer(404, "", String::new()),
    })
}

/// Returns `venna import` from a source to a target, with the state and the map in `home`.
fn import(source: &str, target: &Stub, home: &Path) -> Command {
    let mut import = client(target.address, "vk_test", home, &["import", source, "--map"]);
    import.arg(home.join("map.jsonl")).env("VENNA_FROM_API_KEY", "secret-of-source");
    import
}

fn url(stub: &Stub) -> String {
    format!("http://{}", stub.address)
}

/// Returns the lifetime that the form of a new File asks for, in seconds.
fn asked_seconds(body: &str) -> u64 {
    let after = body.split("expires_after[seconds]\"").nth(1).unwrap();
    after.trim_start().lines().next().unwrap().parse().unwrap()
}

#[test]
fn a_content_that_waited_expires_when_its_source_does() {
    let (home, expires_at) = (tempfile::tempdir().unwrap(), now() + 10 * DAY);
    let home = home.path();
    let source = source("content", Some(expires_at));
    let target = Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
        ("POST /v1/files", 0) => Reply::Answer(400, "", String::new()),
        ("POST /v1/files", _) => Reply::Answer(200, "", object("file-new", 7, None)),
        _ => Reply::Answer(404, "", String::new()),
    });
    assert_eq!(import(&url(&source), &target, home).status().unwrap().code(), Some(1));
    let waiting = staged(home);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    set_modified(&waiting[0], now() - 2 * DAY);
    assert!(import(&url(&source), &target, home).status().unwrap().success());
    let asked = asked_seconds(&target.requests("POST /v1/files")[1].body);
    assert!(asked <= 10 * DAY && asked > 10 * DAY - SLACK_SECONDS, "{asked}");
    assert_eq!(source.requests("GET /v1/files/file-1/content").len(), 1, "the content is not asked for again");
}

#[test]
fn a_file_of_an_upload_that_went_on_too_late_is_made_anew() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let folder = home.join("folder");
    create_dir(&folder).unwrap();
    write(folder.join("a.bin"), "content").unwrap();
    let manifest = |expires_at: u64| {
        let mut line: serde_json::Value = serde_json::from_str(&object("file-1", 7, Some(expires_at))).unwrap();
        line["path"] = "a.bin".into();
        write(folder.join("manifest.jsonl"), format!("{line}\n")).unwrap();
    };
    let target = Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
        ("POST /v1/files", 0) => Reply::Silence,
        ("POST /v1/files", number) => {
            let expires_at = now() + asked_seconds(&request.body);
            Reply::Answer(200, "", object(&format!("file-{number}"), 7, Some(expires_at)))
        }
        ("DELETE /v1/files/file-1", _) => Reply::Answer(200, "", "{}".into()),
        _ => Reply::Answer(404, "", String::new()),
    });
    let source = folder.to_str().unwrap();
    let expires_at = now() + 12 * DAY;
    manifest(expires_at);
    let mut killed = import(source, &target, home).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the file is sent", || target.requests("POST /v1/files").len() == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    // Two days pass: the link tells when the upload began.
    let link = &staged(home)[0];
    let began = link.symlink_metadata().unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
    set_modified(link, began - 2 * DAY);
    manifest(expires_at - 2 * DAY);

    let done = import(source, &target, home).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let sent = target.requests("POST /v1/files");
    assert_eq!(sent[0].idempotency_key, sent[1].idempotency_key, "it may have arrived: it is asked for, not doubled");
    assert_eq!((sent.len(), target.requests("DELETE /v1/files/file-1").len()), (3, 1));
    let asked = asked_seconds(&sent[2].body);
    assert!(asked <= 10 * DAY && asked > 10 * DAY - SLACK_SECONDS, "{asked}");
    assert!(read_to_string(home.join("map.jsonl")).unwrap().contains(r#""id":"file-2""#));
}

#[test]
fn staged_contents_that_no_run_needs_are_removed() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let source = source("content", None);
    let target = Stub::start(|_, _| Reply::Answer(400, "", String::new()));
    assert_eq!(import(&url(&source), &target, home).status().unwrap().code(), Some(1));
    assert_eq!(staged(home).len(), 1);
    let (old, young) = (staging(home).join("old.part"), staging(home).join("young"));
    for (path, days) in [(&old, 31), (&young, 29)] {
        File::create(path).unwrap();
        set_modified(path, now() - days * DAY);
    }
    let line = serde_json::json!({"source": url(&source), "target": format!("{}/v1", url(&target)),
        "source_id": "file-1", "id": "file-2", "filename": "a.bin", "purpose": "user_data", "bytes": 7});
    write(home.join("map.jsonl"), format!("{line}\n")).unwrap();
    let done = import(&url(&source), &target, home).output().unwrap();
    assert!(text(&done.stderr).contains("0 files imported, 1 were there, 0 failed"), "{done:?}");
    assert_eq!(staged(home), [young]);
}

#[test]
fn one_map_serves_imports_to_two_servers() {
    let (first, second) = (Place::new(), Place::new());
    let folder = first.path("folder");
    create_dir_all(&folder).unwrap();
    write(folder.join("a.txt"), "content").unwrap();
    let map = first.path("map.jsonl");
    let import = |place: &Place| {
        let mut import = place.import(folder.to_str().unwrap(), "", &map);
        import.args(["--default-purpose", "user_data"]).env("HOME", first.data.folder.path());
        text(&import.output().unwrap().stderr)
    };
    for place in [&first, &second] {
        let told = import(place);
        assert!(told.contains("1 file imported, 0 were there, 0 failed"), "{told}");
        assert_eq!(list(&place.server, &place.key).len(), 1);
    }
    for place in [&first, &second] {
        let told = import(place);
        assert!(told.contains("0 files imported, 1 were there, 0 failed"), "{told}");
    }
}

#[test]
fn the_bar_of_an_import_counts_each_byte_once() {
    let content = "x".repeat(BAR_BYTES);
    let source = source(content.leak(), None);
    let target = Stub::start(|_, _| Reply::Silence);
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(import(&url(&source), &target, home.path()), 120);
    wait_until("the file is sent", || target.requests("POST /v1/files").len() == 1);
    let is_whole = |shown: &str| {
        let line = shown.lines().find(|line| line.starts_with("1 file"));
        line.is_some_and(|line| line.contains(" 8.00 MiB/8.00 MiB"))
    };
    wait_until("the total shows all bytes", || is_whole(&terminal.shown()));
    std::thread::sleep(Duration::from_secs(1));
    let shown = terminal.shown();
    assert!(is_whole(&shown) && !shown.contains("16.00 MiB"), "{shown}");
    terminal.type_in("\u{3}");
    assert_eq!(terminal.code(), Some(130));
}
