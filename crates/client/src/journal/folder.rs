//! The folder of the journal, and how its files are read and written.

use crate::checksum::hex;
use crate::error::ClientError;
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest record or run that is read, in bytes.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// The age at which a record, a run or what a killed process left is removed.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// The mode of files and folders: a record tells names and sizes of files.
pub(super) const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// The extensions of records, runs, locks and of files before their rename.
pub(super) const RECORD: &str = "json";
pub(super) const RUN: &str = "run";
pub(super) const LOCK: &str = "lock";
pub(super) const TEMPORARY: &str = "tmp";

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(super) folder: PathBuf,
}

impl Journal {
    /// Opens or creates the folder.
    pub fn open(folder: &Path) -> Result<Self, ClientError> {
        let created = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        created.map_err(|source| ClientError::Local { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned() })
    }
}

/// Returns the name of a record or a run.
pub(crate) fn name_of(identity: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for member in identity {
        digest.update((member.len() as u64).to_be_bytes());
        digest.update(member);
    }
    hex(&digest.finalize())
}

/// Replaces a file by rename; a new one durably.
pub(super) fn write(path: &Path, content: &[u8], is_new: bool) -> io::Result<()> {
    let temporary = path.with_added_extension(TEMPORARY);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&temporary)?;
    file.write_all(content)?;
    file.sync_data()?;
    std::fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) if is_new => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Reads a file; none if there is none.
pub(super) fn read_bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether a file is so old that nobody goes on with it.
pub(super) fn is_old(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > MAX_AGE))
}
