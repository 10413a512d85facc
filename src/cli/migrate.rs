//! `venna migrate`. Exit code 0: migrated; 1: without damaged blobs; 2: failed.

use super::archive::{Progress, report};
use super::inspect::conclude;
use super::settings::StoreSettings;
use crate::app::migrate;
use anyhow::{Context, Result};
use std::process::ExitCode;

/// The variables for the flags: a password in a flag is visible in the list of processes.
const METADATA_VARIABLE: &str = "VENNA_TO_METADATA_URL";
const BLOBS_VARIABLE: &str = "VENNA_TO_BLOBS_URL";

/// Migrates a stopped installation from SQLite to PostgreSQL, and its blobs to another store if given.
///
/// The source is not changed, and an interrupted migration continues when it is repeated.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// The target database, without an installation, in the form of `metadata_url`; also `VENNA_TO_METADATA_URL`.
    #[arg(long, value_name = "URL")]
    to_metadata_url: Option<String>,
    /// The target blob store, in the form of `blobs_url`; by default blobs stay. Also `VENNA_TO_BLOBS_URL`.
    #[arg(long, value_name = "URL")]
    to_blobs_url: Option<String>,
    #[command(flatten)]
    settings: StoreSettings,
}

impl Migrate {
    pub async fn run(&self) -> ExitCode {
        conclude(self.migrate().await)
    }

    async fn migrate(&self) -> Result<u64> {
        let or_variable = |flag: &Option<String>, name| flag.clone().or_else(|| std::env::var(name).ok());
        let metadata_url = or_variable(&self.to_metadata_url, METADATA_VARIABLE);
        let metadata_url = metadata_url.context("--to-metadata-url is required")?;
        let blobs_url = or_variable(&self.to_blobs_url, BLOBS_VARIABLE);
        let source = self.settings.stores()?;
        let elsewhere = [("metadata_url", Some(metadata_url)), ("blobs_url", blobs_url)];
        let target = self.settings.stores_with(elsewhere)?;
        let mut progress = Progress::new("copied");
        let archived = migrate(&source, &target, &mut |archived| progress.show(archived)).await?;
        report(&archived, "moved")
    }
}
