//! Checks that the open blob folder is still the one under its path.
//!
//! Open handles keep leading to the old folder after a volume is mounted over it or lazily unmounted, and bytes written
//! through them are missing at the next start. So the path is checked again before a blob is acknowledged. Both
//! look-ups are answered from the kernel's cache.

use rustix::fs::{AtFlags, CWD, Stat, fstat, stat, statat};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The name of the file that marks the folder of an installation.
pub(super) const STAMP_NAME: &str = "stamp";

/// The identity of the opened folder, and its path.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    identity: (u64, u64),
    is_stamped: AtomicBool,
}

impl Anchor {
    /// Records the identity of an open folder.
    pub(super) fn of(path: &Path, folder: &OwnedFd) -> io::Result<Self> {
        let is_stamped = statat(folder, STAMP_NAME, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        Ok(Self { path: path.to_owned(), identity: identity(&fstat(folder)?), is_stamped: is_stamped.into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Records that the folder has a stamp now.
    pub(super) fn note_stamp(&self) {
        self.is_stamped.store(true, Ordering::Relaxed);
    }

    /// Checks the folder under the path.
    ///
    /// # Errors
    /// When it is another folder, is missing, or has lost its stamp.
    pub(super) fn check(&self) -> io::Result<()> {
        let path = self.path.display();
        match stat(&self.path) {
            Ok(found) if identity(&found) == self.identity => {}
            Ok(_) => {
                return Err(io::Error::other(format!(
                    "{path} is another folder than at the start: a volume was mounted or unmounted meanwhile"
                )));
            }
            Err(error) => return Err(io::Error::other(format!("the blob folder {path} is gone: {error}"))),
        }
        if self.is_stamped.load(Ordering::Relaxed)
            && statat(CWD, self.path.join(STAMP_NAME), AtFlags::SYMLINK_NOFOLLOW).err() == Some(Errno::NOENT)
        {
            return Err(io::Error::other(format!("the stamp of the blob folder {path} is gone")));
        }
        Ok(())
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}
