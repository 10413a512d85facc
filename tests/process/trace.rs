//! The order of system calls of one upload: nothing is acknowledged before it would survive a power cut
//! (docs/design/durability.md, R2 to R6).

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use venna_testkit::program::{Data, Program, report, venna};

pub const CALLS: &str = "openat,write,writev,pwrite64,fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg";

pub fn can_trace() -> bool {
    let probe = Command::new("strace").args(["-f", "-qq", "-e", "trace=fsync", "true"]).output();
    probe.is_ok_and(|output| output.status.success())
}

/// A server whose system calls are written to `log`; none where nothing can be traced.
fn traced(data: &Data, log: &Path) -> Option<Program> {
    if !can_trace() {
        report("skipped: strace cannot trace here");
        return None;
    }
    let program = venna(&["serve"]);
    let mut command = Command::new("strace");
    // The tracer runs apart, so that the process that is started, and killed at the end, is the server.
    command.args(["-D", "-f", "-y", "-qq", "-s", "64", "-e", &format!("trace={CALLS}")]);
    command.args(["-o", log.to_str().unwrap()]);
    command.arg(program.get_program()).args(program.get_args());
    Some(Program::spawn(command, &data.path()))
}

pub fn come_in_order(calls: &[String], steps: &[(&str, &[&str])]) {
    let mut at = 0;
    for (step, parts) in steps {
        let found = calls[at..].iter().position(|call| parts.iter().all(|part| call.contains(part)));
        let Some(found) = found else { panic!("{step} comes next, after call {at} of:\n{}", calls.join("\n")) };
        at += found + 1;
    }
}

#[test]
fn a_small_upload_is_one_commit_before_it_is_acknowledged() {
    let data = Data::new();
    let log = data.folder.path().join("trace");
    let Some(server) = traced(&data, &log) else { return };
    let started = calls(&String::from_utf8_lossy(&std::fs::read(&log).unwrap())).len();
    server.client(&data.first_key()).upload(&[7; 1000], 4096).unwrap().id();
    let calls = settled(&log, |calls| calls.iter().any(|call| call.contains("HTTP/1.1 200")));
    let calls = &calls[started..];
    come_in_order(calls, &[("commit", &["sync(", "venna.db-wal>"]), ("response", &["HTTP/1.1 200"])]);
    let elsewhere = calls.iter().find(|call| call.contains("/blobs/") && call.contains("O_CREAT"));
    assert_eq!(elsewhere, None, "nothing is made but the row");
}

#[test]
fn an_upload_is_durable_before_it_is_acknowledged() {
    let data = Data::new();
    let log = data.folder.path().join("trace");
    let Some(server) = traced(&data, &log) else { return };
    let started = calls(&String::from_utf8_lossy(&std::fs::read(&log).unwrap())).len();
    let client = server.client(&data.first_key());
    let id = client.upload(&[7; 1000], 700_000).unwrap().id();
    assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
    let calls = settled(&log, |calls| calls.iter().filter(|call| call.contains("HTTP/1.1 200")).count() == 2);
    let calls = &calls[started..];
    let temporary = created(calls);
    let shard = format!("/blobs/{}>", &temporary[..2]);
    let steps: [(&str, &[&str]); 8] = [
        ("commit of the intent", &["sync(", "venna.db-wal>"]),
        ("open", &["openat(", &temporary]),
        ("write", &["write", &temporary]),
        ("fsync", &["sync(", &temporary]),
        ("rename", &["rename", &temporary]),
        ("fsync of the directory", &["sync(", &shard]),
        ("commit", &["sync(", "venna.db-wal>"]),
        ("response", &["HTTP/1.1 200"]),
    ];
    come_in_order(calls, &steps);
    let fsyncs = calls.iter().filter(|call| call.contains("sync(") && call.contains(&temporary)).count();
    assert_eq!(fsyncs, 1, "the file is fsynced once");
}

/// The temporary file of the upload: the last one created for writing in the folder of blobs.
fn created(calls: &[String]) -> String {
    let mut opens =
        calls.iter().filter(|call| call.contains("openat(") && call.contains(".tmp\"") && call.contains("O_CREAT"));
    let open = opens.next_back().expect("the upload opens a temporary file");
    open.split('"').nth(1).unwrap().to_owned()
}

/// The calls, one a line, once they are all written; calls that were interrupted in the log are joined.
fn settled(log: &Path, whole: impl Fn(&[String]) -> bool) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let calls = calls(&String::from_utf8_lossy(&std::fs::read(log).unwrap()));
        if whole(&calls) {
            return calls;
        }
        assert!(Instant::now() < deadline, "the trace is complete:\n{}", calls.join("\n"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A call counts at the moment in which it returns.
pub fn calls(log: &str) -> Vec<String> {
    let mut begun = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(head) = call.strip_suffix("<unfinished ...>") {
            begun.insert(thread.to_owned(), head.to_owned());
        } else if call.starts_with("<... ") {
            let head = begun.remove(thread).unwrap_or_default();
            calls.push(format!("{head}{call}"));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}
