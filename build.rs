//! Lists the migrations in `migrations/`, so that a new one is only a file for each store. `src/metadata/migrations.rs`
//! includes the lists.

#![allow(clippy::disallowed_methods, reason = "a generated file need not survive a power cut")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const STORES: [&str; 2] = ["postgres", "sqlite"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for store in STORES {
        let folder = Path::new("migrations").join(store);
        fs::write(out.join(format!("migrations_{store}.rs")), list(&folder)?)?;
    }
    Ok(())
}

/// Writes the migrations of a folder as a Rust slice, in the order of their numbers. `0002_some_name.sql` has the number 2
/// and the name `some name`. The compiler adds the place of the checkout, so a list is right after the checkout moves.
fn list(folder: &Path) -> Result<String, Box<dyn Error>> {
    let files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let path = file.to_str().ok_or("a path is not UTF-8")?;
        let (number, name) = parse(&file).ok_or_else(|| format!("{} is not NUMBER_NAME.sql", file.display()))?;
        let place = format!(r#"concat!(env!("CARGO_MANIFEST_DIR"), "/", {path:?})"#);
        writeln!(list, "Migration {{ number: {number}, name: {name:?}, sql: include_str!({place}) }},")?;
    }
    Ok(list + "]\n")
}

/// Returns the number and the name of a migration's file.
fn parse(file: &Path) -> Option<(u32, String)> {
    let (number, name) = file.file_name()?.to_str()?.strip_suffix(".sql")?.split_once('_')?;
    Some((number.parse().ok()?, name.replace('_', " ")))
}
