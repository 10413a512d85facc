//! The file that a download fills, and the names that it gets at the end.

use super::display::Transfer;
use super::durable::sync_name;
use super::local_name::{MAX_NAME_BYTES, shortened};
use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use venna_client::{Download, Hasher, Progress, Sink};

/// The additions to the name of the target: of the file itself, and of the file with its `ETag`.
const PART: &str = "part";
const ETAG: &str = "etag";
/// The longest name that leaves room for both, in bytes.
const MAX_STEM_BYTES: usize = MAX_NAME_BYTES - ".".len() - PART.len() - ".".len() - ETAG.len();
/// The longest `ETag` that is read from a file, in bytes.
const MAX_ETAG_BYTES: u64 = 1024;
/// The errors of a file system that cannot rename without replacing.
const NO_EXCHANGE: [Errno; 3] = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];

/// The file `TARGET.part`, with the `ETag` of its bytes in `TARGET.part.etag`. A long name of a target is shortened.
pub struct PartialFile {
    file: File,
    path: PathBuf,
    etag_path: PathBuf,
    transfer: Arc<Transfer>,
}

impl PartialFile {
    /// Opens the partial file of a target, and returns what it has.
    pub fn open(target: &Path, transfer: Arc<Transfer>) -> Result<(Self, Download)> {
        let name = shortened(target.file_name().unwrap_or_default(), MAX_STEM_BYTES);
        let path = target.with_file_name(name).with_added_extension(PART);
        let etag_path = path.with_added_extension(ETAG);
        let unusable = || format!("cannot use {}", path.display());
        let file = open_locked(&path).with_context(unusable)?;
        let mut begun = Download::default();
        let etag = read_etag(&etag_path);
        if etag.is_empty() {
            file.set_len(0).with_context(unusable)?;
        } else {
            begun.received_bytes = file.metadata().with_context(unusable)?.len();
            begun.etag = Some(etag);
        }
        Ok((Self { file, path, etag_path, transfer }, begun))
    }

    /// Gives the complete file its name, durably, and returns its size in bytes. Replaces a file only if asked.
    pub fn publish(&self, target: &Path, replaces: bool) -> Result<u64> {
        let unwritable = || format!("cannot write {}", target.display());
        self.file.sync_all().with_context(unwritable)?;
        let size_bytes = self.file.metadata().with_context(unwritable)?.len();
        match if replaces { std::fs::rename(&self.path, target) } else { rename_to_new(&self.path, target) } {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{} exists: use --force to replace it", target.display());
            }
            renamed => renamed.with_context(unwritable)?,
        }
        sync_name(target).with_context(unwritable)?;
        let removed = std::fs::remove_file(&self.etag_path);
        removed.with_context(|| format!("cannot remove {}", self.etag_path.display()))?;
        Ok(size_bytes)
    }
}

/// Opens or creates a file that one process uses at a time.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another process downloads to it"),
            TryLockError::Error(error) => error,
        })?;
        // Another process may have completed and renamed the file before the lock was taken.
        let ours = file.metadata()?;
        if std::fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
}

/// Renames a file unless the new name exists, in one step.
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(error) if NO_EXCHANGE.contains(&error) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

impl Sink for PartialFile {
    fn begin(&mut self, received_bytes: u64, size_bytes: Option<u64>) {
        self.transfer.begin(received_bytes, size_bytes);
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.transfer.add(piece.len() as u64);
        self.file.write_all(piece)
    }

    fn hash_received(&mut self, hasher: &mut Hasher) -> io::Result<()> {
        self.file.rewind()?;
        hasher.read_all(&self.file)
    }

    fn restart(&mut self) -> io::Result<bool> {
        self.file.set_len(0)?;
        self.file.rewind().map(|()| true)
    }

    fn keep_etag(&mut self, etag: &str) -> io::Result<()> {
        File::create(&self.etag_path)?.write_all(etag.as_bytes())
    }
}

/// Returns the kept `ETag`, or nothing: then the download begins again.
fn read_etag(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_ETAG_BYTES).read_to_string(&mut text));
    if read.is_ok() { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "files of a test need not survive a power cut")]
    fn a_rename_never_replaces_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();
        assert_eq!(rename_to_new(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&to).unwrap(), b"old");
        std::fs::remove_file(&to).unwrap();
        rename_to_new(&from, &to).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"new");
    }
}
