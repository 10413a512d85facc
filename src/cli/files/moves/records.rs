//! A file of JSON lines that only grows: a line is on disk before the next step begins.

use crate::cli::files::durable::sync_name;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 65_536;

/// A file of records that is open at its end.
#[derive(Debug)]
pub struct Records {
    file: File,
    path: PathBuf,
}

impl Records {
    /// Opens or creates the file for one process, and returns its records. A line that a kill cut off is removed.
    pub fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>)> {
        let unusable = || format!("cannot use {}", path.display());
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.with_context(unusable)?;
        file.try_lock().with_context(|| format!("another process uses {}", path.display()))?;
        let (records, whole_bytes) = read(&file).with_context(unusable)?;
        file.set_len(whole_bytes).and_then(|()| file.seek(SeekFrom::End(0))).with_context(unusable)?;
        sync_name(path).with_context(unusable)?;
        Ok((Self { file, path: path.to_owned() }, records))
    }

    /// Reads the records of a file that exists.
    pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
        let unreadable = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(unreadable)?;
        Ok(read(&file).with_context(unreadable)?.0)
    }

    /// Adds a record, durably.
    pub fn add(&mut self, record: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Returns the records of the whole lines, and the bytes of these lines.
fn read<T: DeserializeOwned>(file: &File) -> Result<(Vec<T>, u64)> {
    let (mut reader, mut records, mut whole_bytes) = (BufReader::new(file), Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? as u64;
        if line.last() != Some(&b'\n') {
            if read == MAX_LINE_BYTES {
                bail!("line {} is too long", records.len() + 1);
            }
            return Ok((records, whole_bytes));
        }
        whole_bytes += read;
        let record = serde_json::from_slice(&line);
        records.push(record.with_context(|| format!("line {} is no record", records.len() + 1))?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "files of a test need not survive a power cut")]
    fn records_go_on_after_a_line_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let (mut records, found) = Records::open::<u64>(&path).unwrap();
        assert!(found.is_empty());
        records.add(&1).unwrap();
        records.add(&2).unwrap();
        assert!(Records::open::<u64>(&path).is_err(), "one process at a time");
        drop(records);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"3"].concat()).unwrap();
        let (mut records, found) = Records::open::<u64>(&path).unwrap();
        records.add(&4).unwrap();
        assert_eq!((found, Records::read::<u64>(&path).unwrap()), (vec![1, 2], vec![1, 2, 4]));
        drop(records);
        std::fs::write(&path, "1\nx\n").unwrap();
        assert!(Records::open::<u64>(&path).is_err(), "it is another file");
    }
}
