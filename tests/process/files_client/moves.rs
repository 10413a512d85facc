//! `venna export` and `venna import`: workspaces move between servers and folders, whatever cuts them off.

use super::kills::{bytes, ends_within, list};
use super::{client, files, started, state, text};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use venna_testkit::program::{Data, Program, report};
use venna_testkit::{Rng, setting};

/// The files of the source.
const FILES: u64 = 60;
/// The kills of one move.
const KILLS: u64 = 5;
/// The longest time before a kill, in milliseconds: less than a whole move takes.
const LONGEST_LIFE_MS: usize = 150;
/// The largest of the files, in bytes.
const LARGE_BYTES: usize = 3_000_000;

/// A server with its key, and a home for the state of a client.
pub struct Place {
    pub data: Data,
    pub server: Program,
    pub key: String,
}

impl Place {
    pub fn new() -> Self {
        let (data, server) = started();
        let key = data.first_key();
        Self { data, server, key }
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.data.folder.path().join(name)
    }

    /// Returns `venna import` to this server.
    pub fn import(&self, source: &str, key: &str, map: &Path) -> Command {
        let mut import = self.client("import");
        import.args([source, "--map"]).arg(map).env("VENNA_FROM_API_KEY", key);
        import
    }

    fn client(&self, word: &str) -> Command {
        client(self.server.address, &self.key, self.data.folder.path(), &[word])
    }

    /// Fills the server with files of some purposes, some of which expire. Returns their contents by their names.
    fn fill(&self, rng: &mut Rng) -> BTreeMap<String, Vec<u8>> {
        let mut contents = BTreeMap::new();
        for (number, purpose) in
            (0..setting("VENNA_MOVED_FILES", FILES)).zip(["user_data", "vision", "evals"].iter().cycle())
        {
            let content = bytes(rng, if number == 7 { LARGE_BYTES } else { usize::try_from(number).unwrap() * 50 });
            let path = self.path(&format!("file-{number}"));
            write(&path, &content).unwrap();
            let mut words = vec!["upload", path.to_str().unwrap(), "--purpose", purpose];
            if number % 3 == 0 {
                words.extend(["--expires", "10d"]);
            }
            assert!(files(&self.server, &self.key, &words).status.success());
            contents.insert(format!("file-{number}"), content);
        }
        contents
    }

    /// Asserts that the server has these files, each once, with the purposes and expiries of the source.
    fn has(&self, contents: &BTreeMap<String, Vec<u8>>, source: &[serde_json::Value]) {
        let facts = |file: &serde_json::Value| {
            let days =
                file["expires_at"].as_u64().map(|at| (at - file["created_at"].as_u64().unwrap() + 43_200) / 86_400);
            (file["filename"].as_str().unwrap().to_owned(), file["purpose"].clone().to_string(), days)
        };
        let there = list(&self.server, &self.key);
        let sorted = |files: &[serde_json::Value]| {
            let mut all: Vec<_> = files.iter().map(facts).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&there), sorted(source));
        for file in &there {
            let content = files(&self.server, &self.key, &["content", file["id"].as_str().unwrap(), "-o", "-"]);
            assert!(content.stdout == contents[file["filename"].as_str().unwrap()], "{file}");
        }
    }
}

/// Runs a command again and again until it succeeds, and kills it on the way.
fn kill_on_the_way(rng: &mut Rng, command: impl Fn() -> Command) -> u64 {
    let (mut kills, most) = (0, setting("VENNA_CLIENT_KILLS", KILLS));
    loop {
        let mut child = command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if kills == most {
            assert!(child.wait().unwrap().success());
            return kills;
        }
        let life = rng.duration_ms(0..LONGEST_LIFE_MS);
        if ends_within(&mut child, life) {
            assert!(child.wait().unwrap().success());
            return kills;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
}

#[test]
fn a_workspace_moves_to_a_folder_and_to_other_servers() {
    let (old, new, other) = (Place::new(), Place::new(), Place::new());
    let (mut rng, seed) = Rng::of_test();
    let contents = old.fill(&mut rng);
    let source = list(&old.server, &old.key);

    let map = new.path("map.jsonl");
    let kills = kill_on_the_way(&mut rng, || new.import(&old.url(), &old.key, &map));
    new.has(&contents, &source);
    let lines: Vec<serde_json::Value> =
        read_to_string(&map).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids = |files: &[serde_json::Value], name: &str| -> BTreeSet<String> {
        files.iter().map(|file| file[name].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((lines.len(), ids(&lines, "source_id")), (contents.len(), ids(&source, "id")));
    assert_eq!(ids(&lines, "id"), ids(&list(&new.server, &new.key), "id"));
    assert!(lines.iter().all(|line| source.iter().any(|file| file["created_at"] == line["created_at"])));
    let again = new.import(&old.url(), &old.key, &map).output().unwrap();
    assert!(
        text(&again.stderr).contains(&format!("0 files imported, {} were there, 0 failed", contents.len())),
        "{again:?}"
    );
    assert!(state(new.data.folder.path()).is_empty(), "{:?}", state(new.data.folder.path()));

    let folder = old.path("exported");
    let export = || {
        let mut export = old.client("export");
        export.arg(&folder);
        export
    };
    let more = kill_on_the_way(&mut rng, export);
    for line in read_to_string(folder.join("manifest.jsonl")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let content = read(folder.join(line["path"].as_str().unwrap())).unwrap();
        assert!(content == contents[line["filename"].as_str().unwrap()], "{line}");
    }
    let map = other.path("map.jsonl");
    let last = kill_on_the_way(&mut rng, || other.import(folder.to_str().unwrap(), "", &map));
    other.has(&contents, &source);
    assert!(kills + more + last > 3, "{kills} + {more} + {last} kills");
    report(&format!("moves: {} files, {kills} + {more} + {last} kills, seed {seed}", contents.len()));
}

#[test]
fn what_cannot_be_imported_is_reported_and_the_rest_goes_on() {
    let (old, new) = (Place::new(), Place::new());
    let folder = old.path("folder");
    std::fs::create_dir(&folder).unwrap();
    write(folder.join("good.txt"), b"good").unwrap();
    write(folder.join("bad.txt"), b"bad").unwrap();
    let line = |name: &str, bytes: usize, expires_at: &str, path: &str| {
        format!(
            r#"{{"id":"file-{name}","filename":"{name}","purpose":"evals","bytes":{bytes},"created_at":5,"expires_at":{expires_at},"path":"{path}"}}"#
        ) + "\n"
    };
    let manifest = |lines: &[String]| write(folder.join("manifest.jsonl"), lines.concat()).unwrap();
    let (good, short) = (line("good", 4, "null", "good.txt"), line("short", 4, "9", "good.txt"));
    let (wrong, gone) = (line("wrong", 9, "null", "bad.txt"), line("gone", 4, "null", "gone.txt"));
    manifest(&[good.clone(), short, wrong, gone]);
    let source = folder.to_str().unwrap().to_owned();
    let map = new.path("map.jsonl");
    let done = new.import(&source, "", &map).args(["--rename-purpose", "evals=user_data"]).output().unwrap();
    let told = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    for reason in [
        "file-short short: it expires within the hour",
        "file-wrong wrong: its content is not the one that the source describes",
        "file-gone gone: ",
        "1 file imported, 0 were there, 3 failed",
    ] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
    let there = list(&new.server, &new.key);
    assert_eq!((there.len(), there[0]["purpose"].as_str()), (1, Some("user_data")));

    manifest(&[line("out", 4, "null", "../good.txt")]);
    let out = new.import(&source, "", &map).output().unwrap();
    assert!(text(&out.stderr).contains("outside of its folder") && out.status.code() == Some(1), "{out:?}");
    std::fs::remove_file(folder.join("manifest.jsonl")).unwrap();
    let without = new.import(&source, "", &map).output().unwrap();
    assert!(text(&without.stderr).contains("set --default-purpose"), "{without:?}");
    let plain =
        new.import(&source, "", &map).args(["--default-purpose", "vision", "--files-per-second", "50"]).output();
    assert!(plain.unwrap().status.success());
    assert_eq!(list(&new.server, &new.key).len(), 3);
    let keyless = new.import(&old.url(), "", &map).output().unwrap();
    assert_eq!(keyless.status.code(), Some(2), "{keyless:?}");
    let refused = new.import(&old.url(), "vk_wrong", &map).output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
}

#[test]
fn the_last_line_of_an_id_in_a_manifest_counts() {
    let new = Place::new();
    let folder = new.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let line = |id: &str, name: &str, path: &str| {
        let line = serde_json::json!({"id": id, "filename": name, "purpose": "user_data", "bytes": 4,
            "created_at": 5, "path": path});
        format!("{line}\n")
    };
    write(folder.join("last.txt"), b"last").unwrap();
    write(folder.join("good.txt"), b"good").unwrap();
    let lines = [line("file-1", "a", "../gone.txt"), line("file-2", "b", "good.txt"), line("file-1", "c", "last.txt")];
    write(folder.join("manifest.jsonl"), lines.concat()).unwrap();
    let done = new.import(folder.to_str().unwrap(), "", &new.path("map.jsonl")).output().unwrap();
    assert!(text(&done.stderr).contains("2 files imported, 0 were there, 0 failed"), "{done:?}");
    let there = list(&new.server, &new.key);
    let names: BTreeSet<&str> = there.iter().map(|file| file["filename"].as_str().unwrap()).collect();
    assert_eq!((there.len(), names), (2, ["b", "c"].into()));
}

#[test]
fn a_dry_run_shows_what_an_import_would_send() {
    let new = Place::new();
    let (folder, map) = (new.path("folder"), new.path("map.jsonl"));
    std::fs::create_dir(&folder).unwrap();
    write(folder.join("a.txt"), b"1").unwrap();
    let import = |words: &[&str]| {
        let mut import = new.import(folder.to_str().unwrap(), "", &map);
        let done = import.args(["--default-purpose", "user_data"]).args(words).output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    };
    assert_eq!(import(&["--dry-run"]), "a.txt - 1 a.txt\n");
    assert!(!map.exists(), "a dry run leaves nothing");
    import(&[]);
    write(folder.join("b.txt"), b"22").unwrap();
    let shown = import(&["--dry-run", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&shown).expect("one line, of the new file");
    let expected = serde_json::json!({"source_id": "b.txt", "filename": "b.txt", "purpose": null, "bytes": 2});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(line[name], *value, "{shown}");
    }
}
