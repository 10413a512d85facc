//! `venna backup` and `venna restore`: exit code 0 is whole, 1 is without blobs that were damaged, 2 is not made.

use super::inspect::conclude;
use super::settings::StoreSettings;
use crate::app::{Archived, back_up, restore};
use crate::model::finding::Finding;
use anyhow::Result;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often it is said how far the copy has come.
const PERIOD: Duration = Duration::from_secs(2);
const MIB: u64 = 1 << 20;

/// Copies the installation to a folder, with the server running or not.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The folder, empty or not there.
    destination: PathBuf,
    #[command(flatten)]
    settings: StoreSettings,
}

/// Makes an installation of a backup, on stores that are empty or not there, and checks every byte.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The folder that `venna backup` made.
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
        let archived = back_up(&stores, &self.destination, &mut |archived| progress.show(archived)).await?;
        report(&archived, &format!("backed up to {}", self.destination.display()))
    }
}

impl Restore {
    pub async fn run(&self) -> ExitCode {
        conclude(self.restore().await)
    }

    async fn restore(&self) -> Result<u64> {
        let stores = self.settings.stores()?;
        let mut progress = Progress::new("restored");
        let archived = restore(&self.source, &stores, &mut |archived| progress.show(archived)).await?;
        report(&archived, &format!("restored to {}", stores.data_dir.display()))
    }
}

/// How many blobs are missing.
pub(super) fn report(archived: &Archived, done: &str) -> Result<u64> {
    for (blob, why) in &archived.damaged {
        writeln!(io::stdout(), "{}", Finding::DamagedBlob { blob: *blob, why })?;
    }
    let (blobs, bytes, damaged) = (archived.blobs, archived.bytes, archived.damaged.len() as u64);
    eprintln!("{blobs} blobs, {bytes} bytes {done}, {damaged} left out");
    Ok(damaged)
}

/// Says now and then how far a copy has come, on standard error.
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
            eprintln!("{} {} blobs, {} MiB", self.verb, archived.blobs, archived.bytes / MIB);
        }
    }
}
