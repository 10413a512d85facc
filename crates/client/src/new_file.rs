//! Local files to upload.

use crate::error::ClientError;
use crate::local_file::LocalFile;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bytes of a new File.
#[derive(Clone, Debug)]
pub enum Source {
    /// A regular file.
    Path(PathBuf),
    /// An open file without a name. Its upload cannot go on in another process.
    Unnamed(Arc<File>),
}

/// A local file to send.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The bytes.
    pub source: Source,
    /// The name of the File.
    pub filename: String,
    /// The purpose of the File.
    pub purpose: String,
    /// The lifetime, in seconds.
    pub expires_after_seconds: Option<u64>,
}

impl NewFile {
    /// Opens the source.
    pub(crate) async fn open(&self) -> Result<LocalFile, ClientError> {
        match &self.source {
            Source::Path(path) => LocalFile::open(path).await,
            Source::Unnamed(file) => {
                let shown = Path::new(&self.filename).to_owned();
                LocalFile::of(Arc::clone(file), shown.clone())
                    .map_err(|source| ClientError::Local { path: shown, source })
            }
        }
    }
}
