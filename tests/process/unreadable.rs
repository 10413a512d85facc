//! A sector that cannot be read: the blob on it is named with its File and workspace and left out, and the rest goes
//! on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use venna_testkit::program::{Data, Program, blobs, output, report, venna, wait_until};

const FILES: usize = 9;
const SIZE: usize = 300_000;
const READS: &str = "read,readv,pread64,preadv,preadv2";

/// A tracer under which reads of one path fail with EIO.
fn injecting(path: &Path, log: &Path) -> Command {
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-qq", "-o"]).arg(log).arg("-P").arg(path);
    tracer.args(["-e", &format!("trace={READS}"), "-e", &format!("inject={READS}:error=EIO")]);
    tracer
}

/// Runs `venna` under the tracer; none where nothing can be traced.
fn traced(path: &Path, folder: &Path, arguments: &[&str]) -> Option<Output> {
    let log = folder.join("trace");
    let mut tracer = injecting(path, &log);
    let done = tracer.arg(env!("CARGO_BIN_EXE_venna")).args(arguments).stdin(Stdio::null()).output().ok()?;
    let injected = std::fs::read_to_string(&log).is_ok_and(|log| log.contains("(INJECTED)"));
    if !injected {
        report("skipped: strace injects nothing here");
    }
    injected.then_some(done)
}

fn said(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

fn name_of(blob: &Path) -> &str {
    blob.file_name().unwrap().to_str().unwrap()
}

/// An installation of files with a blob each; the paths of the blobs in the order in which they are scrubbed, and the
/// id of the file of each by the name of its blob.
fn installation(data: &Data) -> (Vec<PathBuf>, BTreeMap<String, String>, String) {
    let mut server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    for number in 0..FILES {
        client.upload(&number.to_le_bytes(), SIZE).unwrap().id();
    }
    server.signal("TERM");
    server.wait();
    let mut paths = blobs(&data.path());
    paths.sort();
    let database = rusqlite::Connection::open(data.path().join("venna.db")).unwrap();
    let mut select = database.prepare("SELECT blob_id, id, workspace_id FROM files").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows: Vec<(String, String, String)> = rows.unwrap().map(Result::unwrap).collect();
    let workspace = rows[0].2.clone();
    (paths, rows.into_iter().map(|(blob, file, _)| (blob, file)).collect(), workspace)
}

fn flip_a_byte(blob: &Path) {
    let mut content = std::fs::read(blob).unwrap();
    content[1000] ^= 1;
    std::fs::write(blob, content).unwrap();
}

#[test]
fn a_blob_that_cannot_be_read_is_named_and_left_out() {
    let data = Data::new();
    let (paths, owners, workspace) = installation(&data);
    let (bad, later) = (&paths[3], &paths[7]);
    let file = owners[name_of(bad)].clone();
    let named = format!("blob {} of {file} in {workspace} is damaged: the disk cannot read it (EIO)", name_of(bad));
    let folder = data.folder.path();
    let (good, partial, restored) = (folder.join("good"), folder.join("partial"), folder.join("restored"));
    output(&["backup", good.to_str().unwrap(), "--data-dir", &data.text()]);
    flip_a_byte(later);

    let arguments = ["backup", partial.to_str().unwrap(), "--data-dir", &data.text()];
    let Some(done) = traced(bad, folder, &arguments) else { return };
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains(&named) && said(&done).contains(name_of(later)), "{}", said(&done));
    assert!(partial.join("manifest.json").exists(), "what could be read is a backup");
    assert_eq!(blobs(&partial).len(), FILES - 2);

    let source = good.join("blobs").join(&name_of(bad)[..2]).join(name_of(bad));
    let arguments = ["restore", good.to_str().unwrap(), "--data-dir", restored.to_str().unwrap()];
    let done = traced(&source, folder, &arguments).unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains(&named), "{}", said(&done));
    assert!(!restored.join("restoring").exists(), "the restore came to its end");
    assert_eq!(blobs(&restored).len(), FILES - 1);

    let done = traced(bad, folder, &["scrub", "--data-dir", &data.text()]).unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains(&named) && said(&done).contains(name_of(later)), "{}", said(&done));
    assert!(said(&done).contains("9 blobs read") && said(&done).contains("2 damaged"), "{}", said(&done));
    let done = traced(bad, folder, &["scrub", "--json", "--data-dir", &data.text()]).unwrap();
    let line = String::from_utf8_lossy(&done.stdout).lines().next().unwrap().to_owned();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["finding"], "damaged_blob");
    assert_eq!(
        (&line["blob"], &line["owner"], &line["workspace"]),
        (&name_of(bad).into(), &file.into(), &workspace.into())
    );
}

#[test]
fn a_server_names_what_it_cannot_read_and_scrubs_on() {
    let data = Data::new();
    let (paths, owners, workspace) = installation(&data);
    let (bad, later) = (&paths[3], &paths[7]);
    flip_a_byte(later);
    let log = data.folder.path().join("trace");
    let mut command = injecting(bad, &log);
    // The tracer is a grandchild, so that signals reach the server.
    command.arg("-D");
    command.arg(env!("CARGO_BIN_EXE_venna")).args(["serve", "--scrub-interval-seconds", "1"]);
    let Ok(mut server) = Program::try_spawn(command, &data.path()) else {
        report("skipped: strace cannot run the server here");
        return;
    };
    let client = server.client(&data.first_key());
    let answer = client.send("GET", &format!("/v1/files/{}/content", owners[name_of(bad)])).unwrap();
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (500, &"file_damaged".into()));
    let whole_log = || server.whole_log.lock().unwrap().clone();
    let named = format!("blob {} of {} in {workspace}", name_of(bad), owners[name_of(bad)]);
    wait_until("the scrub names both", || whole_log().contains(&named) && whole_log().contains(name_of(later)));
    wait_until("and comes to its end", || whole_log().contains("\"damaged\":2"));
    server.signal("TERM");
    server.wait();
}

#[test]
fn a_destination_that_cannot_be_written_ends_a_backup() {
    let data = Data::new();
    installation(&data);
    let (folder, target) = (data.folder.path(), data.folder.path().join("backup"));
    let log = folder.join("trace");
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", "trace=writev", "-e", "inject=writev:error=EIO:when=3+"]);
    let command = venna(&["backup", target.to_str().unwrap(), "--data-dir", &data.text()]);
    let done = tracer.arg(command.get_program()).args(command.get_args()).output().unwrap();
    if !std::fs::read_to_string(&log).is_ok_and(|log| log.contains("(INJECTED)")) {
        report("skipped: strace injects nothing here");
        return;
    }
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
    assert!(!target.join("manifest.json").exists(), "it is no backup");
}
