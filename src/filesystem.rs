//! The file system of a folder: its durability, its name and its free space.

use rustix::fs::{fstatvfs, major, minor, stat, statfs, statvfs};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// File systems that lose data at a power cut, or may not pass an fsync on, by the numbers of statfs(2).
const VOLATILE: [(u64, &str); 3] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x6969, "NFS")];
/// File systems that lost nothing in the power-cut tests, by the same numbers.
const TESTED: [(u64, &str); 2] = [(0xef53, "ext4"), (0x5846_5342, "XFS")];
/// File systems on which processes may not share memory, or lock, as SQLite's write-ahead log needs, by the same
/// numbers. virtiofs has the number of FUSE.
const WITHOUT_SHARED_MEMORY: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE or virtiofs"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x786f_4256, "vboxsf"),
];
/// The kernel's list of mounts, with the names of file systems (`proc_pid_mountinfo(5)`).
const MOUNTS: &str = "/proc/self/mountinfo";

/// The durability of a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It lost nothing in the power-cut tests.
    Tested,
    /// It loses data at a power cut, or may not pass an fsync on. Holds its name.
    Volatile(&'static str),
    /// It was not tested. Holds its name.
    Untested(String),
}

/// Returns the durability of a folder's file system, or that of its nearest existing ancestor; none when the system
/// does not tell.
#[must_use]
pub fn trust(folder: &Path) -> Option<Trust> {
    let (folder, kind) = kind(folder)?;
    let named = |list: &[(u64, &'static str)]| list.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name);
    if let Some(name) = named(&VOLATILE) {
        return Some(Trust::Volatile(name));
    }
    if named(&TESTED).is_some() {
        return Some(Trust::Tested);
    }
    let mounts = std::fs::read_to_string(MOUNTS).unwrap_or_default();
    let name = mounted_kind(&mounts, stat(&folder).ok()?.st_dev);
    Some(Trust::Untested(name.unwrap_or_else(|| format!("a file system of the kind {kind:#x}"))))
}

/// Returns the name of the folder's file system if SQLite's write-ahead log is unsafe on it: several processes use the
/// log, by shared memory and locks that network file systems do not give them.
#[must_use]
pub fn unsafe_for_wal(folder: &Path) -> Option<&'static str> {
    without_shared_memory(kind(folder)?.1)
}

fn without_shared_memory(kind: u64) -> Option<&'static str> {
    WITHOUT_SHARED_MEMORY.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

/// Returns the mode of a folder if all users may write to it.
#[must_use]
pub fn open_to_all(folder: &Path) -> Option<u32> {
    let mode = stat(folder).ok()?.st_mode & 0o7777;
    (mode & 0o002 != 0).then_some(mode)
}

/// Returns a folder, or its nearest existing ancestor, and the number of its file system.
fn kind(folder: &Path) -> Option<(PathBuf, u64)> {
    let folder = std::path::absolute(folder).ok()?;
    let (folder, status) = folder.ancestors().find_map(|folder| Some((folder, statfs(folder).ok()?)))?;
    Some((folder.to_owned(), u64::try_from(status.f_type).ok()?))
}

/// Returns the name of a device's file system, by a list of mounts.
fn mounted_kind(mounts: &str, device: u64) -> Option<String> {
    let device = format!("{}:{}", major(device), minor(device));
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    mount.split_once(" - ")?.1.split(' ').next().map(str::to_owned)
}

/// The divisor of the reserve: one hundredth of a file system stays free, so that a full one can be emptied.
const RESERVE_SHARE: u64 = 100;
/// Bounds of the reserve, in bytes.
const MIN_RESERVE_BYTES: u64 = 1 << 20;
const MAX_RESERVE_BYTES: u64 = 16 << 20;

/// Returns the folder that holds `path`.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the name of the folder's file system if it loses data at a power cut.
#[must_use]
pub fn volatile_kind(folder: &Path) -> Option<&'static str> {
    match trust(folder)? {
        Trust::Volatile(name) => Some(name),
        Trust::Tested | Trust::Untested(_) => None,
    }
}

/// Returns the reserve of the folder's file system, in bytes.
///
/// # Errors
/// When the folder does not exist.
pub fn reserve_bytes(folder: &Path) -> io::Result<u64> {
    let status = statvfs(folder)?;
    let total_bytes = status.f_blocks.saturating_mul(status.f_frsize);
    Ok((total_bytes / RESERVE_SHARE).clamp(MIN_RESERVE_BYTES, MAX_RESERVE_BYTES))
}

/// Returns the free space on the file system of an open file or folder, in bytes.
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
    fn the_log_of_sqlite_is_unsafe_on_what_a_network_may_lie_below() {
        let named = |kind| without_shared_memory(kind).unwrap_or_default();
        let kinds = [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x6573_5546];
        assert_eq!(kinds.map(named), ["NFS", "CIFS", "SMB", "9p", "FUSE or virtiofs"]);
        assert_eq!([0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994].map(named), [""; 4]);
        assert_eq!(unsafe_for_wal(Path::new("/proc")), None);
    }

    #[test]
    fn a_folder_that_all_may_write_to_is_found() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (mode, found) in [(0o700, None), (0o770, None), (0o702, Some(0o702)), (0o1777, Some(0o1777))] {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(open_to_all(folder.path()), found);
        }
    }

    #[test]
    fn a_file_system_that_was_not_tried_has_its_name() {
        assert_eq!(trust(Path::new("/proc")), Some(Trust::Untested("proc".to_owned())));
        assert_eq!(trust(Path::new("/proc/not/there")), Some(Trust::Untested("proc".to_owned())));
        if Path::new("/dev/shm").is_dir() {
            assert_eq!(trust(Path::new("/dev/shm")), Some(Trust::Volatile("tmpfs")));
        }
    }
}
