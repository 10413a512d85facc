//! `venna backup` and `venna restore`. Exit code 0: complete; 1: without damaged blobs; 2: failed.

use super::inspect::conclude;
use super::quantity::counted;
use super::settings::{StoreSettings, warn_as_root};
use crate::app::{Archived, BackupPlan, SkippedBlob, back_up, backup_folder, restore};
use crate::model::finding::Finding;
use anyhow::Result;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The interval of progress lines.
const PERIOD: Duration = Duration::from_secs(2);
const MIB: u64 = 1 << 20;
/// The default time limit of the hold on deleted bytes: one day.
const MAX_HOLD_SECONDS: u64 = 86_400;

/// Backs up the installation to a folder, with the server running or stopped.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The folder of the backup, empty or missing; with `--incremental`, a folder of backups.
    destination: PathBuf,
    /// Creates the backup in a new subfolder, named by the time in UTC, and reuses blobs of the newest backup there: as
    /// hard links where possible, each compared with its checksums.
    #[arg(long)]
    incremental: bool,
    /// The longest time that the deletion of bytes is held back; a backup that takes longer fails.
    #[arg(long, value_name = "SECONDS", default_value_t = MAX_HOLD_SECONDS, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    max_hold_seconds: u64,
    #[command(flatten)]
    settings: StoreSettings,
}

/// Restores a backup to empty or missing stores and checks every byte.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The folder of the backup.
    source: PathBuf,
    #[command(flatten)]
    settings: StoreSettings,
}

impl Backup {
    pub async fn run(&self) -> ExitCode {
        conclude(self.back_up().await)
    }

    async fn back_up(&self) -> Result<u64> {
        let stores = self.settings.stores()?;
        let mut progress = Progress::new("copied");
        let folder = if self.incremental { backup_folder(&self.destination) } else { self.destination.clone() };
        let plan = BackupPlan {
            folder: &folder,
            older: self.incremental.then_some(&*self.destination),
            max_hold: Duration::from_secs(self.max_hold_seconds),
        };
        let archived = back_up(&stores, plan, &mut |archived| progress.show(archived)).await?;
        for (blob, why) in &archived.damaged_before {
            eprintln!("the older backup has blob {blob} damaged ({why}); it was not taken over");
        }
        if self.incremental {
            let (blobs, bytes) = (archived.reused_blobs, archived.reused_bytes);
            eprintln!("{}, {} taken over from an older backup", blobs_of(blobs), bytes_of(bytes));
        }
        report(&archived, &format!("backed up to {}", folder.display()))
    }
}

impl Restore {
    pub async fn run(&self) -> ExitCode {
        conclude(self.restore().await)
    }

    async fn restore(&self) -> Result<u64> {
        let stores = self.settings.stores()?;
        warn_as_root(&stores);
        let mut progress = Progress::new("restored");
        let archived = restore(&self.source, &stores, &mut |archived| progress.show(archived)).await?;
        report(&archived, &format!("restored to {}", stores.data_dir.display()))
    }
}

/// Prints the result. Returns the number of missing blobs.
pub(super) fn report(archived: &Archived, done: &str) -> Result<u64> {
    for SkippedBlob { blob, owner, why } in &archived.damaged {
        writeln!(io::stdout(), "{}", Finding::DamagedBlob { blob: *blob, owner: owner.clone(), why })?;
    }
    let (blobs, bytes, damaged) = (archived.blobs, archived.bytes, archived.damaged.len() as u64);
    eprintln!("{}, {} {done}, {damaged} left out", blobs_of(blobs), bytes_of(bytes));
    Ok(damaged)
}

fn blobs_of(count: u64) -> String {
    counted(count, "blob", "blobs")
}

fn bytes_of(count: u64) -> String {
    counted(count, "byte", "bytes")
}

/// Prints progress to standard error from time to time.
pub(super) struct Progress {
    verb: &'static str,
    said: Instant,
}

impl Progress {
    pub(super) fn new(verb: &'static str) -> Self {
        Self { verb, said: Instant::now() }
    }

    pub(super) fn show(&mut self, archived: &Archived) {
        if self.said.elapsed() >= PERIOD {
            self.said = Instant::now();
            eprintln!("{} {}, {} MiB", self.verb, blobs_of(archived.blobs), archived.bytes / MIB);
        }
    }
}
