//! Runs: commands over several files, which remember finished files until all are.

use super::folder::{Journal, LOCK, RECORD, RUN, TEMPORARY, is_old, name_of, read_bytes, write};
use super::lock::Lock;
use super::record::{Record, random_text};
use crate::connection::Client;
use crate::error::ClientError;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    journal: Journal,
    path: PathBuf,
    id: String,
    /// The ids of all runs that have not ended, with this one.
    open_runs: BTreeSet<String>,
}

impl Journal {
    /// Begins a run, or goes on with the killed run at the same server with the same `arguments`.
    pub fn begin(&self, client: &Client, arguments: &[&[u8]]) -> Result<Run, ClientError> {
        let server = client.identity();
        let identity = [&[server.as_bytes()], arguments].concat();
        let path = self.folder.join(name_of(&identity)).with_added_extension(RUN);
        let local = |source| ClientError::Local { path: path.clone(), source };
        let earlier = read_bytes(&path).map_err(local)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let id = match earlier.filter(|id| !id.is_empty()) {
            Some(id) => id,
            None => random_text()?,
        };
        write(&path, id.as_bytes(), true).map_err(local)?;
        let mut run = Run { journal: self.clone(), path: path.clone(), id, open_runs: BTreeSet::new() };
        run.open_runs = run.sweep().map_err(local)?;
        Ok(run)
    }
}

impl Run {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Returns whether a run has not ended.
    pub(crate) fn is_open(&self, id: &str) -> bool {
        self.open_runs.contains(id)
    }

    /// Ends the run: its finished files are forgotten.
    pub fn end(self) -> Result<(), ClientError> {
        let local = |source| ClientError::Local { path: self.path.clone(), source };
        // From here on the records of finished files count no more, also if the process ends before the sweep.
        std::fs::remove_file(&self.path).map_err(local)?;
        self.sweep().map(drop).map_err(local)
    }

    /// Removes old files, the records of ended runs, and locks without a record. Returns the ids of the open runs.
    fn sweep(&self) -> io::Result<BTreeSet<String>> {
        let (mut open_runs, mut records) = (BTreeSet::new(), Vec::new());
        for entry in std::fs::read_dir(&self.journal.folder)? {
            let path = entry?.path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            match extension {
                RUN | TEMPORARY if is_old(&path) => drop(std::fs::remove_file(&path)),
                // A process was killed between the removal of the record and that of the lock.
                LOCK if !path.with_extension("").exists() => drop(Lock::try_take(&path.with_extension(""))?),
                RUN => open_runs.extend(read_bytes(&path)?.and_then(|bytes| String::from_utf8(bytes).ok())),
                RECORD => records.push(path),
                _ => {}
            }
        }
        for path in records {
            if is_ended(&path, &open_runs)?
                && let Some(_lock) = Lock::try_take(&path)?
            {
                // Another process may have begun a new upload before the lock was taken.
                if is_ended(&path, &open_runs)? {
                    drop(std::fs::remove_file(&path));
                }
            }
        }
        Ok(open_runs)
    }
}

/// Returns whether a record is finished in a run that ended, or too old to go on with.
fn is_ended(path: &Path, open_runs: &BTreeSet<String>) -> io::Result<bool> {
    let record = Record::read(path)?;
    let finished = record.as_ref().is_some_and(|record| record.file.is_some());
    let run = record.and_then(|record| record.run);
    Ok(finished && !run.is_some_and(|run| open_runs.contains(&run)) || is_old(path))
}
