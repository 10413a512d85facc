//! Sources of uploads, filters of deletes, and targets of downloads.

use super::kills::list;
use super::stub::{Reply, Stub};
use super::terminal::Terminal;
use super::{command, files, started, text};
use std::fs::{create_dir_all, read, read_dir, write};
use std::io::Write;
use std::process::Stdio;
use venna_testkit::program::Program;

/// Uploads files and returns the names on the server.
fn names(server: &Program, key: &str, arguments: &[&str]) -> Vec<String> {
    let sent = files(server, key, &[&["upload", "--purpose", "user_data", "--json"], arguments].concat());
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    let file = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let mut names: Vec<String> =
        text(&sent.stdout).lines().map(|line| file(line)["filename"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn patterns_folders_and_standard_input_are_sources() {
    let (data, server) = started();
    let key = data.first_key();
    let folder = data.folder.path().join("tree");
    create_dir_all(folder.join("below")).unwrap();
    for name in ["a.txt", "b.txt", ".hidden.txt", "c.bin", "below/d.txt"] {
        write(folder.join(name), name).unwrap();
    }
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    assert_eq!(names(&server, &key, &[&path("*.txt")]), ["a.txt", "b.txt"]);
    assert_eq!(names(&server, &key, &[&path("**/[cd].*"), &path("c.bin")]), ["c.bin", "d.txt"], "each file once");
    assert_eq!(names(&server, &key, &[&path("a.txt"), "--name", "other.txt"]), ["other.txt"]);
    let none = files(&server, &key, &["upload", &path("*.pdf"), "--purpose", "user_data"]);
    assert!(none.status.code() == Some(1) && text(&none.stderr).contains("no file matches"));
    for wrong in [vec!["-"], vec!["-", "x", "--name", "y"], vec![path("*.txt").leak(), "--name", "y"]] {
        let refused = files(&server, &key, &[&["upload", "--purpose", "user_data"], wrong.as_slice()].concat());
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
    }

    let arguments = ["upload", "-", "--name", "piped.txt", "--purpose", "user_data", "--json"];
    let mut piped = command(server.address, &key, data.folder.path(), &arguments);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&piped.wait_with_output().unwrap().stdout).unwrap();
    let content = files(&server, &key, &["content", sent["id"].as_str().unwrap(), "-o", "-"]);
    assert_eq!((sent["filename"].as_str(), content.stdout), (Some("piped.txt"), b"from a pipe".to_vec()));
}

#[test]
fn filters_choose_what_is_deleted_and_a_person_agrees() {
    let (data, server) = started();
    let key = data.first_key();
    for name in ["log-1", "log-2", "keep"] {
        let path = data.folder.path().join(name);
        write(&path, name).unwrap();
        names(&server, &key, &[path.to_str().unwrap()]);
    }
    let delete = |arguments: &[&str]| files(&server, &key, &[&["delete"], arguments].concat());
    assert_eq!(delete(&[]).status.code(), Some(2), "nothing is chosen");
    assert_eq!(delete(&["--all", "--purpose", "user_data"]).status.code(), Some(2));
    let shown = delete(&["--name-prefix", "log-", "--purpose", "user_data", "--dry-run"]);
    let shown = text(&shown.stdout);
    assert!(shown.contains("log-1") && shown.contains("log-2") && !shown.contains("keep"), "{shown}");
    assert_eq!(delete(&["--all"]).status.code(), Some(2), "without a terminal --yes is needed");
    assert!(delete(&["--older-than", "1d", "--yes"]).status.success());
    assert_eq!(list(&server, &key).len(), 3, "nothing is so old");

    for (answer, code, left) in [("\n", 1, 3), ("y\n", 0, 1)] {
        let arguments = ["delete", "--name-prefix", "log-"];
        let mut terminal = Terminal::start(command(server.address, &key, data.folder.path(), &arguments), 80);
        terminal.wait_for("Delete 2 files (10 B)? [y/N]");
        terminal.type_in(answer);
        assert_eq!((terminal.code(), list(&server, &key).len()), (Some(code), left), "{}", terminal.shown());
    }
    let all = delete(&["--all", "--yes", "--json"]);
    let line: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!((line["deleted"].as_bool(), list(&server, &key).len()), (Some(true), 0));
}

#[test]
fn a_delete_whose_answer_was_lost_is_done() {
    let stub = Stub::start(|request, earlier| match (request.line.as_str(), earlier) {
        ("DELETE /v1/files/file-1", 0) => Reply::Cut,
        _ => Reply::Answer(404, "", String::new()),
    });
    let home = tempfile::tempdir().unwrap();
    let delete = |id: &str| command(stub.address, "sk-test", home.path(), &["delete", id]).status().unwrap().code();
    assert_eq!((delete("file-1"), delete("file-2")), (Some(0), Some(1)));
}

#[test]
fn a_redirect_is_followed_without_the_key() {
    let stub = Stub::start(|request, _| match request.line.as_str() {
        "GET /v1/files/file-1/content" => {
            Reply::Answer(302, "Location: ../../../bucket/1?signature=s\r\n", String::new())
        }
        "GET /bucket/1?signature=s" => Reply::Answer(200, "", "content".into()),
        _ => Reply::Answer(404, "", String::new()),
    });
    let home = tempfile::tempdir().unwrap();
    let done = command(stub.address, "sk-test", home.path(), &["content", "file-1", "-o", "-"]).output().unwrap();
    assert_eq!(done.stdout, b"content", "{done:?}");
    let keys = |line: &str| stub.requests(line).into_iter().map(|request| request.api_key).collect::<Vec<_>>();
    assert_eq!((keys("GET /v1"), keys("GET /bucket")), (vec!["Bearer sk-test".to_owned()], vec![String::new()]));
}

#[test]
fn several_files_come_into_a_folder_and_replace_nothing() {
    let (data, server) = started();
    let key = data.first_key();
    let mut ids = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let path = data.folder.path().join(name);
        write(&path, name).unwrap();
        let sent = files(&server, &key, &["upload", path.to_str().unwrap(), "--purpose", "user_data", "--json"]);
        let file: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
        ids.push(file["id"].as_str().unwrap().to_owned());
    }
    let folder = data.folder.path().join("new/back");
    let target = format!("{}/", folder.display());
    let receive = |options: &[&str]| {
        files(&server, &key, &[&["content", &ids[0], &ids[1], "-o", &target, "--json"], options].concat())
    };
    let received = receive(&[]);
    assert!(received.status.success(), "{}", text(&received.stderr));
    let lines: Vec<serde_json::Value> =
        text(&received.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), lines[0]["bytes"].as_u64(), lines[0]["checksum_compared"].as_bool()),
        (2, Some(5), Some(true))
    );
    write(folder.join("a.txt"), "mine").unwrap();
    assert_eq!((receive(&[]).status.code(), read(folder.join("a.txt")).unwrap()), (Some(1), b"mine".to_vec()));
    assert_eq!(
        (receive(&["--force"]).status.code(), read(folder.join("a.txt")).unwrap()),
        (Some(0), b"a.txt".to_vec())
    );
    assert_eq!(read_dir(&folder).unwrap().count(), 2, "no partial file is left");
    let file = data.folder.path().join("one");
    let refused = files(&server, &key, &["content", &ids[0], &ids[1], "-o", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
}
