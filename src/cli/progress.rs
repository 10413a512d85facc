//! The progress file of `venna scrub --progress`.

use crate::model::ids::BlobId;
use crate::model::scrub::ScrubProgress;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;

/// The longest progress file that is read, in bytes.
const MAX_BYTES: u64 = 4096;

/// The progress file, if given.
#[derive(Debug)]
pub struct ProgressFile(pub Option<PathBuf>);

#[derive(Serialize, Deserialize)]
struct Note {
    begun_at: u64,
    after: Option<String>,
    blobs: u64,
    bytes: u64,
    damaged: u64,
}

impl ProgressFile {
    /// Returns the progress of an interrupted scrub.
    pub fn load(&self) -> Result<Option<ScrubProgress>> {
        let Some(path) = &self.0 else { return Ok(None) };
        let unreadable = || format!("cannot read the progress of a scrub from {}", path.display());
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.with_context(unreadable)?,
        };
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).with_context(unreadable)?;
        let note: Note = serde_json::from_str(&text).with_context(unreadable)?;
        let after = note.after.map(|blob| blob.parse::<BlobId>()).transpose().with_context(unreadable)?;
        let Note { begun_at, blobs, bytes, damaged, .. } = note;
        Ok(Some(ScrubProgress { begun_at, ended_at: None, after, blobs, bytes, damaged }))
    }

    /// Replaces the recorded progress.
    pub fn save(&self, progress: &ScrubProgress) -> Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let ScrubProgress { begun_at, after, blobs, bytes, damaged, .. } = *progress;
        let note = Note { begun_at, after: after.map(|blob| blob.to_string()), blobs, bytes, damaged };
        let temporary = path.with_added_extension("tmp");
        let written = File::create(&temporary).and_then(|mut file| {
            serde_json::to_writer(&mut file, &note)?;
            file.write_all(b"\n")?;
            std::fs::rename(&temporary, path)
        });
        written.with_context(|| format!("cannot write the progress of the scrub to {}", path.display()))
    }

    /// Removes the file after a complete scrub.
    pub fn remove(&self) -> Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
