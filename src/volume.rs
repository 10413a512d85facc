//! The file system under a folder, as far as keeping data depends on it.

use rustix::fs::{fstatvfs, statfs, statvfs};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// File systems that lose data at a power cut, or may not pass an fsync on, by the numbers of statfs(2).
const VOLATILE: [(u64, &str); 3] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x6969, "NFS")];
/// The share of a file system that is kept free so that a full one can be emptied: one hundredth.
const RESERVE_SHARE: u64 = 100;
/// Bounds of that reserve, in bytes.
const MIN_RESERVE_BYTES: u64 = 1 << 20;
const MAX_RESERVE_BYTES: u64 = 16 << 20;

/// The folder that holds `path`.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name of the file system when it cannot be trusted to keep what it acknowledged, or may not; that of its nearest
/// ancestor when the folder does not exist yet.
#[must_use]
pub fn volatile_kind(folder: &Path) -> Option<&'static str> {
    let folder = std::path::absolute(folder).ok()?;
    let status = folder.ancestors().find_map(|folder| statfs(folder).ok())?;
    let kind = u64::try_from(status.f_type).ok()?;
    VOLATILE.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

/// How much of the folder's file system is kept free of files, in bytes.
///
/// # Errors
/// When the folder is not there.
pub fn reserve_bytes(folder: &Path) -> io::Result<u64> {
    let status = statvfs(folder)?;
    let total_bytes = status.f_blocks.saturating_mul(status.f_frsize);
    Ok((total_bytes / RESERVE_SHARE).clamp(MIN_RESERVE_BYTES, MAX_RESERVE_BYTES))
}

/// How much may still be written to the file system of an open file or folder, in bytes.
///
/// # Errors
/// When the system does not tell.
pub fn available_bytes(file: impl AsFd) -> io::Result<u64> {
    let status = fstatvfs(file)?;
    Ok(status.f_bavail.saturating_mul(status.f_frsize))
}
