//! The directory `quarantine` in the folder of blobs: what no row explains waits there before it is removed.

use super::shards::{DIRECTORY, Shards, temporary_name};
use crate::model::ids::BlobId;
use rustix::fs::{AtFlags, Dir, Mode, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::io;
use std::iter;
use std::os::fd::OwnedFd;

const NAME: &str = "quarantine";
/// Copies of one name that are put aside within a moment, beside the first.
const MAX_COPIES: u64 = 16;

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
        if let Some(place) = move_in(shard, &quarantine, &name, now_seconds)? {
            date(&quarantine, &place, now_seconds)?;
            entered = true;
        }
    }
    if entered {
        rustix::fs::fsync(&quarantine)?;
        rustix::fs::fsync(shard)?;
    }
    Ok(entered)
}

/// Moves a name to the quarantine; the name that it has there, none when there is no such name. What is in quarantine
/// already, because a copy of it was put back, keeps its name, and this gets another.
fn move_in(shard: &OwnedFd, quarantine: &OwnedFd, name: &str, now_seconds: u64) -> io::Result<Option<String>> {
    let others = (0..MAX_COPIES).map(|copy| format!("{name}.{}", now_seconds.saturating_add(copy)));
    for place in iter::once(name.to_owned()).chain(others) {
        match rustix::fs::renameat_with(shard, name, quarantine, &place, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(Some(place)),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::EXIST.into())
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
        let Ok(status) = rustix::fs::statat(&quarantine, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if u64::try_from(status.st_mtime).unwrap_or_default() > before_seconds {
            continue;
        }
        match rustix::fs::unlinkat(&quarantine, &name, AtFlags::empty()) {
            Ok(()) => purged += 1,
            Err(Errno::NOENT) => {}
            Err(error) => tracing::warn!(name, %error, "quarantine removal failed"),
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
