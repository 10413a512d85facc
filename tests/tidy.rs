//! The shape of the code: layers, imports between modules, no circles between or inside modules, which module may use
//! which library, and the width of comments. `cargo test --test tidy -- --ignored --nocapture` (`just shape`) reports
//! what is a matter of taste.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every top-level module and its layer. Imports go down only.
const LAYERS: [(&str, u8); 32] = [
    ("cli", 6),
    ("app", 5),
    ("http", 4),
    ("archive", 3),
    ("audit", 3),
    ("files", 3),
    ("inspect", 3),
    ("keys", 3),
    ("links", 3),
    ("outbox", 3),
    ("people", 3),
    ("sessions", 3),
    ("status", 3),
    ("sweep", 3),
    ("uploads", 3),
    ("usage", 3),
    ("workspaces", 3),
    ("access_log", 2),
    ("blobs", 2),
    ("metadata", 2),
    ("oidc", 2),
    ("sinks", 2),
    ("model", 1),
    ("traces", 1),
    ("clock", 0),
    ("config", 0),
    ("error_chain", 0),
    ("failpoint", 0),
    ("filesystem", 0),
    ("metrics", 0),
    ("random", 0),
    ("shares", 0),
];

/// The imports of every top-level module: the same table as in `ARCHITECTURE.md`.
const EDGES: [(&str, &[&str]); 32] = [
    ("cli", &["app", "clock", "config", "error_chain", "inspect", "model", "traces", "usage"]),
    (
        "app",
        &[
            "access_log",
            "archive",
            "audit",
            "blobs",
            "clock",
            "config",
            "files",
            "filesystem",
            "http",
            "inspect",
            "keys",
            "links",
            "metadata",
            "model",
            "oidc",
            "outbox",
            "people",
            "random",
            "sessions",
            "shares",
            "sinks",
            "status",
            "sweep",
            "uploads",
            "usage",
            "workspaces",
        ],
    ),
    (
        "http",
        &[
            "access_log",
            "audit",
            "clock",
            "error_chain",
            "files",
            "keys",
            "links",
            "metadata",
            "metrics",
            "model",
            "oidc",
            "people",
            "random",
            "sessions",
            "shares",
            "status",
            "traces",
            "uploads",
            "usage",
            "workspaces",
        ],
    ),
    ("access_log", &["clock", "metrics", "model"]),
    ("archive", &["blobs", "metadata", "model", "random"]),
    ("audit", &["metadata", "model"]),
    ("files", &["blobs", "clock", "error_chain", "failpoint", "metadata", "model", "random", "shares", "traces"]),
    ("inspect", &["blobs", "clock", "error_chain", "metadata", "metrics", "model", "random"]),
    ("keys", &["clock", "error_chain", "metadata", "metrics", "model", "random"]),
    ("links", &["clock", "error_chain", "metadata", "model", "random"]),
    ("outbox", &["clock", "error_chain", "metadata", "model", "random", "sinks"]),
    ("people", &["metadata", "model"]),
    ("sessions", &["clock", "error_chain", "metadata", "model", "random"]),
    ("status", &["metadata", "model"]),
    ("sweep", &["blobs", "error_chain", "failpoint", "metadata", "metrics", "model", "random"]),
    ("uploads", &["error_chain", "failpoint", "files", "metadata", "model", "shares", "traces"]),
    ("usage", &["clock", "error_chain", "metadata", "model"]),
    ("workspaces", &["metadata", "model"]),
    ("blobs", &["failpoint", "filesystem", "metrics", "model", "random", "shares", "traces"]),
    ("metadata", &["clock", "failpoint", "filesystem", "metrics", "model", "random", "shares", "traces"]),
    ("oidc", &["model"]),
    ("sinks", &["model"]),
    ("traces", &["metrics", "random"]),
    ("model", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("error_chain", &[]),
    ("failpoint", &[]),
    ("filesystem", &[]),
    ("metrics", &[]),
    ("random", &[]),
    ("shares", &[]),
];

/// The only import within a layer: completing an Upload makes a File.
const EXCEPTION: (&str, &str) = ("uploads", "files");

/// Names that do not tell what a module is for.
const EMPTY_NAMES: [&str; 4] = ["util", "common", "helpers", "types"];

/// The concrete drivers of the stores, and the folders that may name them besides `app`.
const DRIVERS: [(&str, &[&str]); 6] = [
    ("CloudBlobs", &["blobs"]),
    ("LocalBlobs", &["blobs"]),
    ("MemoryBlobs", &["blobs"]),
    ("PostgresStore", &["metadata"]),
    ("SqliteStore", &["metadata"]),
    ("WebhookSink", &["sinks"]),
];

/// Libraries that only these folders may use.
const LIBRARIES: [(&str, &[&str]); 29] = [
    ("anyhow", &["app", "cli"]),
    ("axum", &["http"]),
    ("clap", &["cli"]),
    ("deadpool_postgres", &["metadata/postgres"]),
    ("flate2", &["http/pages"]),
    ("governor", &["http"]),
    ("http_body", &["http"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("indicatif", &["cli/files"]),
    ("maud", &["http/pages"]),
    ("object_store", &["blobs/cloud"]),
    ("opentelemetry", &["traces"]),
    ("opentelemetry_http", &["traces"]),
    ("opentelemetry_otlp", &["traces"]),
    ("opentelemetry_sdk", &["traces"]),
    ("procfs", &["metrics"]),
    ("prometheus_client", &["metrics"]),
    ("reqwest", &["cli/health", "http/reference", "oidc", "sinks", "traces"]),
    ("rusqlite", &["metadata"]),
    ("sd_notify", &["cli"]),
    ("tokio_postgres", &["metadata/postgres"]),
    ("tokio_postgres_rustls", &["metadata/postgres"]),
    ("tokio_rustls", &["http"]),
    ("venna_client", &["cli/files"]),
    ("venna_console", &["http/pages", "http/router"]),
    ("venna_design", &["http/pages", "http/router"]),
    ("venna_form", &["http"]),
    ("venna_reference", &["http/pages", "http/reference", "http/router", "http/wire"]),
];

/// The folders whose Rust files have comments of at most [`MAX_COLUMNS`] columns.
const NARROW_COMMENTS: [&str; 5] = ["bench", "crates", "fuzz", "src", "tests"];

/// The width of the code, which rustfmt holds for all but comments.
const MAX_COLUMNS: usize = 120;

#[test]
fn every_module_has_a_layer() {
    let modules: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    let known: BTreeSet<String> = LAYERS.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(modules, known, "tests/tidy.rs and ARCHITECTURE.md list every top-level module");
}

#[test]
fn imports_are_the_ones_in_the_table() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let imports = found.entry(source.module.clone()).or_default();
        imports.extend(top_level_imports(&source.code).into_iter().filter(|module| *module != source.module));
    }
    for (module, listed) in EDGES {
        let listed: BTreeSet<String> = listed.iter().map(|module| (*module).to_owned()).collect();
        assert_eq!(found[module], listed, "the imports of {module}: left is the source, right the table");
    }
}

#[test]
fn imports_go_down_only() {
    let layers: BTreeMap<&str, u8> = LAYERS.into_iter().collect();
    for (module, imported) in EDGES {
        for other in imported {
            let down = layers[other] < layers[module] || EXCEPTION == (module, *other);
            assert!(down, "{module} (layer {}) imports {other} (layer {})", layers[module], layers[other]);
        }
    }
}

#[test]
fn submodules_import_each_other_in_no_circle() {
    let tree = ModuleTree::of(&sources());
    for parent in tree.parents() {
        let circles = tree.circles(&parent);
        assert!(circles.is_empty(), "a circle inside {}:\n{}", parent.join("/"), circles.join("\n"));
    }
}

#[test]
fn the_table_stands_in_the_architecture() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (module, imported) in EDGES {
        let names: Vec<String> = imported.iter().map(|module| format!("`{module}`")).collect();
        let row = format!("| `{module}` | {} |", if names.is_empty() { "-".into() } else { names.join(", ") });
        assert!(page.contains(&row), "ARCHITECTURE.md holds the row {row}");
    }
}

#[test]
fn only_the_wiring_names_drivers() {
    for source in sources().iter().filter(|source| source.module != "app") {
        for (driver, folders) in DRIVERS {
            let named = words(&source.code).any(|word| word == driver);
            assert!(!named || source.is_in(folders), "{} names the driver {driver}", source.path.display());
        }
    }
}

#[test]
fn libraries_stay_in_their_modules() {
    for source in sources() {
        for (library, folders) in LIBRARIES {
            let uses = source.uses(library);
            assert!(!uses || source.is_in(folders), "{} uses {library}", source.path.display());
        }
        let does_io = ["std::fs", "tokio", "rustix"].into_iter().any(|name| source.code.contains(name));
        assert!(!does_io || source.module != "model", "{} does I/O", source.path.display());
    }
}

#[test]
fn crates_know_nothing_of_the_server() {
    let crates = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    for manifest in crates.filter(|path| !path.ends_with("testkit")).map(|path| path.join("Cargo.toml")) {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let server = text.lines().any(|line| line.starts_with("venna =") || line.starts_with("venna."));
        assert!(!server, "{} depends on the server", manifest.display());
    }
}

#[test]
fn errors_are_mapped_without_a_wildcard() {
    let mapping = std::fs::read_to_string(root().join("src/http/error.rs")).unwrap();
    assert!(!mapping.lines().any(|line| line.trim_start().starts_with("_ =>")), "http/error.rs has no `_` arm");
}

#[test]
fn module_names_say_something() {
    for source in sources() {
        let parts = source.path.iter().map(|part| part.to_string_lossy().trim_end_matches(".rs").to_owned());
        for part in parts {
            assert!(!EMPTY_NAMES.contains(&&*part), "{} tells what it is for", source.path.display());
        }
    }
}

#[test]
fn every_file_has_a_module_comment() {
    for source in sources() {
        assert!(source.text.starts_with("//!"), "{} begins with a module comment", source.path.display());
    }
}

#[test]
fn comments_fit_into_the_columns() {
    let mut files = Vec::new();
    for folder in NARROW_COMMENTS {
        walk(&root().join(folder), &mut files);
    }
    let long = files.iter().flat_map(|file| {
        let lines = long_comments(&std::fs::read_to_string(file).unwrap());
        lines.into_iter().map(|line| format!("{}:{line}", file.display())).collect::<Vec<_>>()
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "comments have at most {MAX_COLUMNS} columns:\n{}", long.join("\n"));
}

#[test]
fn the_scanner_sees_long_comments() {
    let (fitting, long) = (format!("// {}", "a".repeat(117)), format!("    // {}", "ä".repeat(114)));
    let code = format!("let text = \"{}\";", "a".repeat(120));
    assert_eq!(long_comments(&[fitting, long, code].join("\n")), [2]);
}

#[test]
fn the_scanner_sees_nested_imports() {
    let code = "use crate::{a::{X, Y}, b};\nfn f() { crate::c::g(); }\n// crate::d\nuse crate::model;";
    let found: Vec<String> = top_level_imports(&without_comments(code)).into_iter().collect();
    assert_eq!(found, ["a", "b", "c", "model"]);
    let found = use_paths("use a::{b::{self, C as D}, e};\npub(crate) use super::f;");
    let found: Vec<String> = found.iter().map(|one| format!("{} {}", one.path.join("::"), one.name)).collect();
    assert_eq!(found, ["a::b b", "a::b::C D", "a::e e", "super::f f"]);
}

#[test]
fn the_scanner_sees_circles() {
    let tree = |files: &[(&str, &str)]| {
        let source = |(path, code): &(&str, &str)| Source {
            path: path.into(),
            module: "m".to_owned(),
            text: String::new(),
            code: (*code).to_owned(),
        };
        ModuleTree::of(&files.iter().map(source).collect::<Vec<_>>())
    };
    let circles = |files: &[(&str, &str)]| tree(files).circles(&["m".to_owned()]).len();
    assert_eq!(circles(&[("m/mod.rs", "mod a; mod b;"), ("m/a.rs", "use super::b::B;"), ("m/b.rs", "")]), 0);
    assert_eq!(
        circles(&[("m/mod.rs", "mod a;"), ("m/a.rs", "use super::b::B;"), ("m/b.rs", "fn f() { super::a::g() }")]),
        1
    );
    // A parent that only re-exports is no edge, and what it re-exports is the child's.
    let reexport = "mod a; mod b;\npub use a::A;";
    assert_eq!(circles(&[("m/mod.rs", reexport), ("m/a.rs", ""), ("m/b.rs", "use super::A;")]), 0);
    assert_eq!(circles(&[("m/mod.rs", reexport), ("m/a.rs", "use crate::m::b::B;"), ("m/b.rs", "use super::A;")]), 1);
    // A parent with code of its own is.
    assert_eq!(circles(&[("m/mod.rs", "struct S;\nfn f() { a::g() }"), ("m/a.rs", "use super::S;")]), 1);
    let nested = [("m/a/x.rs", "use crate::m::b::y::Y;"), ("m/b/y.rs", ""), ("m/b/z.rs", "use crate::m::a::x;")];
    assert_eq!(circles(&nested), 1);
}

/// Reports sizes, which are never a reason to split what belongs together.
#[test]
#[ignore = "a report, not a test"]
fn shape() {
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

/// A file of the product.
struct Source {
    /// Relative to `src`.
    path: PathBuf,
    /// The top-level module.
    module: String,
    text: String,
    /// The text without comments and test modules.
    code: String,
}

impl Source {
    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.with_extension("").starts_with(folder))
    }

    /// Returns whether the code names a path into this crate.
    fn uses(&self, library: &str) -> bool {
        self.code.match_indices(&format!("{library}::")).any(|(at, _)| !ends_in_word(&self.code[..at]))
    }
}

/// The imports between the modules of `src`, by path.
struct ModuleTree {
    edges: BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
}

impl ModuleTree {
    fn of(sources: &[Source]) -> Self {
        let files: BTreeMap<Vec<String>, Vec<UsePath>> =
            sources.iter().map(|source| (module_path(&source.path), use_paths(&source.code))).collect();
        let modules = files.keys().flat_map(|path| (1..=path.len()).map(|length| path[..length].to_vec())).collect();
        let resolver = Resolver { files, modules };
        let edges = sources.iter().map(|source| {
            let module = module_path(&source.path);
            let targets = resolver.targets(&module, &source.code);
            (module, targets)
        });
        Self { edges: edges.collect() }
    }

    /// Returns the modules that may have submodules.
    fn parents(&self) -> BTreeSet<Vec<String>> {
        self.edges.keys().flat_map(|path| (1..path.len()).map(|length| path[..length].to_vec())).collect()
    }

    /// Returns the circles among the submodules of a module and its own file, each as a line of names.
    fn circles(&self, parent: &[String]) -> Vec<String> {
        let child = |path: &Vec<String>| path.get(parent.len()).map_or("its own file", String::as_str).to_owned();
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, targets) in self.edges.iter().filter(|(from, _)| from.starts_with(parent)) {
            let inside = targets.iter().filter(|to| to.starts_with(parent)).map(child);
            let from = child(from);
            edges.entry(from.clone()).or_default().extend(inside.filter(|to| *to != from));
        }
        let reached: BTreeMap<&String, BTreeSet<&String>> =
            edges.keys().map(|from| (from, reach(&edges, from))).collect();
        let circle = |name: &String| -> Vec<&String> {
            reached[name]
                .iter()
                .copied()
                .filter(|other| reached.get(*other).is_some_and(|back| back.contains(name)))
                .collect()
        };
        let circles: BTreeSet<Vec<&String>> = edges.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
        let shown = |circle: &Vec<&String>| circle.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        circles.iter().map(shown).collect()
    }
}

fn reach<'a>(edges: &'a BTreeMap<String, BTreeSet<String>>, from: &'a String) -> BTreeSet<&'a String> {
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![from]);
    while let Some(name) = waiting.pop() {
        for next in edges.get(name).into_iter().flatten() {
            if reached.insert(next) {
                waiting.push(next);
            }
        }
    }
    reached
}

/// Finds the file that a path leads to.
struct Resolver {
    files: BTreeMap<Vec<String>, Vec<UsePath>>,
    /// The paths of all files, and of the folders above them.
    modules: BTreeSet<Vec<String>>,
}

impl Resolver {
    /// Returns the modules that the code of a module names, without the re-exports of its submodules.
    fn targets(&self, module: &[String], code: &str) -> BTreeSet<Vec<String>> {
        let mut targets = BTreeSet::new();
        for import in use_paths(code) {
            let Some(target) = self.absolute(module, &import.path).and_then(|path| self.resolve(&path)) else {
                continue;
            };
            if !(import.is_public && target.starts_with(module)) {
                targets.insert(target);
            }
        }
        let body = without_uses(code);
        for path in paths(&body) {
            targets.extend(self.absolute(module, &path).and_then(|path| self.resolve(&path)));
        }
        targets.remove(module);
        targets
    }

    /// Returns a path from the root of the crate; none for another crate's.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let ups = path.iter().take_while(|segment| *segment == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (&module[..0], &path[1..]),
            "self" => (module, &path[1..]),
            "super" => (module.get(..module.len().checked_sub(ups)?)?, &path[ups..]),
            _ if self.is_module(&[module, &path[..1]].concat()) => (module, path),
            _ => return None,
        };
        Some([base, rest].concat())
    }

    fn is_module(&self, path: &[String]) -> bool {
        self.modules.contains(path)
    }

    /// Returns the module that defines what an absolute path names: re-exports are followed.
    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let length = (1..=path.len()).take_while(|length| self.is_module(&path[..*length])).last()?;
        let (module, rest) = path.split_at(length);
        let reexport = rest.first().and_then(|name| {
            let import = self.files.get(module)?.iter().find(|import| import.name == *name)?;
            let path = self.absolute(module, &import.path)?;
            // `use x::x` within `x` would not end.
            (path != *module && path[..] != path_of(module, name)).then_some(path)
        });
        match reexport {
            Some(reexport) => self.resolve(&[&reexport[..], &rest[1..]].concat()),
            None => Some(module.to_vec()),
        }
    }
}

fn path_of(module: &[String], name: &str) -> Vec<String> {
    [module, &[name.to_owned()]].concat()
}

/// One name that a `use` declaration brings into scope.
struct UsePath {
    is_public: bool,
    path: Vec<String>,
    name: String,
}

fn use_paths(code: &str) -> Vec<UsePath> {
    let mut found = Vec::new();
    for (is_public, tree) in use_declarations(code) {
        expand(&[], &tree, &mut |path, name| found.push(UsePath { is_public, path, name }));
    }
    found
}

/// Returns each `use` declaration: whether it has a visibility, and its tree.
fn use_declarations(code: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let line = code[..at].rsplit('\n').next().unwrap().trim_start();
        let is_public = line.starts_with("pub");
        if line.is_empty() || is_public && line.trim_end().ends_with([')', 'b']) && line.split(' ').count() <= 3 {
            found.push((is_public, code[at + 4..].split(';').next().unwrap().to_owned()));
        }
    }
    found
}

fn without_uses(code: &str) -> String {
    let mut body = code.to_owned();
    for (_, tree) in use_declarations(code) {
        body = body.replace(&format!("use {tree};"), "");
    }
    body
}

fn expand(prefix: &[String], tree: &str, add: &mut impl FnMut(Vec<String>, String)) {
    let (mut depth, mut begin) = (0, 0);
    let mut leaves = Vec::new();
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                leaves.push(&tree[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    leaves.push(&tree[begin..]);
    for leaf in leaves.into_iter().map(str::trim).filter(|leaf| !leaf.is_empty()) {
        let (path, group) = leaf.split_once('{').map_or((leaf, None), |(path, group)| (path, group.rsplit_once('}')));
        let (path, alias) = path.split_once(" as ").map_or((path, None), |(path, alias)| (path, Some(alias.trim())));
        let segments = path.split("::").map(str::trim).filter(|segment| !segment.is_empty() && *segment != "self");
        let is_self = prefix.is_empty() && path.trim_start().starts_with("self");
        let own = is_self.then(|| "self".to_owned());
        let path: Vec<String> = prefix.iter().cloned().chain(own).chain(segments.map(str::to_owned)).collect();
        if let Some((group, _)) = group {
            expand(&path, group, add);
        } else {
            let name = alias.or(path.last().map(String::as_str)).unwrap_or_default().to_owned();
            add(path, name);
        }
    }
}

/// Returns every path of at least two segments in the code.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let texts = code.split(|character| !is_part(character)).map(|text| text.trim_matches(':'));
    let paths = texts.filter(|text| text.contains("::"));
    paths.map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

/// Returns the path of a file's module.
fn module_path(file: &Path) -> Vec<String> {
    let names = file.iter().map(|name| name.to_string_lossy().trim_end_matches(".rs").to_owned());
    names.filter(|name| name != "mod").collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files of the product, without those that are compiled for tests only.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    let mut sources = Vec::new();
    let mut tests = BTreeSet::new();
    for file in files {
        let path = file.strip_prefix(root().join("src")).unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let module = path.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        tests.extend(test_modules(&text).map(|name| path_of(&module_path(&path), name)));
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        sources.push(Source { code: without_comments(product), path, module, text });
    }
    sources.retain(|source| {
        let path = module_path(&source.path);
        !["main", "lib"].contains(&&*source.module) && !(1..=path.len()).any(|length| tests.contains(&path[..length]))
    });
    sources
}

/// Returns the names of the modules that a file declares for tests.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let line = rest.lines().find(|line| !line.starts_with('#'))?;
        line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')
    })
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the numbers of the lines that are comments of more than [`MAX_COLUMNS`] columns.
fn long_comments(text: &str) -> Vec<usize> {
    let is_long = |line: &str| line.trim_start().starts_with("//") && line.chars().count() > MAX_COLUMNS;
    text.lines().enumerate().filter(|(_, line)| is_long(line)).map(|(at, _)| at + 1).collect()
}

fn without_comments(text: &str) -> String {
    // The slashes of a URL in a string begin no comment.
    let code = |line: &str| line.replace("://", ":").split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Returns the top-level modules that the code names after `crate::`, alone or in braces.
fn top_level_imports(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for import in use_paths(code) {
        modules.extend(after_crate(&import.path));
    }
    for path in paths(&without_uses(code)) {
        modules.extend(after_crate(&path));
    }
    modules
}

fn after_crate(path: &[String]) -> Option<String> {
    path.first().filter(|first| *first == "crate").and_then(|_| path.get(1).cloned())
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !(character.is_alphanumeric() || character == '_'))
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|character: char| character.is_alphanumeric() || character == '_' || character == ':')
}

/// Returns the lengths of functions, by the indentation that rustfmt gives them.
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
