//! The folder in which `venna files` keeps its state between runs.

use std::path::PathBuf;
use venna_client::{Client, Journal, Run};

/// The beginning of a line that is no error.
const NOTICE: &str = "venna: note:";

/// Returns the folder of the state: `venna` below `XDG_STATE_HOME` or `~/.local/state`.
pub fn folder() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("venna"))
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
