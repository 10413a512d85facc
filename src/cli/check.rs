//! `venna check`.

use super::output;
use super::settings::ServerSettings;
use crate::app::{check_combinations, check_stores, warnings};
use anyhow::Result;
use serde::Serialize;

/// Validates the configuration and prints the effective values with their origin.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: ServerSettings,
}

#[derive(Serialize)]
struct Row {
    setting: &'static str,
    value: Option<String>,
    origin: String,
}

impl Check {
    pub fn run(&self) -> Result<()> {
        let (config, effective) = self.settings.resolve()?;
        check_stores(&config.stores)?;
        let rows = effective.into_iter().map(|effective| Row {
            setting: effective.name,
            value: effective.value,
            origin: effective.origin.to_string(),
        });
        let rows: Vec<Row> = rows.collect();
        output::list(&rows, self.json, &["SETTING", "VALUE", "ORIGIN"], |row| {
            vec![row.setting.to_owned(), row.value.clone().unwrap_or_else(|| "-".to_owned()), row.origin.clone()]
        })?;
        check_combinations(&config)?;
        for warning in warnings(&config.stores) {
            eprintln!("warning: {warning}");
        }
        Ok(())
    }
}
