//! The directory `quarantine` in the blob folder: blobs without a row wait there before they are deleted.

use super::shards::{DIRECTORY, Shards, temporary_name};
use crate::model::ids::BlobId;
use rustix::fs::{AtFlags, Dir, Mode, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::io;
use std::iter;
use std::os::fd::OwnedFd;

const NAME: &str = "quarantine";
/// The maximum of further copies of one name in the quarantine.
const MAX_COPIES: u64 = 16;

pub(super) fn make(root: &OwnedFd) -> io::Result<()> {
    match rustix::fs::mkdirat(root, NAME, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Moves the final and temporary names of a blob to the quarantine, dated `now_seconds`. Returns false if it has none.
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

/// Moves a name to the quarantine. Returns its name there; none for a missing one. A name that is taken, because a copy
/// was put back, gets a suffix.
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

/// Returns the names in the quarantine. A folder in which no server of this version was started yet may have none.
pub(super) fn names(shards: &Shards) -> io::Result<Vec<String>> {
    let quarantine = match open(&shards.root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let names = Dir::read_from(quarantine)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.filter(|name| !matches!(name.as_deref(), Ok("." | ".."))).collect()
}

/// Deletes what was quarantined at `before_seconds` or earlier. Returns the number of names.
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

/// Sets the modification time of a file to the time of its quarantine.
fn date(quarantine: &OwnedFd, name: &str, now_seconds: u64) -> io::Result<()> {
    let now = Timespec { tv_sec: i64::try_from(now_seconds).unwrap_or(i64::MAX), tv_nsec: 0 };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(rustix::fs::utimensat(quarantine, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
