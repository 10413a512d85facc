//! Warnings about the locations of the stores, which a server starts with all the same.

use crate::config::StoreConfig;
use crate::filesystem::{Trust, folder_of, open_to_all, trust, unsafe_for_wal};
use std::path::Path;

/// Returns warnings about the locations of the stores.
#[must_use]
pub fn warnings(stores: &StoreConfig) -> Vec<String> {
    let database = stores.database().map(folder_of);
    let places = [("metadata", database), ("blobs", stores.blobs_folder())];
    let places = places.into_iter().filter_map(|(what, place)| Some((what, place?)));
    let durability = places.clone().filter_map(|(what, place)| durability(what, place));
    let log = database.and_then(|folder| Some((folder, unsafe_for_wal(folder)?))).map(|(folder, kind)| {
        format!(
            "the database in {} lies on {kind}, where processes may not share memory as SQLite's log needs: use a disk of \
             this machine, or PostgreSQL",
            folder.display()
        )
    });
    let mut folders: Vec<&Path> = vec![&stores.data_dir];
    folders.extend(places.map(|(_, folder)| folder));
    folders.dedup();
    let open = folders.into_iter().filter_map(openness);
    durability.chain(log).chain(open).collect()
}

fn durability(what: &str, place: &Path) -> Option<String> {
    let lies = format!("{what} in {} lie on", place.display());
    match trust(place)? {
        Trust::Tested => None,
        Trust::Volatile(kind) => Some(format!("{lies} {kind}, which may lose what was acknowledged at a power cut")),
        Trust::Untested(kind) => Some(format!(
            "{lies} {kind}, on which power cuts were not tried (docs/operations.md, \"The data directory\")"
        )),
    }
}

fn openness(folder: &Path) -> Option<String> {
    let mode = open_to_all(folder)?;
    let folder = folder.display();
    Some(format!(
        "the folder {folder} can be written to by every user of this machine (mode {mode:04o}): chmod 700 {folder}"
    ))
}
