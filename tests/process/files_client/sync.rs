//! `venna files sync`: a tree goes up, is compared, and comes back.

use super::kills::{bytes, ends_within, list, sha256};
use super::{command, started, text};
use std::collections::BTreeMap;
use std::fs::{create_dir_all, read, remove_file, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use venna_testkit::program::{Data, Program, report};
use venna_testkit::{Rng, setting};

/// The longest time before a kill by default, in milliseconds.
const LONGEST_LIFE_MS: u64 = 400;
/// The kills of one test by default.
const KILLS: u64 = 5;
/// The mean size of the files of the tree by default, in bytes.
const MEAN_BYTES: u64 = 10_000;
/// A prime that spreads the sizes.
const STEP: usize = 104_729;
/// One file of so many is larger than a part.
const ONE_LARGE_OF: usize = 250;
/// The size of such a file, in bytes.
const LARGE_BYTES: usize = (64 << 20) + 1;
/// The time limit of a synchronization without changes.
const UNCHANGED_LIMIT: Duration = Duration::from_secs(20);

struct Tree {
    data: Data,
    server: Program,
    key: String,
}

impl Tree {
    fn new() -> Self {
        let (data, server) = started();
        let key = data.first_key();
        Self { data, server, key }
    }

    fn folder(&self) -> PathBuf {
        self.data.folder.path().join("tree")
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.folder().join(name);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(path, content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        command(self.server.address, &self.key, self.data.folder.path(), arguments)
    }

    fn sync(&self, options: &[&str]) -> Command {
        let folder = self.folder().display().to_string();
        self.command(&[&["sync", &folder, "--purpose", "user_data"], options].concat())
    }

    /// Returns the names on the server, sorted.
    fn names(&self) -> Vec<String> {
        let listed = list(&self.server, &self.key);
        let mut names: Vec<String> = listed.iter().map(|file| file["filename"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

/// Runs a command that succeeds, and returns its standard error.
fn steps(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let steps = text(&done.stderr);
    assert!(done.status.success(), "{steps}");
    steps
}

#[test]
fn a_synchronization_sends_what_is_missing_and_deletes_what_is_extra() {
    let tree = Tree::new();
    tree.write("a \"b\" \u{fc}.txt", b"1");
    tree.write("sub/folder/c.txt", b"2");
    tree.write("sub/d.txt", b"3");
    let shown = tree.sync(&["--dry-run", "--json"]).output().unwrap();
    assert!(text(&shown.stdout).contains(r#"{"action":"upload","filename":"sub/d.txt","bytes":1}"#), "{shown:?}");
    assert!(tree.names().is_empty());
    assert!(steps(&mut tree.sync(&[])).contains("3 files uploaded, 0 unchanged, 0 deleted"));
    assert_eq!(tree.names(), ["a \"b\" \u{fc}.txt", "sub/d.txt", "sub/folder/c.txt"]);
    assert!(steps(&mut tree.sync(&[])).contains("0 files uploaded, 3 unchanged, 0 deleted"));

    tree.write("sub/d.txt", b"4");
    remove_file(tree.folder().join("sub/folder/c.txt")).unwrap();
    assert!(steps(&mut tree.sync(&[])).contains("1 file uploaded, 1 unchanged, 0 deleted"));
    assert_eq!(tree.names().len(), 4, "the earlier content stays");
    assert_eq!(tree.sync(&["--delete-extra"]).output().unwrap().status.code(), Some(2), "nobody agreed");
    let shown = tree.sync(&["--delete-extra", "--dry-run"]).output().unwrap();
    assert_eq!(text(&shown.stdout).lines().filter(|line| line.starts_with("delete file-")).count(), 2);
    assert!(steps(&mut tree.sync(&["--delete-extra", "--yes"])).contains("2 deleted"));
    assert_eq!(tree.names(), ["a \"b\" \u{fc}.txt", "sub/d.txt"]);
    let kept = list(&tree.server, &tree.key).into_iter().find(|file| file["filename"] == "sub/d.txt").unwrap();
    let content = tree.command(&["content", kept["id"].as_str().unwrap(), "-o", "-"]).output().unwrap();
    assert_eq!(content.stdout, b"4", "the new content stays");
}

#[test]
fn a_large_file_is_compared_by_its_parts() {
    let tree = Tree::new();
    let mut content = vec![b'x'; LARGE_BYTES];
    tree.write("large.bin", &content);
    steps(&mut tree.sync(&["--quiet"]));
    assert!(steps(&mut tree.sync(&[])).contains("0 files uploaded, 1 unchanged"));
    content[5] = b'y';
    tree.write("large.bin", &content);
    assert!(steps(&mut tree.sync(&[])).contains("1 file uploaded, 0 unchanged"), "another content of the same size");
}

#[test]
fn a_content_that_is_not_settled_is_read_again() {
    let tree = Tree::new();
    tree.write("a.txt", b"1");
    steps(&mut tree.sync(&[]));
    // The time of change stays, as on a file system with coarse times.
    let path = tree.folder().join("a.txt");
    let modified = path.metadata().unwrap().modified().unwrap();
    tree.write("a.txt", b"2");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert!(steps(&mut tree.sync(&[])).contains("1 file uploaded"));
}

/// `VENNA_SYNC_FILES`, `VENNA_SYNC_MEAN_BYTES`, `VENNA_SYNC_KILLS` and `VENNA_SYNC_LIFE_MS` set the size of the tree,
/// and how often and after what time at most the command is killed.
#[test]
fn a_tree_goes_up_with_kills_and_comes_back() {
    let (tree, (mut rng, seed)) = (Tree::new(), Rng::of_test());
    let number = |name: &str, default: u64| usize::try_from(setting(name, default)).unwrap();
    let (most, mean_bytes) = (number("VENNA_SYNC_FILES", 60), number("VENNA_SYNC_MEAN_BYTES", MEAN_BYTES));
    let mut contents = BTreeMap::new();
    for number in 0..most {
        let name = format!("{}/{number}.bin", number % 7);
        let is_large = number % ONE_LARGE_OF == ONE_LARGE_OF - 1;
        let content = bytes(&mut rng, if is_large { LARGE_BYTES } else { mean_bytes / 2 + number * STEP % mean_bytes });
        tree.write(&name, &content);
        contents.insert(name, sha256(&content));
    }
    let (kills, life_ms) = (number("VENNA_SYNC_KILLS", KILLS), number("VENNA_SYNC_LIFE_MS", LONGEST_LIFE_MS));
    let mut kills_on_the_way = 0;
    for _ in 0..kills {
        let mut child = tree.sync(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        kills_on_the_way += usize::from(!ends_within(&mut child, rng.duration_ms(0..life_ms)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    report(&format!("sync: killed {kills_on_the_way} times on the way"));
    steps(&mut tree.sync(&["--quiet"]));
    assert_eq!(tree.names(), contents.keys().cloned().collect::<Vec<_>>(), "each file once (seed {seed})");
    // Old enough, so that the next run knows the hashes.
    std::thread::sleep(Duration::from_secs(3));
    steps(&mut tree.sync(&[]));
    let begun = Instant::now();
    let unchanged = format!("0 files uploaded, {most} unchanged");
    assert!(steps(&mut tree.sync(&[])).contains(&unchanged));
    let took = begun.elapsed();
    assert!(took < UNCHANGED_LIMIT, "{took:?}");
    report(&format!("sync: {most} unchanged files in {took:?}, seed {seed}"));
    tree.check(&contents, &tree.data.folder.path().join("back"));
}

impl Tree {
    /// Downloads all files to a folder and compares them with their SHA-256.
    fn check(&self, contents: &BTreeMap<String, String>, back: &Path) {
        for file in list(&self.server, &self.key) {
            let (id, name) = (file["id"].as_str().unwrap(), file["filename"].as_str().unwrap());
            let target = back.join(name);
            create_dir_all(target.parent().unwrap()).unwrap();
            let received = steps(&mut self.command(&["content", id, "-o", target.to_str().unwrap()]));
            assert!(received.contains("checksum compared"), "{received}");
            assert_eq!(sha256(&read(&target).unwrap()), contents[name], "{name} comes back as it was");
            remove_file(target).unwrap();
        }
    }
}
