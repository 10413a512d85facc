//! The folder in which `venna files` keeps its state between runs.

use super::user_folder::user_folder;
use std::path::PathBuf;
use venna_client::{Client, Journal, Run};

/// The beginning of a line that is no error.
const NOTICE: &str = "venna: note:";

/// Returns the folder of the state: `venna` below `XDG_STATE_HOME` or `~/.local/state`.
pub fn folder() -> Option<PathBuf> {
    user_folder("XDG_STATE_HOME", ".local/state")
}

/// Begins a run of uploads, or goes on with one. Without a usable folder uploads work, but do not go on later.
pub fn begin_run(client: &Client, arguments: &[&[u8]]) -> Option<Run> {
    let Some(folder) = folder() else {
        eprintln!("{NOTICE} interrupted uploads will not go on: set XDG_STATE_HOME or HOME");
        return None;
    };
    let begun = Journal::open(&folder.join("uploads")).and_then(|journal| journal.begin(client, arguments));
    let unusable = |error| {
        let error = anyhow::Error::from(error);
        eprintln!("{NOTICE} interrupted uploads will not go on: {error:#}");
    };
    begun.map_err(unusable).ok()
}
