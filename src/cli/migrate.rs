//! `venna migrate`: exit code 0 is moved, 1 is without blobs that were damaged, 2 is not moved.

use super::archive::{Progress, report};
use super::inspect::conclude;
use super::settings::StoreSettings;
use crate::app::migrate;
use anyhow::{Context, Result};
use std::process::ExitCode;

/// The variables that stand for the flags: in a list of processes a password would be seen.
const METADATA_VARIABLE: &str = "VENNA_TO_METADATA_URL";
const BLOBS_VARIABLE: &str = "VENNA_TO_BLOBS_URL";

/// Moves a stopped installation on SQLite to PostgreSQL, and its blobs to another place if one is named. Nothing in the source
/// changes; what was cut off goes on when it is begun again.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// The database, which holds no installation yet, as `metadata_url` names it; also `VENNA_TO_METADATA_URL`.
    #[arg(long, value_name = "URL")]
    to_metadata_url: Option<String>,
    /// Where blobs go, as `blobs_url` names it; they stay where they are when not given. Also `VENNA_TO_BLOBS_URL`.
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
        let metadata_url = metadata_url.context("--to-metadata-url says where to")?;
        let blobs_url = or_variable(&self.to_blobs_url, BLOBS_VARIABLE);
        let source = self.settings.stores()?;
        let elsewhere = [("metadata_url", Some(metadata_url)), ("blobs_url", blobs_url)];
        let target = self.settings.stores_with(elsewhere)?;
        let mut progress = Progress::new("copied");
        let archived = migrate(&source, &target, &mut |archived| progress.show(archived)).await?;
        report(&archived, "moved")
    }
}
