//! `venna backup` and `venna restore`: whole, under load, and never half.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use venna_testkit::program::{Client, Data, Program, Running, blobs, output, report, run, venna, wait_until};

const FILES: usize = 60;
/// The largest file that has no blob.
const INLINE_BYTES: usize = 64 << 10;

fn backup(data: &Data, folder: &Path) -> Output {
    run(&["backup", folder.to_str().unwrap(), "--data-dir", &data.text()])
}

fn incremental(data: &Data, collection: &Path) -> Output {
    run(&["backup", "--incremental", collection.to_str().unwrap(), "--data-dir", &data.text()])
}

/// The folders in a collection of backups, oldest first.
fn backups(collection: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(collection).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// Makes one more backup in the collection and returns its folder; their names are a second apart at least.
fn next_backup(data: &Data, collection: &Path) -> PathBuf {
    std::thread::sleep(Duration::from_millis(1100));
    succeeds(&incremental(data, collection));
    backups(collection).pop().unwrap()
}

fn has_its_sums(folder: &Path) {
    let checked = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(folder).status();
    assert!(checked.unwrap().success(), "sha256sum finds {} whole", folder.display());
}

/// The inode of each blob, by name.
fn inodes(folder: &Path) -> BTreeMap<String, u64> {
    let entry =
        |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), path.metadata().unwrap().ino());
    blobs(folder).into_iter().map(entry).collect()
}

/// The backup restores to these contents.
fn restores_to(folder: &Path, data: &Data, expected: &BTreeMap<String, Vec<u8>>) {
    let restored = Data::new();
    succeeds(&restore(folder, &restored));
    let copy = Program::start(&restored.path());
    assert_eq!(&contents(&copy.client(&data.first_key())), expected);
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
    has_its_sums(&folder);

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
    let last = client.upload(b"the last", 100_000).unwrap().id();
    client.send("DELETE", &format!("/v1/files/{last}")).unwrap();
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
        fails(&restore(&folder, &restored), 2, "is not a finished backup");
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
    let refused = "is an incomplete restore";
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
    fails(&restore(&folder, &other), 2, "metadata.db was changed since the backup");
    fails(&backup(&Data::new(), &folder.join("x")), 2, "there is no installation");
}

#[test]
fn an_incremental_backup_takes_over_what_is_there_and_each_is_whole_by_itself() {
    let data = Data::new();
    let collection = data.folder.path().join("backups");
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    let ids = fill(&client, FILES);
    let first = next_backup(&data, &collection);
    let before = contents(&client);
    for id in &ids[..10] {
        client.send("DELETE", &format!("/v1/files/{id}")).unwrap();
    }
    let new = client.upload(b"new", 300_000).unwrap().id();
    let second = next_backup(&data, &collection);
    let third = next_backup(&data, &collection);
    let after = contents(&client);

    let (old, now) = (inodes(&first), inodes(&second));
    let shared = now.iter().filter(|(name, inode)| old.get(*name) == Some(inode)).count();
    assert_eq!((old.len(), now.len(), shared), (FILES, FILES - 9, FILES - 10));
    assert_eq!(inodes(&third), now, "what has not changed is linked");
    assert!(after.contains_key(&new));
    for folder in [&first, &second, &third] {
        has_its_sums(folder);
    }

    std::fs::remove_dir_all(&second).unwrap();
    has_its_sums(&first);
    restores_to(&third, &data, &after);
    restores_to(&first, &data, &before);
    std::fs::remove_dir_all(&first).unwrap();
    let fourth = next_backup(&data, &collection);
    std::fs::remove_dir_all(&third).unwrap();
    restores_to(&fourth, &data, &after);
}

#[test]
fn an_incremental_backup_takes_over_nothing_that_is_damaged_or_unfinished() {
    let data = Data::new();
    let collection = data.folder.path().join("backups");
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, 6);
    let first = next_backup(&data, &collection);
    let copies = blobs(&first);
    // Of the same length, so that only the checksums tell.
    let mut content = std::fs::read(&copies[0]).unwrap();
    content[0] ^= 1;
    std::fs::write(&copies[0], content).unwrap();
    std::fs::remove_file(&copies[1]).unwrap();
    // A backup that was cut off is newer and has every name, and counts for nothing.
    let unfinished = collection.join("9999-unfinished");
    succeeds(&backup(&data, &unfinished));
    std::fs::remove_file(unfinished.join("manifest.json")).unwrap();
    for blob in blobs(&unfinished) {
        std::fs::write(blob, "x").unwrap();
    }

    std::thread::sleep(Duration::from_millis(1100));
    let made = incremental(&data, &collection);
    succeeds(&made);
    let said = String::from_utf8_lossy(&made.stderr);
    let damaged = copies[0].file_name().unwrap().to_str().unwrap();
    assert!(said.contains(&format!("has blob {damaged} damaged (a block does not match its checksum)")), "{said}");
    assert!(said.contains("4 blobs") && said.contains("taken over from an older backup"), "{said}");
    let second = backups(&collection)[1].clone();
    has_its_sums(&second);
    restores_to(&second, &data, &contents(&client));
}

#[test]
fn an_incremental_backup_copies_where_no_links_can_be_made() {
    let elsewhere = Path::new("/dev/shm");
    if !elsewhere.is_dir() {
        report("no second file system at /dev/shm: copies in place of links were not tried");
        return;
    }
    let (data, elsewhere) = (Data::new(), tempfile::tempdir_in(elsewhere).unwrap());
    let collection = data.folder.path().join("backups");
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, 6);
    let first = elsewhere.path().join("first");
    succeeds(&backup(&data, &first));
    std::fs::create_dir(&collection).unwrap();
    std::os::unix::fs::symlink(&first, collection.join("2000-older")).unwrap();
    let made = incremental(&data, &collection);
    succeeds(&made);
    assert!(String::from_utf8_lossy(&made.stderr).contains("6 blobs"), "{}", String::from_utf8_lossy(&made.stderr));
    let second = backups(&collection).into_iter().find(|folder| !folder.is_symlink()).unwrap();
    let (old, new) = (inodes(&first), inodes(&second));
    assert!(old.keys().eq(new.keys()) && blobs(&second).iter().all(|blob| blob.metadata().unwrap().nlink() == 1));
    drop(elsewhere);
    restores_to(&second, &data, &contents(&client));
}

#[test]
fn what_an_older_backup_has_is_compared_without_a_hold() {
    let data = Data::new();
    let collection = data.folder.path().join("backups");
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    fill(&client, FILES);
    next_backup(&data, &collection);
    let arguments = ["backup", "--incremental", collection.to_str().unwrap(), "--data-dir", &data.text()];
    let mut caught = false;
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(1100));
        let newest = || backups(&collection).pop().unwrap();
        let (before, known) = (backups(&collection).len(), client.upload(b"x", 100_000).unwrap().id());
        let mut running = begin(&arguments);
        let has_begun = || {
            let newest = newest();
            backups(&collection).len() > before && newest.join("blobs/ff").exists() && !blobs(&newest).is_empty()
        };
        while running.0.try_wait().unwrap().is_none() && !has_begun() {}
        stop_and_go(&running, || {
            caught = !newest().join("metadata.db").exists();
            if caught {
                let count = blobs(&data.path()).len();
                client.send("DELETE", &format!("/v1/files/{known}")).unwrap();
                for id in contents(&client).keys().take(FILES / 2) {
                    client.send("DELETE", &format!("/v1/files/{id}")).unwrap();
                }
                wait_until("deleted bytes are removed meanwhile", || blobs(&data.path()).len() < count - FILES / 2);
            }
        });
        assert_eq!(running.0.wait().unwrap().code(), Some(0));
        if caught {
            has_its_sums(&newest());
            assert_eq!(blobs(&newest()).len(), blobs(&data.path()).len(), "what was deleted meanwhile is not kept");
            restores_to(&newest(), &data, &contents(&client));
            return;
        }
    }
    assert!(caught, "the backup was never caught before its snapshot");
}

#[test]
fn a_backup_that_holds_removals_back_for_too_long_fails() {
    let data = Data::new();
    let folder = data.folder.path().join("backup");
    let server = Program::start_on_blobs(&data.path());
    let client = server.client(&data.first_key());
    let ids = fill(&client, FILES);
    let arguments = ["backup", folder.to_str().unwrap(), "--max-hold-seconds", "2", "--data-dir", &data.text()];
    let mut command = venna(&arguments);
    let running = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    wait_until("it has its snapshot", || folder.join("SHA256SUMS").exists());
    stop_and_go(&running, || {
        for id in &ids {
            assert_eq!(client.send("DELETE", &format!("/v1/files/{id}")).unwrap().status, 200);
        }
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(blobs(&data.path()).len(), FILES, "the lease of the hold has not ended yet");
    });
    let mut running = running;
    let mut said = String::new();
    std::io::Read::read_to_string(&mut running.0.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(2), "{said}");
    assert!(said.contains("held back: 2 seconds") && said.contains("--max-hold-seconds"), "{said}");
    fails(&restore(&folder, &Data::new()), 2, "is not a finished backup");
    settles(&data, &client);
}

/// Does something while a program stands still.
fn stop_and_go(running: &Running, meanwhile: impl FnOnce()) {
    let signal = |name: &str| Command::new("kill").args([name, &running.0.id().to_string()]).status().unwrap();
    signal("-STOP");
    meanwhile();
    signal("-CONT");
}

#[test]
fn a_log_that_is_left_of_a_lost_database_is_never_mixed_with_another() {
    let data = Data::new();
    let folder = data.folder.path().join("backup");
    let meta = data.folder.path().join("meta");
    std::fs::create_dir(&meta).unwrap();
    let url = format!("sqlite:{}", meta.join("m.db").display());
    let with = |arguments: &[&str]| run(&[arguments, &["--data-dir", &data.text(), "--metadata-url", &url]].concat());
    let server = Program::spawn(venna(&["serve", "--metadata-url", &url]), &data.path());
    fill(&server.client(&data.first_key()), 6);
    succeeds(&with(&["backup", folder.to_str().unwrap()]));
    fill(&server.client(&data.first_key()), 6);
    // Killed, so that the log stays; then the operator removes what is known to be the installation.
    drop(server);
    assert!(meta.join("m.db-wal").metadata().unwrap().len() > 0);
    std::fs::remove_file(meta.join("m.db")).unwrap();
    for command in [["keys", "list"].as_slice(), &["fsck"]] {
        assert!(!with(command).status.success(), "{command:?}");
    }
    let refused = Program::try_spawn(venna(&["serve", "--metadata-url", &url]), &data.path()).err().unwrap().join("\n");
    assert!(refused.contains("m.db-wal exists"), "{refused}");
    assert!(meta.join("m.db-wal").metadata().unwrap().len() > 0, "the log is what is left of acknowledged files");
    std::fs::remove_dir_all(data.path()).unwrap();
    fails(&with(&["restore", folder.to_str().unwrap()]), 2, "m.db-wal belongs to another database");
    assert!(!meta.join("m.db").exists() && !data.path().exists(), "nothing was made");
    for beside in ["m.db-wal", "m.db-shm"] {
        std::fs::remove_file(meta.join(beside)).unwrap();
    }
    succeeds(&with(&["restore", folder.to_str().unwrap()]));
    succeeds(&with(&["fsck"]));
}
