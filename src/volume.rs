//! The file system under a folder, as far as keeping data depends on it.

use rustix::fs::{fstatvfs, major, minor, stat, statfs, statvfs};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// File systems that lose data at a power cut, or may not pass an fsync on, by the numbers of statfs(2).
const VOLATILE: [(u64, &str); 3] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x6969, "NFS")];
/// File systems on which the tests cut the power and lost nothing, by the same numbers.
const TRIED: [(u64, &str); 2] = [(0xef53, "ext4"), (0x5846_5342, "XFS")];
/// Where the kernel lists what is mounted, and the names of the file systems (`proc_pid_mountinfo(5)`).
const MOUNTS: &str = "/proc/self/mountinfo";

/// How far a file system can be trusted to keep what it acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Power cuts were tried on it.
    Tried,
    /// It loses data at a power cut, or may not pass an fsync on; its name.
    Volatile(&'static str),
    /// Nobody has tried; its name.
    Untried(String),
}

/// Returns how far the file system of a folder can be trusted, or that of its nearest ancestor when the folder does not exist yet;
/// none when the system does not tell.
#[must_use]
pub fn trust(folder: &Path) -> Option<Trust> {
    let folder = std::path::absolute(folder).ok()?;
    let (folder, status) = folder.ancestors().find_map(|folder| Some((folder, statfs(folder).ok()?)))?;
    let kind = u64::try_from(status.f_type).ok()?;
    let named = |list: &[(u64, &'static str)]| list.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name);
    if let Some(name) = named(&VOLATILE) {
        return Some(Trust::Volatile(name));
    }
    if named(&TRIED).is_some() {
        return Some(Trust::Tried);
    }
    let mounts = std::fs::read_to_string(MOUNTS).unwrap_or_default();
    let name = mounted_kind(&mounts, stat(folder).ok()?.st_dev);
    Some(Trust::Untried(name.unwrap_or_else(|| format!("a file system of the kind {kind:#x}"))))
}

/// Returns the name of the file system of a device, by a list of mounts.
fn mounted_kind(mounts: &str, device: u64) -> Option<String> {
    let device = format!("{}:{}", major(device), minor(device));
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    mount.split_once(" - ")?.1.split(' ').next().map(str::to_owned)
}

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

/// Returns the name of the file system when it cannot be trusted to keep what it acknowledged, or may not.
#[must_use]
pub fn volatile_kind(folder: &Path) -> Option<&'static str> {
    match trust(folder)? {
        Trust::Volatile(name) => Some(name),
        Trust::Tried | Trust::Untried(_) => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::makedev;

    #[test]
    fn file_systems_are_named_as_the_kernel_lists_them() {
        let mounts = "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n\
                      36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n\
                      40 30 0:52 / /data rw - fuse.sshfs a@b:/c rw,user_id=0\n";
        assert_eq!(mounted_kind(mounts, makedev(0, 52)).as_deref(), Some("fuse.sshfs"));
        assert_eq!(mounted_kind(mounts, makedev(98, 0)).as_deref(), Some("ext3"));
        assert_eq!(mounted_kind(mounts, makedev(0, 99)), None);
    }

    #[test]
    fn a_file_system_that_was_not_tried_has_its_name() {
        assert_eq!(trust(Path::new("/proc")), Some(Trust::Untried("proc".to_owned())));
        assert_eq!(trust(Path::new("/proc/not/there")), Some(Trust::Untried("proc".to_owned())));
        if Path::new("/dev/shm").is_dir() {
            assert_eq!(trust(Path::new("/dev/shm")), Some(Trust::Volatile("tmpfs")));
        }
    }
}
