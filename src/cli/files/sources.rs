//! The sources of an upload: files, folders, patterns, and standard input.

use crate::model::upload::MAX_UPLOAD_BYTES;
use anyhow::{Context, Result, bail};
use glob::MatchOptions;
use std::collections::BTreeSet;
use std::fs::{DirEntry, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The characters of a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

/// Returns the files that the paths name, each once. A path that does not exist may be a pattern, as on systems whose
/// shell expands none.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        for path in expand(path)? {
            collect(&path, &mut files)?;
        }
    }
    let mut seen = BTreeSet::new();
    // A file that cannot be resolved fails later, with its name.
    files.retain(|path| std::fs::canonicalize(path).map_or(true, |path| seen.insert(path)));
    Ok(files)
}

fn expand(path: &Path) -> Result<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|text| text.contains(PATTERN) && path.symlink_metadata().is_err());
    let Some(pattern) = pattern else { return Ok(vec![path.to_owned()]) };
    let options =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let matches = glob::glob_with(pattern, options).with_context(|| format!("'{pattern}' is no pattern"))?;
    let matches = matches.collect::<Result<Vec<_>, _>>().with_context(|| format!("cannot read '{pattern}'"))?;
    if matches.is_empty() {
        bail!("no file matches '{pattern}'");
    }
    Ok(matches)
}

/// Adds a file, or the files of a folder in the order of their paths.
pub fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    if !std::fs::metadata(path).with_context(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
    let mut entries = entries.with_context(unreadable)?;
    entries.sort_by_key(DirEntry::path);
    for entry in entries {
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() || kind.is_file() {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

/// Copies standard input to a file without a name, which ends with the process.
pub fn spool() -> Result<File> {
    let mut file = tempfile::tempfile().context("cannot create a temporary file")?;
    let copied = io::copy(&mut io::stdin().lock().take(MAX_UPLOAD_BYTES + 1), &mut file);
    if copied.context("cannot copy standard input to a temporary file")? > MAX_UPLOAD_BYTES {
        bail!("standard input has more than {MAX_UPLOAD_BYTES} bytes");
    }
    Ok(file)
}
