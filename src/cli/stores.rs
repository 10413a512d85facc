//! `venna stores`.

use super::settings::StoreSettings;
use crate::app::{confirm_pair, pair_status};
use anyhow::Result;
use std::io::{self, Write};

/// Shows whether metadata and blobs belong together, and pairs them on confirmation.
#[derive(Debug, clap::Subcommand)]
pub enum StoresCommand {
    /// Shows the relation of metadata and blobs by their stamps, with the server running or stopped.
    Status {
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Pairs metadata and blobs as they are, with the server stopped. Blobs without a row become orphans.
    Confirm {
        /// Confirms the action.
        #[arg(long, required = true)]
        yes: bool,
        #[command(flatten)]
        settings: StoreSettings,
    },
}

impl StoresCommand {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Status { settings } => writeln!(io::stdout(), "{}", pair_status(&settings.stores()?).await?)?,
            Self::Confirm { yes: _, settings } => {
                let found = confirm_pair(&settings.stores()?).await?;
                eprintln!("metadata and blobs are taken for a pair; their stamps said: {found}");
            }
        }
        Ok(())
    }
}
