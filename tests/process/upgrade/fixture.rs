//! Installations of earlier versions: a database of each schema in `tests/fixtures/schema`, with the files beside it.
//!
//! A fixture is SQL that makes the database of a schema with its rows, and comments with the data directory: a line
//! `-- folders PATH...`, and a line `-- file PATH HEX` for each file. [`super::record`] writes fixtures.

use super::store::{Store, TableRows};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use venna_testkit::postgres::Database;
use venna_testkit::program::{Data, Program, venna};
use venna_testkit::rows::Rows;

/// The folder of the fixtures.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema");
/// The prefix of the line that names the folders of the data directory.
const FOLDERS: &str = "-- folders ";
/// The prefix of a line that holds a file of the data directory.
const FILE: &str = "-- file ";

/// An installation of an earlier version.
pub struct Fixture {
    pub store: Store,
    /// The newest migration that it has.
    pub schema: u32,
    text: String,
}

/// An installation that was made from a fixture.
pub struct Installation {
    pub data: Data,
    database: Option<Database>,
}

impl Fixture {
    /// Returns the folder of the fixtures of a store.
    pub fn folder(store: Store) -> PathBuf {
        Path::new(FOLDER).join(store.name())
    }

    /// Returns the path of the fixture of a schema.
    pub fn path(store: Store, schema: u32) -> PathBuf {
        Self::folder(store).join(format!("{schema:04}.sql"))
    }

    /// Returns the fixtures of a store, the earliest first.
    pub fn all(store: Store) -> Vec<Self> {
        let files = std::fs::read_dir(Self::folder(store)).unwrap().map(|entry| entry.unwrap().path());
        let schema = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let mut schemas: Vec<u32> = files.map(|file| schema(&file)).collect();
        schemas.sort_unstable();
        schemas.into_iter().map(|schema| Self::of(store, schema)).collect()
    }

    /// Returns the fixture of a schema.
    pub fn of(store: Store, schema: u32) -> Self {
        let text = std::fs::read_to_string(Self::path(store, schema)).unwrap();
        Self { store, schema, text }
    }

    /// Makes the installation. Returns none without a PostgreSQL that it needs.
    pub fn install(&self) -> Option<Installation> {
        let installation = Installation::empty(self.store)?;
        for folder in self.text.lines().filter_map(|line| line.strip_prefix(FOLDERS)).flat_map(str::split_whitespace) {
            std::fs::create_dir_all(installation.data.path().join(folder)).unwrap();
        }
        for (path, content) in self.files() {
            let path = installation.data.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        installation.rows().execute(&self.text).unwrap();
        Some(installation)
    }

    /// Returns the files of the data directory, with their contents.
    pub fn files(&self) -> Vec<(&str, Vec<u8>)> {
        let files = self.text.lines().filter_map(|line| line.strip_prefix(FILE)?.split_once(' '));
        files.map(|(path, hex)| (path, from_hex(hex))).collect()
    }
}

impl Installation {
    /// Returns the place of an installation that no server has begun. Returns none without a PostgreSQL that it needs.
    pub fn empty(store: Store) -> Option<Self> {
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(Database::fresh("an installation on PostgreSQL")?),
        };
        Some(Self { data: Data::new(), database })
    }

    /// Opens its database beside the program.
    pub fn rows(&self) -> Rows {
        match &self.database {
            None => Rows::in_file(&self.data.path().join("venna.db")),
            Some(database) => Rows::of(database),
        }
    }

    /// Returns the text of a fixture of this installation, whose server is stopped.
    pub fn text(&self) -> String {
        let mut text = match &self.database {
            None => super::store::dump_sqlite(&self.data.path().join("venna.db")),
            Some(database) => super::store::dump_postgres(&database.url),
        };
        let below = paths_below(&self.data.path());
        let name = |path: &Path| path.strip_prefix(self.data.path()).unwrap().to_str().unwrap().to_owned();
        let folders: Vec<String> = below.iter().filter(|path| path.is_dir()).map(|path| name(path)).collect();
        writeln!(text, "{FOLDERS}{}", folders.join(" ")).unwrap();
        for file in below.iter().filter(|path| path.is_file() && !is_made_anew(&name(path))) {
            writeln!(text, "{FILE}{} {}", name(file), to_hex(&std::fs::read(file).unwrap())).unwrap();
        }
        text
    }

    /// Returns a command of the program on this installation.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = venna(words);
        command.args(["--data-dir", &self.data.text()]).args(self.store_arguments());
        command
    }

    /// Returns the arguments that name its database.
    pub fn store_arguments(&self) -> Vec<String> {
        self.database.iter().flat_map(|database| ["--metadata-url".to_owned(), database.url.clone()]).collect()
    }

    /// Returns the URL of its PostgreSQL database.
    pub fn url(&self) -> &str {
        &self.database.as_ref().unwrap().url
    }

    /// Runs a command that succeeds. Returns its standard output.
    pub fn output(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server that keeps small files in the database, sweeps often, and removes no bytes for an hour.
    pub fn serve(&self) -> Program {
        let mut command = venna(&["serve"]);
        command.args(["--inline-max-bytes", "100", "--sweep-interval-seconds", "1", "--delete-delay-seconds", "3600"]);
        command.args(self.store_arguments());
        Program::spawn(command, &self.data.path())
    }

    /// Returns the newest migration that the database has.
    pub fn schema(&self) -> u32 {
        self.rows().number("SELECT max(number) FROM schema_migrations").try_into().unwrap()
    }

    /// Returns every row of every table.
    pub fn tables(&self) -> TableRows {
        super::store::tables(&self.rows())
    }

    /// Returns a key that is kept beside the installation.
    pub fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.data.path().join(name)).unwrap().trim().to_owned()
    }
}

/// Tells whether a file is of the database, or one that a start makes anew.
fn is_made_anew(name: &str) -> bool {
    name.starts_with("venna.") || name == "lock" || name.ends_with("-lock")
}

/// Returns the folders and files below a folder, each folder before what is in it.
fn paths_below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let with_content = |path: PathBuf| {
        let inside = if path.is_dir() { paths_below(&path) } else { Vec::new() };
        std::iter::once(path).chain(inside)
    };
    entries.into_iter().flat_map(with_content).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
