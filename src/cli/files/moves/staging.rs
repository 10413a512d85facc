//! Contents on their way: what a source has sent is kept until its File is in the map.

use super::source::Item;
use crate::cli::files::display::Transfer;
use crate::cli::files::partial_file::PartialFile;
use crate::cli::files::state;
use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use venna_client::{Client, ClientError};

/// The mode of the folder: its contents are those of a key.
const FOLDER_MODE: u32 = 0o700;

/// The folder of the contents of one source.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    source: String,
}

/// A content that is ready to be sent.
#[derive(Debug)]
pub struct Staged {
    /// Its path.
    pub path: PathBuf,
    /// The Unix second in which it became ready. It stays the same after a kill, and so does the lifetime of the File.
    pub since_seconds: u64,
}

impl Staging {
    /// Opens or creates the folder.
    pub fn open(source: &str) -> Result<Self> {
        let folder = state::folder().context("there is no folder for the state: set XDG_STATE_HOME or HOME")?;
        let folder = folder.join("imports");
        let created = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder);
        created.with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self { folder, source: source.to_owned() })
    }

    /// Downloads a content, or goes on with its download.
    pub async fn download(&self, client: &Client, item: &Item, transfer: Arc<Transfer>) -> Result<Staged> {
        let path = self.place(&item.id);
        if !path.exists() {
            let (partial, begun) = PartialFile::open(&path, transfer)?;
            let (partial, _) = begun.run(client, &item.id, partial).await.map_err(unreadable)?;
            partial.publish(&path, true)?;
        }
        staged(&path, path.clone())
    }

    /// Notes when a file of a folder was taken. It is sent from where it is.
    pub fn point_to(&self, item: &Item, path: &Path) -> Result<Staged> {
        let place = self.place(&item.id);
        match symlink(path, &place) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("cannot write {}", place.display()))
            }
            _ => staged(&place, path.to_owned()),
        }
    }

    /// Removes a content whose File is in the map.
    pub fn remove(&self, id: &str) {
        // What stays behind costs its space.
        drop(std::fs::remove_file(self.place(id)));
    }

    fn place(&self, id: &str) -> PathBuf {
        let digest = Sha256::new().chain_update(&self.source).chain_update([0]).chain_update(id).finalize();
        self.folder.join(base16ct::lower::encode_string(&digest))
    }
}

fn staged(place: &Path, path: PathBuf) -> Result<Staged> {
    let metadata = std::fs::symlink_metadata(place).with_context(|| format!("cannot read {}", place.display()))?;
    Ok(Staged { path, since_seconds: u64::try_from(metadata.mtime()).unwrap_or_default() })
}

/// A source may refuse single contents, as OpenAI does for some purposes. That is no refusal of the key.
fn unreadable(error: ClientError) -> anyhow::Error {
    anyhow!("its content cannot be read: {:#}", anyhow::Error::from(error))
}
