//! The house's rules, held: floors, edges between rooms, and no circles. What is a matter of taste is reported by
//! `cargo test --test tidy -- --ignored --nocapture` (`just house`) and never fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every room and its floor. Imports go down only.
const FLOORS: [(&str, u8); 24] = [
    ("cli", 6),
    ("app", 5),
    ("http", 4),
    ("archive", 3),
    ("audit", 3),
    ("files", 3),
    ("inspect", 3),
    ("keys", 3),
    ("outbox", 3),
    ("sweep", 3),
    ("uploads", 3),
    ("usage", 3),
    ("workspaces", 3),
    ("blobs", 2),
    ("metadata", 2),
    ("sinks", 2),
    ("model", 1),
    ("causes", 0),
    ("clock", 0),
    ("config", 0),
    ("failpoint", 0),
    ("random", 0),
    ("shares", 0),
    ("volume", 0),
];

/// Which room imports which: the same table as in `ARCHITECTURE.md`.
const EDGES: [(&str, &[&str]); 24] = [
    ("cli", &["app", "causes", "clock", "config", "inspect", "model", "usage"]),
    (
        "app",
        &[
            "archive",
            "audit",
            "blobs",
            "clock",
            "config",
            "files",
            "http",
            "inspect",
            "keys",
            "metadata",
            "model",
            "outbox",
            "random",
            "shares",
            "sinks",
            "sweep",
            "uploads",
            "usage",
            "volume",
            "workspaces",
        ],
    ),
    (
        "http",
        &[
            "audit",
            "causes",
            "files",
            "keys",
            "metadata",
            "model",
            "random",
            "shares",
            "uploads",
            "usage",
            "workspaces",
        ],
    ),
    ("archive", &["blobs", "metadata", "model", "random"]),
    ("audit", &["metadata", "model"]),
    ("files", &["blobs", "causes", "clock", "failpoint", "metadata", "model", "random", "shares"]),
    ("inspect", &["blobs", "causes", "clock", "metadata", "model", "random"]),
    ("keys", &["causes", "clock", "metadata", "model", "random"]),
    ("outbox", &["causes", "clock", "metadata", "model", "random", "sinks"]),
    ("sweep", &["blobs", "causes", "failpoint", "metadata", "model", "random"]),
    ("uploads", &["causes", "failpoint", "files", "metadata", "model", "shares"]),
    ("usage", &["causes", "clock", "metadata", "model"]),
    ("workspaces", &["metadata", "model"]),
    ("blobs", &["failpoint", "model", "random", "shares", "volume"]),
    ("metadata", &["clock", "failpoint", "model", "random", "shares", "volume"]),
    ("sinks", &["model"]),
    ("model", &[]),
    ("causes", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("failpoint", &[]),
    ("random", &[]),
    ("shares", &[]),
    ("volume", &[]),
];

/// Completing an Upload makes a File.
const EXCEPTION: (&str, &str) = ("uploads", "files");

/// Names that say nothing about what a room is for.
const NO_ROOM: [&str; 4] = ["util", "common", "helpers", "types"];

/// Concrete stores: only `app.rs` and their own rooms name them.
const DRIVERS: [&str; 5] = ["SqliteStore", "LocalBlobs", "CloudBlobs", "MemoryBlobs", "WebhookSink"];

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> = sources().into_iter().map(|source| source.room).collect();
    let known: BTreeSet<String> = FLOORS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(rooms, known, "tests/tidy.rs and ARCHITECTURE.md list every room");
}

#[test]
fn edges_are_the_ones_in_the_table() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let edges = found.entry(source.room.clone()).or_default();
        edges.extend(imports(&source.code).into_iter().filter(|room| *room != source.room));
    }
    for (room, listed) in EDGES {
        let listed: BTreeSet<String> = listed.iter().map(|room| (*room).to_owned()).collect();
        assert_eq!(found[room], listed, "the edges of {room}: left is the source, right the table");
    }
}

#[test]
fn imports_go_down_only() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    for (room, imported) in EDGES {
        for other in imported {
            let down = floors[other] < floors[room] || EXCEPTION == (room, *other);
            assert!(down, "{room} (floor {}) imports {other} (floor {})", floors[room], floors[other]);
        }
    }
}

#[test]
fn the_table_stands_in_the_architecture() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (room, imported) in EDGES {
        let names: Vec<String> = imported.iter().map(|room| format!("`{room}`")).collect();
        let row = format!("| `{room}` | {} |", if names.is_empty() { "-".into() } else { names.join(", ") });
        assert!(page.contains(&row), "ARCHITECTURE.md holds the row {row}");
    }
}

#[test]
fn only_one_room_knows_each_world() {
    for source in sources() {
        let uses = |name: &str| source.code.contains(&format!("{name}::"));
        let at = source.path.display();
        assert!(!uses("rusqlite") || source.path.starts_with("metadata"), "{at} writes SQL");
        assert!(!(uses("axum") || uses("hyper")) || source.path.starts_with("http"), "{at} knows HTTP");
        assert!(!uses("anyhow") || ["cli", "app"].contains(&&*source.room), "{at} has vague errors");
        let io = ["std::fs", "tokio", "rustix"].into_iter().any(|name| source.code.contains(name));
        assert!(!io || source.room != "model", "{at} does I/O");
        let names_driver = DRIVERS.iter().any(|driver| source.code.contains(driver));
        let own = ["metadata", "blobs", "sinks"].contains(&&*source.room);
        assert!(!names_driver || own || source.room == "app", "{at} names a concrete store");
    }
}

#[test]
fn errors_are_mapped_without_a_rest() {
    let mapping = std::fs::read_to_string(root().join("src/http/error.rs")).unwrap();
    assert!(!mapping.lines().any(|line| line.trim_start().starts_with("_ =>")), "http/error.rs has no `_` arm");
}

#[test]
fn no_room_is_called_after_nothing() {
    for source in sources() {
        let parts = source.path.iter().map(|part| part.to_string_lossy().trim_end_matches(".rs").to_owned());
        for part in parts {
            assert!(!NO_ROOM.contains(&&*part), "{} says what it is for", source.path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in sources() {
        assert!(source.text.starts_with("//!"), "{} begins with what the room is for", source.path.display());
    }
}

#[test]
fn the_scanner_sees_nested_imports() {
    let code = "use crate::{a::{X, Y}, b};\nfn f() { crate::c::g(); }\n// crate::d\nuse crate::model;";
    let found: Vec<String> = imports(&without_comments(code)).into_iter().collect();
    assert_eq!(found, ["a", "b", "c", "model"]);
}

/// What is looked at, and never a reason to split what belongs together.
#[test]
#[ignore = "a report, not a test"]
fn house() {
    let mut lengths: Vec<(usize, PathBuf)> =
        sources().into_iter().map(|source| (source.text.lines().count(), source.path)).collect();
    lengths.sort();
    println!("files: {}, median {} lines", lengths.len(), lengths[lengths.len() / 2].0);
    println!("longest files:");
    for (lines, path) in lengths.iter().rev().take(10) {
        println!("  {lines:5} {}", path.display());
    }
    let mut functions: Vec<(usize, String)> = sources().iter().flat_map(functions).collect();
    functions.sort();
    println!("longest functions:");
    for (lines, name) in functions.iter().rev().take(10) {
        println!("  {lines:5} {name}");
    }
}

struct Source {
    /// Relative to `src`.
    path: PathBuf,
    room: String,
    text: String,
    /// Without comments and test modules.
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    let sources = found.into_iter().map(|file| {
        let path = file.strip_prefix(root().join("src")).unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let room = path.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        Source { code: without_comments(product), path, room, text }
    });
    sources.filter(|source| !["main", "lib"].contains(&&*source.room)).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn without_comments(text: &str) -> String {
    // The slashes of a URL in a string begin no comment.
    let code = |line: &str| line.replace("://", ":").split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// The rooms that follow `crate::`, alone or in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            rooms.insert(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ if start && character.is_alphabetic() => {
                    rooms.insert(identifier(&list[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// Lengths of functions, by the indentation that rustfmt gives them.
fn functions(source: &Source) -> Vec<(usize, String)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let begins =
        |line: &str| line.trim_start().starts_with("fn ") || line.contains(" fn ") && line.trim_end().ends_with('{');
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| begins(line)) {
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[at..].iter().position(|line| *line == end) {
            found.push((length + 1, format!("{}: {}", source.path.display(), line.trim())));
        }
    }
    found
}
