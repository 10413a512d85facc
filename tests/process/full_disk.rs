//! A disk that is full: uploads are refused clearly and leave nothing, everything else works, and room is usable at
//! once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use venna_testkit::program::{Client, Data, PROMPTLY, Program, blobs, report};

const MIB: usize = 1 << 20;
/// Refusals in a row after which nothing of the size fits any more.
const REFUSALS: usize = 3;

/// A small file system of its own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where nothing can be mounted.
    fn mount(folder: &Path, options: &str) -> Option<Self> {
        let at = folder.join("disk");
        std::fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "venna-test"]).arg(&at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let full = Command::new("dd")
            .args(["if=/dev/zero", "bs=64k"])
            .arg(format!("of={}", filler.display()))
            .output()
            .unwrap();
        assert!(!full.status.success(), "the disk is full");
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn is_refused_for_want_of_room(client: &Client, size: usize) -> bool {
    let answer = client.upload(&[1; 4096], size).unwrap();
    if answer.status == 200 {
        return false;
    }
    let error = answer.json()["error"].clone();
    assert_eq!((answer.status, error["code"].as_str()), (503, Some("insufficient_storage")), "{error}");
    true
}

fn says_full(client: &Client) -> bool {
    client.send("GET", "/readyz").unwrap().json()["blobs"] == "full"
}

fn ids(client: &Client) -> Vec<String> {
    let list = client.send("GET", "/v1/files?limit=500").unwrap().json();
    list["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
}

fn promptly(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PROMPTLY, "within {PROMPTLY:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn can_be_read_and_emptied(size: usize, in_blobs: bool) {
    let data = Data::new();
    let Some(disk) = SmallDisk::mount(data.folder.path(), "size=24m") else {
        report("skipped: nothing can be mounted here");
        return;
    };
    let data_dir = disk.0.join("data");
    let mut server = Program::start(&data_dir);
    let key = std::fs::read_to_string(data_dir.join("first-key")).unwrap().trim().to_owned();
    let client = server.client(&key);
    // The log of the database gives its room back after the first refusal, and files may fit again.
    let mut refused_in_a_row = 0;
    while refused_in_a_row < REFUSALS {
        refused_in_a_row = if is_refused_for_want_of_room(&client, size) { refused_in_a_row + 1 } else { 0 };
    }
    let files = ids(&client);
    assert!(files.len() > 10, "{}", files.len());
    promptly("what was refused left nothing", || blobs(&data_dir).len() == if in_blobs { files.len() } else { 0 });

    let filler = disk.fill();
    assert!(is_refused_for_want_of_room(&client, size));
    promptly("the server says that the disk is full", || says_full(&client));
    let content = client.send("GET", &format!("/v1/files/{}/content", files[0])).unwrap();
    assert!(content.status == 200 && content.body == vec![1; size]);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let server = Program::start(&data_dir);
    let client = server.client(&key);
    for id in &files {
        assert_eq!(
            client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status,
            200,
            "a full disk can be emptied"
        );
    }
    promptly("the bytes are gone", || blobs(&data_dir).is_empty());
    std::fs::remove_file(filler).unwrap();
    assert!(!is_refused_for_want_of_room(&client, size), "room is usable at once");
    report(&format!(
        "full disk: {} files of {size} bytes on 24 MiB, read and deleted when nothing was left",
        files.len()
    ));
}

#[test]
fn a_disk_full_of_blobs_can_be_read_and_emptied() {
    can_be_read_and_emptied(MIB, true);
}

#[test]
fn a_disk_full_of_small_files_can_be_read_and_emptied() {
    can_be_read_and_emptied(MIB / 16, false);
}

#[test]
fn a_disk_without_names_refuses_and_recovers() {
    let data = Data::new();
    let Some(disk) = SmallDisk::mount(data.folder.path(), "size=24m,nr_inodes=300") else {
        report("skipped: nothing can be mounted here");
        return;
    };
    let data_dir = disk.0.join("data");
    let server = Program::start_on_blobs(&data_dir);
    let key = std::fs::read_to_string(data_dir.join("first-key")).unwrap().trim().to_owned();
    let client = server.client(&key);
    let mut made = 0;
    loop {
        let answer = client.upload(b"x", 1).unwrap();
        if answer.status != 200 {
            assert_eq!(answer.json()["error"]["code"], "insufficient_storage");
            break;
        }
        made += 1;
    }
    let files = ids(&client);
    assert_eq!(files.len(), made);
    for id in &files {
        assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
    }
    promptly("the names are free", || blobs(&data_dir).is_empty());
    assert_eq!(client.upload(b"x", 1).unwrap().status, 200);
    report(&format!("full disk: {made} files on 300 names, deleted when none was left"));
}
