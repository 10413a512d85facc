//! Writes the fixture of the newest schema, and holds that there is one.

use super::fixture::Fixture;
use super::life::lived_in;
use super::store::Store;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use venna::model::digest::Sha256Digest;

/// The folder of the migrations.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
/// The page that says which version has which schema.
const PAGE: &str = include_str!("../../../docs/upgrade.md");
/// The list of the SHA-256 of each migration and fixture, in the form of `sha256sum`, in the folder of the fixtures.
const SUMS: &str = "SHA256SUMS";

/// Returns the migrations of a store by their numbers.
fn migrations(store: Store) -> BTreeMap<u32, PathBuf> {
    let files = std::fs::read_dir(Path::new(MIGRATIONS).join(store.name())).unwrap().map(|entry| entry.unwrap().path());
    let number = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
    files.map(|file| (number(&file), file)).collect()
}

/// Returns the number of the newest migration.
fn newest() -> u32 {
    *migrations(Store::Sqlite).keys().last().unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sums_path() -> PathBuf {
    Fixture::folder(Store::Sqlite).with_file_name(SUMS)
}

fn sum(file: &Path) -> String {
    Sha256Digest(Sha256::digest(std::fs::read(file).unwrap()).into()).to_string()
}

/// Returns the list of all migrations and fixtures.
fn sums() -> String {
    let mut files: Vec<PathBuf> = Store::ALL.into_iter().flat_map(|store| migrations(store).into_values()).collect();
    for store in Store::ALL {
        files.extend(Fixture::all(store).iter().map(|fixture| Fixture::path(store, fixture.schema)));
    }
    files.sort();
    let line = |file: &PathBuf| format!("{}  {}\n", sum(file), file.strip_prefix(root()).unwrap().display());
    files.iter().map(line).collect()
}

/// Returns the migrations and fixtures that differ from those in the list, with numbers up to `last`.
fn edited(last: u32) -> Vec<PathBuf> {
    let recorded = std::fs::read_to_string(sums_path()).unwrap();
    let differs = |line: &str| {
        let (expected, path) = line.split_once("  ").unwrap();
        let path = root().join(path);
        let number: u32 = path.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
        (number <= last && path.exists() && sum(&path) != expected).then_some(path)
    };
    recorded.lines().filter_map(differs).collect()
}

#[test]
#[ignore = "writes the fixture of a new migration"]
fn record_the_newest_schema() {
    assert_eq!(edited(newest() - 1), Vec::<PathBuf>::new(), "only the newest migration may change");
    for store in Store::ALL {
        let installation = lived_in(store).expect("a PostgreSQL is needed");
        let path = Fixture::path(store, installation.schema());
        assert!(!path.exists(), "{} exists: a fixture is written once", path.display());
        std::fs::write(path, installation.text()).unwrap();
    }
    std::fs::write(sums_path(), sums()).unwrap();
}

#[test]
fn the_newest_schema_has_a_fixture_and_no_fixture_or_migration_was_changed() {
    assert_eq!(edited(newest()), Vec::<PathBuf>::new(), "databases that have it would be refused: undo the change");
    for store in Store::ALL {
        let recorded = Fixture::all(store).last().map(|fixture| fixture.schema);
        assert_eq!(recorded, Some(newest()), "{store:?}: record the schema (CONTRIBUTING.md, Migrations)");
    }
    assert_eq!(std::fs::read_to_string(sums_path()).unwrap(), sums(), "the list has every file");
    assert!(PAGE.contains(&format!("| {} |", newest())), "docs/upgrade.md names the newest schema");
}
