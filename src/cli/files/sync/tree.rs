//! The files of a local folder, with their names on the server.

use crate::cli::files::sources::collect;
use anyhow::{Context, Result, bail};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct LocalFile {
    /// The path relative to the folder: the name on the server.
    pub name: String,
    /// The path.
    pub path: PathBuf,
    /// The size, in bytes.
    pub size_bytes: u64,
    /// The time of the last change, in Unix seconds and nanoseconds.
    pub modified_at: (i64, i64),
}

/// Returns the files of a folder and of those in it. Symbolic links are left out.
pub fn files(folder: &Path) -> Result<Vec<LocalFile>> {
    if !std::fs::metadata(folder).with_context(|| format!("cannot read {}", folder.display()))?.is_dir() {
        bail!("{} is no folder", folder.display());
    }
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.into_iter().map(|path| file(folder, path)).collect()
}

fn file(folder: &Path, path: PathBuf) -> Result<LocalFile> {
    let metadata = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.strip_prefix(folder).ok().and_then(Path::to_str);
    let name = name.with_context(|| format!("the name of {} is not UTF-8", path.display()))?.to_owned();
    let modified_at = (metadata.mtime(), metadata.mtime_nsec());
    Ok(LocalFile { name, path, size_bytes: metadata.len(), modified_at })
}
