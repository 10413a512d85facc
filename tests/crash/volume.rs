//! A file system that loses power: an image on a loop device, shut down by the kernel without writing its log out.
//!
//! Only what was on its device at that moment is there when it is mounted again: dirty pages and the log in memory are
//! gone. The device itself keeps what it was given, so a lost flush of a disk's own cache is not seen.

#![allow(unsafe_code, reason = "one system call for the cut, and one to keep the mounts to ourselves")]

use rustix::ioctl::{Setter, ioctl};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use venna_testkit::program::PATIENCE;

/// The least that XFS takes is 300 MiB.
const IMAGE_BYTES: u64 = 512 << 20;
/// `FS_IOC_SHUTDOWN`, and its flag "without flushing the log".
const SHUTDOWN: u32 = 0x8004_587d;
const WITHOUT_LOG_FLUSH: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    Ext4,
    Xfs,
}

impl fmt::Display for FileSystem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        })
    }
}

/// A mounted file system; unmounted when dropped.
pub struct Volume {
    folder: TempDir,
}

impl Volume {
    /// Makes and mounts one.
    ///
    /// # Errors
    /// Why this machine cannot.
    pub fn new(kind: FileSystem) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("only root can mount".into());
        }
        keep_mounts_to_this_thread()?;
        let folder = tempfile::tempdir().unwrap();
        let volume = Self { folder };
        File::create(volume.image()).unwrap().set_len(IMAGE_BYTES).unwrap();
        std::fs::create_dir(volume.path()).unwrap();
        run(&format!("mkfs.{kind}"), &[Path::new("-q"), &volume.image()])?;
        volume.mount()?;
        Ok(volume)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// The power is cut: nothing reaches the device from now on.
    pub fn cut(&self) {
        let root = File::open(self.path()).unwrap();
        // SAFETY: this number takes a pointer to four bytes, reads them, and keeps nothing.
        unsafe { ioctl(&root, Setter::<SHUTDOWN, u32>::new(WITHOUT_LOG_FLUSH)) }.unwrap();
    }

    /// The power is back. Whoever had files open here must be gone.
    pub fn power_up(&self) {
        self.unmount().unwrap();
        self.mount().unwrap();
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &[Path::new("-o"), Path::new("loop"), &self.image(), &self.path()])
    }

    /// A process that was killed may hold its files for a moment longer.
    fn unmount(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match run("umount", &[&self.path()]) {
                Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
                outcome => return outcome,
            }
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let mounted = std::fs::read_to_string("/proc/thread-self/mounts").unwrap_or_default();
        if mounted.contains(&*self.path().to_string_lossy()) && self.unmount().is_err() {
            drop(run("umount", &[Path::new("--lazy"), &self.path()]));
        }
    }
}

/// Gives this thread, and what it starts, mounts of its own: the kernel removes them and their loop devices with the
/// last process that has them, however the test ends.
fn keep_mounts_to_this_thread() -> Result<(), String> {
    // SAFETY: file descriptors stay shared; only the view of mounts becomes this thread's own.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.map_err(|error| format!("no mounts of our own: {error}"))?;
    run("mount", &[Path::new("--make-rprivate"), Path::new("/")])
}

fn run(program: &str, arguments: &[&Path]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let complaint = || format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    if output.status.success() { Ok(()) } else { Err(complaint()) }
}
