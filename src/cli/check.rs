//! `venna check`. Exit code 1 when a check failed.

use super::masked::masked;
use super::output;
use super::settings::ServerSettings;
use crate::app::{check_settings, check_stores, warnings};
use crate::clock::Clock;
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;

/// Prints the effective settings with their origin, and tries out what a server needs: files, stores and clocks.
///
/// Creates no installation. Writes, reads and removes a file or objects of its own in the blob store. The result of
/// each check is a line on standard error. Exit code 1 means that a check failed.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Checks the settings and the files that they name, and contacts no store.
    #[arg(long)]
    offline: bool,
    /// Prints the settings as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: ServerSettings,
}

/// The value of a setting that is not set and has no default.
const NONE: &str = "none";

#[derive(Serialize)]
struct Row {
    setting: &'static str,
    /// None for a setting that is not set and has no default.
    value: Option<String>,
    origin: String,
}

impl Check {
    pub async fn run(&self) -> Result<ExitCode> {
        let (config, effective) = self.settings.resolve()?;
        let rows = effective.into_iter().map(|effective| Row {
            setting: effective.name,
            value: effective.value,
            origin: effective.origin.to_string(),
        });
        let rows: Vec<Row> = rows.collect();
        output::list(&rows, self.json, &["SETTING", "VALUE", "ORIGIN"], |row| {
            vec![row.setting.to_owned(), row.value.clone().unwrap_or_else(|| NONE.to_owned()), row.origin.clone()]
        })?;
        let clock = Clock::system();
        let mut checks = check_settings(&config, &clock);
        if !self.offline && checks.iter().all(|check| check.outcome.is_ok()) {
            checks.extend(check_stores(&config.stores, &clock).await);
        }
        for check in &checks {
            match &check.outcome {
                Ok(state) => eprintln!("OK      {}: {}", check.what, masked(state)),
                Err(error) => eprintln!("FAILED  {}: {}", check.what, masked(&format!("{error:#}"))),
            }
        }
        for warning in warnings(&config.stores) {
            eprintln!("warning: {warning}");
        }
        let passed = checks.iter().all(|check| check.outcome.is_ok());
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
