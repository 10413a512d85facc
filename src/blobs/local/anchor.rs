//! Compares the folder of blobs that is open with the one that lies under its path now.
//!
//! Open handles keep leading to the folder that was opened when a volume is mounted over it or taken away lazily. What is
//! written by way of them is not there at the next start. So the path is looked at again before a blob is acknowledged; both
//! looks are answered from the kernel's cache.

use rustix::fs::{AtFlags, CWD, Stat, fstat, stat, statat};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The name of the file that marks the folder of an installation.
pub(super) const STAMP_NAME: &str = "stamp";

/// The folder that was opened, and where.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    identity: (u64, u64),
    is_stamped: AtomicBool,
}

impl Anchor {
    /// Remembers an open folder and its path.
    pub(super) fn of(path: &Path, folder: &OwnedFd) -> io::Result<Self> {
        let is_stamped = statat(folder, STAMP_NAME, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        Ok(Self { path: path.to_owned(), identity: identity(&fstat(folder)?), is_stamped: is_stamped.into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// From now on the folder has a stamp.
    pub(super) fn note_stamp(&self) {
        self.is_stamped.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// When another folder, or none, lies under the path, or the stamp of the folder is gone.
    pub(super) fn hold(&self) -> io::Result<()> {
        let path = self.path.display();
        match stat(&self.path) {
            Ok(found) if identity(&found) == self.identity => {}
            Ok(_) => {
                return Err(io::Error::other(format!(
                    "another folder lies at {path} than at the start: its volume was mounted or unmounted meanwhile"
                )));
            }
            Err(error) => return Err(io::Error::other(format!("the folder of blobs {path} is gone: {error}"))),
        }
        if self.is_stamped.load(Ordering::Relaxed)
            && statat(CWD, self.path.join(STAMP_NAME), AtFlags::SYMLINK_NOFOLLOW).err() == Some(Errno::NOENT)
        {
            return Err(io::Error::other(format!("the stamp of the folder of blobs {path} is gone")));
        }
        Ok(())
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}
