//! Contents on their way: what a source has sent is kept until its File is in the map.

use super::source::Item;
use crate::cli::files::display::Transfer;
use crate::cli::files::partial_file::PartialFile;
use crate::cli::files::state;
use anyhow::{Context, Result, anyhow};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{DirBuilder, DirEntry};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use venna_client::{Client, ClientError};

/// The mode of the folder: its contents are those of a key.
const FOLDER_MODE: u32 = 0o700;
/// The age from which a content is removed, in seconds: no run goes on with it.
const MAX_AGE_SECONDS: u64 = 30 * 86_400;

/// The folder of contents, and the move that they belong to.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    source: String,
    target: String,
}

impl Staging {
    /// Opens or creates the folder.
    pub fn open(source: &str, target: &str) -> Result<Self> {
        let folder = state::folder().context("there is no folder for the state: set XDG_STATE_HOME or HOME")?;
        let folder = folder.join("imports");
        let created = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder);
        created.with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self { folder, source: source.to_owned(), target: target.to_owned() })
    }

    /// Removes the contents of Files that are in the map, which a kill left behind, and what is old.
    pub fn sweep(&self, imported: &BTreeSet<String>, now_seconds: u64) -> Result<()> {
        let imported: BTreeSet<PathBuf> = imported.iter().map(|id| self.place(id)).collect();
        let settled = now_seconds.saturating_sub(MAX_AGE_SECONDS);
        let entries = std::fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
        for entry in entries.with_context(|| format!("cannot read {}", self.folder.display()))? {
            // The entry of another process may be gone by now.
            let is_old = entry.metadata().is_ok_and(|metadata| seconds(metadata.mtime()) < settled);
            if is_old || imported.contains(&entry.path()) {
                drop(std::fs::remove_file(entry.path()));
            }
        }
        Ok(())
    }

    /// Downloads a content, or goes on with its download, and returns its path.
    pub async fn download(&self, client: &Client, item: &Item, transfer: Arc<Transfer>) -> Result<PathBuf> {
        let path = self.place(&item.id);
        if !path.exists() {
            let (partial, begun) = PartialFile::open(&path, transfer)?;
            let (partial, _) = begun.run(client, &item.id, partial).await.map_err(unreadable)?;
            partial.publish(&path, true)?;
        }
        Ok(path)
    }

    /// Notes that a file of a folder is taken. The file is sent from where it is.
    pub fn point_to(&self, item: &Item, path: &Path) -> Result<()> {
        let place = self.place(&item.id);
        match symlink(path, &place) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("cannot write {}", place.display()))
            }
            _ => Ok(()),
        }
    }

    /// Notes that the upload of a content begins now.
    pub fn begin(&self, id: &str) -> Result<()> {
        let (place, now) = (self.place(id), Timespec { tv_sec: 0, tv_nsec: UTIME_NOW });
        let times = Timestamps { last_access: now, last_modification: now };
        let noted = utimensat(CWD, &place, &times, AtFlags::SYMLINK_NOFOLLOW);
        noted.with_context(|| format!("cannot write {}", place.display()))
    }

    /// Returns the Unix second in which the upload of a content began. It stays the same after a kill, and so does the
    /// lifetime that the upload asks for.
    pub fn began_at(&self, id: &str) -> Result<u64> {
        let place = self.place(id);
        let metadata = std::fs::symlink_metadata(&place).with_context(|| format!("cannot read {}", place.display()))?;
        Ok(seconds(metadata.mtime()))
    }

    /// Removes a content whose File is in the map.
    pub fn remove(&self, id: &str) {
        // What stays behind is swept by the next run.
        drop(std::fs::remove_file(self.place(id)));
    }

    fn place(&self, id: &str) -> PathBuf {
        let mut digest = Sha256::new();
        for text in [self.source.as_str(), &self.target, id] {
            digest.update(text);
            digest.update([0]);
        }
        self.folder.join(base16ct::lower::encode_string(&digest.finalize()))
    }
}

fn seconds(unix_seconds: i64) -> u64 {
    u64::try_from(unix_seconds).unwrap_or_default()
}

/// A source may refuse single contents, as OpenAI does for some purposes. That is no refusal of the key.
fn unreadable(error: ClientError) -> anyhow::Error {
    anyhow!("its content cannot be read: {:#}", anyhow::Error::from(error))
}
