//! `venna backup` and `venna restore`: whole, under load, and never half.

use crate::program::{Client, Data, Program, Running, blobs, output, report, run, venna, wait_until};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const FILES: usize = 60;
/// The largest file that has no blob.
const INLINE_BYTES: usize = 64 << 10;

fn backup(data: &Data, folder: &Path) -> Output {
    run(&["backup", folder.to_str().unwrap(), "--data-dir", &data.text()])
}

fn restore(folder: &Path, data: &Data) -> Output {
    run(&["restore", folder.to_str().unwrap(), "--data-dir", &data.text()])
}

fn begin(arguments: &[&str]) -> Running {
    Running(venna(arguments).stderr(Stdio::null()).spawn().unwrap())
}

fn succeeds(done: &Output) {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn fails(done: &Output, code: i32, why: &str) {
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(code) && said.contains(why), "{:?} {said}", done.status);
}

/// Every file's id and content.
fn contents(client: &Client) -> BTreeMap<String, Vec<u8>> {
    let list = client.send("GET", "/v1/files?limit=10000").unwrap().json();
    let id = |file: &serde_json::Value| file["id"].as_str().unwrap().to_owned();
    let content = |id: String| {
        let answer = client.send("GET", &format!("/v1/files/{id}/content")).unwrap();
        assert_eq!(answer.status, 200, "{id}");
        (id, answer.body)
    };
    list["data"].as_array().unwrap().iter().map(|file| content(id(file))).collect()
}

fn fill(client: &Client, count: usize) -> Vec<String> {
    (0..count).map(|number| client.upload(&number.to_le_bytes(), 1 + number * 7919).unwrap().id()).collect()
}

#[test]
fn a_backup_under_load_is_as_of_one_moment_and_restores_to_the_byte() {
    let (data, restored) = (Data::new(), Data::new());
    let folder = data.folder.path().join("backup");
    let server = Program::start(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, FILES);
    let before = contents(&client);
    let (done, changes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let busy: Vec<_> = (0..3_u8)
        .map(|number| {
            let (client, done, changes) = (client.clone(), Arc::clone(&done), Arc::clone(&changes));
            let mut own: Vec<String> = before.keys().skip(usize::from(number)).step_by(6).cloned().collect();
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    own.push(client.upload(&[number; 512], 300_000).unwrap().id());
                    let gone = own.remove(0);
                    assert_eq!(client.send("DELETE", &format!("/v1/files/{gone}")).unwrap().status, 200);
                    changes.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while changes.load(Ordering::Relaxed) < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let made = backup(&data, &folder);
    done.store(true, Ordering::Relaxed);
    for busy in busy {
        busy.join().unwrap();
    }
    succeeds(&made);
    let checked = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&folder).status();
    assert!(checked.unwrap().success(), "sha256sum finds the backup whole");

    succeeds(&restore(&folder, &restored));
    assert!(output(&["fsck", "--json", "--data-dir", &restored.text()]).is_empty());
    assert!(output(&["scrub", "--json", "--data-dir", &restored.text()]).is_empty());
    let copy = Program::start(&restored.path());
    assert!(!restored.path().join("first-key").exists(), "the keys are those of the backup");
    let there = contents(&copy.client(&data.first_key()));
    assert!(there.len() >= FILES, "{} files", there.len());
    let now = contents(&client);
    for (id, content) in &there {
        assert!(before.get(id).or_else(|| now.get(id)).is_none_or(|known| known == content), "{id}");
    }
    let (changes, files) = (changes.load(Ordering::Relaxed), there.len());
    report(&format!("backup: {files} files beside {changes} uploads and deletes, restored and scrubbed clean"));
    settles(&data, &client);
}

/// Once the backup is done, deleted bytes go.
fn settles(data: &Data, client: &Client) {
    client.send("DELETE", &format!("/v1/files/{}", contents(client).keys().next().unwrap())).unwrap();
    let files = contents(client).values().filter(|content| content.len() > INLINE_BYTES).count();
    wait_until(&format!("{files} blobs are left"), || blobs(&data.path()).len() == files);
}

#[test]
fn what_was_deleted_is_held_while_a_backup_runs() {
    let data = Data::new();
    let folder = data.folder.path().join("backup");
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    let ids = fill(&client, FILES);
    // The backup is stopped once it has its snapshot, and everything is deleted meanwhile.
    let mut running = begin(&["backup", folder.to_str().unwrap(), "--data-dir", &data.text()]);
    wait_until("it has its snapshot", || folder.join("SHA256SUMS").exists());
    let signal = |name: &str| {
        assert!(
            Command::new("kill").args([&format!("-{name}"), &running.0.id().to_string()]).status().unwrap().success()
        );
    };
    signal("STOP");
    for id in &ids {
        assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(blobs(&data.path()).len(), FILES, "bytes of deleted files are held");
    signal("CONT");
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let restored = Data::new();
    succeeds(&restore(&folder, &restored));
    let copy = Program::start(&restored.path());
    assert_eq!(contents(&copy.client(&data.first_key())).len(), FILES);
}

#[test]
fn a_backup_that_is_cut_off_is_none() {
    let (data, restored) = (Data::new(), Data::new());
    let server = Program::start_on_blobs(&data.path());
    fill(&server.client(&data.first_key()), FILES);
    for (number, wanted) in ["metadata.db", "SHA256SUMS", "blobs/ff"].into_iter().enumerate() {
        let folder = data.folder.path().join(format!("backup-{number}"));
        let mut running = begin(&["backup", folder.to_str().unwrap(), "--data-dir", &data.text()]);
        wait_until(wanted, || folder.join(wanted).exists());
        running.0.kill().unwrap();
        assert!(!running.0.wait().unwrap().success());
        fails(&restore(&folder, &restored), 2, "is no finished backup");
        fails(&backup(&data, &folder), 2, "is not empty");
        assert!(!restored.path().exists(), "nothing was made");
    }
}

#[test]
fn a_restore_that_is_cut_off_is_refused_by_every_command() {
    let (data, restored) = (Data::new(), Data::new());
    let folder = data.folder.path().join("backup");
    let server = Program::start_on_blobs(&data.path());
    fill(&server.client(&data.first_key()), FILES);
    succeeds(&backup(&data, &folder));
    let mut running = begin(&["restore", folder.to_str().unwrap(), "--data-dir", &restored.text()]);
    wait_until("it has begun", || restored.path().join("venna.db").exists());
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let refused = "was not restored to the end";
    fails(&run(&["serve", "--data-dir", &restored.text(), "--listen", "127.0.0.1:0"]), 1, refused);
    fails(&run(&["fsck", "--data-dir", &restored.text()]), 2, refused);
    fails(&run(&["keys", "create", "--data-dir", &restored.text()]), 1, refused);
    fails(&restore(&folder, &restored), 2, refused);
    std::fs::remove_dir_all(restored.path()).unwrap();
    succeeds(&restore(&folder, &restored));
    fails(&restore(&folder, &restored), 2, "is not empty");
}

#[test]
fn damage_is_told_and_keeps_nothing_else_from_being_copied() {
    let (data, restored, other) = (Data::new(), Data::new(), Data::new());
    let folder = data.folder.path().join("backup");
    let server = Program::start_on_blobs(&data.path());
    fill(&server.client(&data.first_key()), 6);
    let found = blobs(&data.path());
    std::fs::write(&found[0], "not what was stored").unwrap();
    let made = backup(&data, &folder);
    fails(&made, 1, "1 left out");
    let damaged = found[0].file_name().unwrap().to_str().unwrap();
    assert!(String::from_utf8_lossy(&made.stdout).contains(damaged));
    let again = restore(&folder, &restored);
    fails(&again, 1, "1 left out");
    assert!(String::from_utf8_lossy(&again.stdout).contains("damaged when the backup was made"));
    let copies = blobs(&folder);
    std::fs::write(&copies[0], "changed in the backup").unwrap();
    fails(&restore(&folder, &other), 1, "2 left out");
    std::fs::remove_dir_all(other.path()).unwrap();
    std::fs::write(folder.join("metadata.db"), "changed").unwrap();
    fails(&restore(&folder, &other), 2, "metadata.db is not the one that was written");
    fails(&backup(&Data::new(), &folder.join("x")), 2, "there is no installation");
}
