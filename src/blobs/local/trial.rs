//! A trial of a folder beside a server, which may be running: a file of its own, outside of the folders of blobs.

use crate::random;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const CONTENT: &[u8] = b"venna";
const FILE_MODE: u32 = 0o600;

/// Writes a file, reads it, renames it and removes it.
pub(super) fn write_and_remove(root: &Path) -> io::Result<()> {
    let name = format!("check-{:016x}", u64::from_be_bytes(random::bytes()));
    let (written, renamed) = (root.join(format!("{name}.tmp")), root.join(name));
    let tried = write(&written).and_then(|()| std::fs::rename(&written, &renamed)).and_then(|()| read(&renamed));
    let left = if renamed.exists() { &renamed } else { &written };
    let removed = std::fs::remove_file(left);
    tried.and(removed).and_then(|()| File::open(root)?.sync_all())
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(FILE_MODE).open(path)?;
    file.write_all(CONTENT)?;
    file.sync_all()
}

fn read(path: &Path) -> io::Result<()> {
    let mut found = Vec::new();
    File::open(path)?.take(CONTENT.len() as u64 + 1).read_to_end(&mut found)?;
    if found == CONTENT { Ok(()) } else { Err(io::Error::other("a file has other bytes than were written")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        write_and_remove(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(write_and_remove(Path::new("/proc")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
