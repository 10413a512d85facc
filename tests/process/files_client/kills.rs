//! Uploads that are killed at random moments and run again.

use super::{command, files, started, state, text};
use std::collections::BTreeMap;
use std::fs::{create_dir_all, read, write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use venna_testkit::program::{Program, report};
use venna_testkit::{Rng, setting};

/// The size of the large file, in bytes.
const LARGE_BYTES: usize = 200 << 20;
/// The number of small files.
const SMALL_FILES: usize = 200;
/// The longest time before a kill, in milliseconds.
const LONGEST_LIFE_MS: usize = 2500;

struct Sources {
    large: PathBuf,
    folder: PathBuf,
    /// The content of each file by its name.
    contents: BTreeMap<String, Vec<u8>>,
}

#[test]
fn uploads_that_are_killed_make_each_file_once() {
    let (data, server) = started();
    let key = data.first_key();
    let home = data.folder.path().join("home");
    let (mut rng, seed) = Rng::of_test();
    let sources = Sources::write(data.folder.path(), &mut rng);
    let (mut kills, mut finished) = (0, 0);
    let most = setting("VENNA_CLIENT_KILLS", 10);
    while kills < most {
        let mut child = sources.upload(&server, &key, &home);
        let life = rng.duration_ms(0..LONGEST_LIFE_MS);
        if ends_within(&mut child, life) {
            assert!(child.wait().unwrap().success());
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        let has_run = state(&home).iter().any(|path| path.extension().is_some_and(|extension| extension == "run"));
        if !has_run && list(&server, &key).len() == sources.contents.len() {
            finished += 1;
            sources.check(&server, &key);
            delete_all(&server, &key);
        }
    }
    let mut last = sources.upload(&server, &key, &home);
    assert!(last.wait().unwrap().success());
    sources.check(&server, &key);
    assert!(state(&home).is_empty(), "{:?}", state(&home));
    report(&format!("uploads: {kills} kills, {} finished, seed {seed}", finished + 1));
}

impl Sources {
    fn write(folder: &Path, rng: &mut Rng) -> Self {
        let (large, small) = (folder.join("large.bin"), folder.join("small"));
        create_dir_all(&small).unwrap();
        let mut contents = BTreeMap::from([("large.bin".to_owned(), bytes(rng, LARGE_BYTES))]);
        write(&large, &contents["large.bin"]).unwrap();
        for number in 0..SMALL_FILES {
            let name = format!("small-{number}");
            let content = bytes(rng, number * 100);
            write(small.join(&name), &content).unwrap();
            contents.insert(name, content);
        }
        Self { large, folder: small, contents }
    }

    fn upload(&self, server: &Program, key: &str, home: &Path) -> Child {
        let (large, folder) = (self.large.to_str().unwrap(), self.folder.to_str().unwrap());
        let arguments = ["upload", large, folder, "--purpose", "user_data"];
        let mut command = command(server.address, key, home, &arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Checks that the server has each file once, with the same bytes.
    fn check(&self, server: &Program, key: &str) {
        let files_there = list(server, key);
        let mut names: Vec<&str> = files_there.iter().map(|file| file["filename"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, self.contents.keys().collect::<Vec<_>>(), "each file once");
        for file in files_there.iter().filter(|file| file["filename"] != "large.bin") {
            let content = &self.contents[file["filename"].as_str().unwrap()];
            assert_eq!(file["sha256"].as_str().unwrap(), sha256(content), "{file}");
        }
        let large = files_there.iter().find(|file| file["filename"] == "large.bin").unwrap();
        let target = self.folder.with_extension("back");
        let arguments = ["content", large["id"].as_str().unwrap(), "--force", "-o", target.to_str().unwrap()];
        let received = files(server, key, &arguments);
        assert!(received.status.success(), "{}", text(&received.stderr));
        assert!(read(&target).unwrap() == self.contents["large.bin"], "the large file comes back as it was");
    }
}

/// Lists all Files.
pub fn list(server: &Program, key: &str) -> Vec<serde_json::Value> {
    let listed = files(server, key, &["list", "--all", "--json"]);
    serde_json::from_slice(&listed.stdout).unwrap()
}

fn delete_all(server: &Program, key: &str) {
    let ids: Vec<String> = list(server, key).iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect();
    let arguments: Vec<&str> = std::iter::once("delete").chain(ids.iter().map(String::as_str)).collect();
    assert!(files(server, key, &arguments).status.success());
}

/// Returns random bytes.
pub fn bytes(rng: &mut Rng, size_bytes: usize) -> Vec<u8> {
    std::iter::repeat_with(|| rng.number().to_le_bytes()).flatten().take(size_bytes).collect()
}

pub fn sha256(content: &[u8]) -> String {
    use sha2::Digest;
    base16ct::lower::encode_string(&sha2::Sha256::digest(content))
}

/// Waits for the end of a process, and returns whether it came in time.
pub fn ends_within(child: &mut Child, time: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < time {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}
