//! The directory `quarantine` in the folder of blobs: what no row explains waits there before it is removed.

use super::{DIRECTORY, Shards, temporary_name};
use crate::model::ids::BlobId;
use rustix::fs::{AtFlags, Dir, Mode, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;

const NAME: &str = "quarantine";

pub(super) fn make(root: &OwnedFd) -> io::Result<()> {
    match rustix::fs::mkdirat(root, NAME, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Moves the names of a blob, finished and begun, to the quarantine, as of `now_seconds`. False when it has none.
pub(super) fn enter(shards: &Shards, id: BlobId, now_seconds: u64) -> io::Result<bool> {
    let (shard, quarantine) = (shards.of(id)?, open(&shards.root)?);
    let mut entered = false;
    for name in [id.to_string(), temporary_name(id)] {
        match rustix::fs::renameat_with(shard, &name, &quarantine, &name, RenameFlags::NOREPLACE) {
            Ok(()) => {
                date(&quarantine, &name, now_seconds)?;
                entered = true;
            }
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if entered {
        rustix::fs::fsync(&quarantine)?;
        rustix::fs::fsync(shard)?;
    }
    Ok(entered)
}

/// The names in the quarantine.
pub(super) fn names(shards: &Shards) -> io::Result<Vec<String>> {
    let names = Dir::read_from(open(&shards.root)?)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.filter(|name| !matches!(name.as_deref(), Ok("." | ".."))).collect()
}

/// Removes what has been there since `before_seconds` or longer; how many names that were.
pub(super) fn purge(shards: &Shards, before_seconds: u64) -> io::Result<usize> {
    let quarantine = open(&shards.root)?;
    let mut purged = 0;
    for name in names(shards)? {
        let status = rustix::fs::statat(&quarantine, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        if u64::try_from(status.st_mtime).unwrap_or_default() <= before_seconds {
            rustix::fs::unlinkat(&quarantine, &name, AtFlags::empty())?;
            purged += 1;
        }
    }
    Ok(purged)
}

fn open(root: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(root, NAME, DIRECTORY, Mode::empty())?)
}

/// A file says by the time of its last change since when it is there.
fn date(quarantine: &OwnedFd, name: &str, now_seconds: u64) -> io::Result<()> {
    let now = Timespec { tv_sec: i64::try_from(now_seconds).unwrap_or(i64::MAX), tv_nsec: 0 };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(rustix::fs::utimensat(quarantine, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
