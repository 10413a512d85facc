//! `venna stores`.

use super::settings::StoreSettings;
use crate::app::{confirm_pair, pair_status};
use anyhow::Result;
use std::io::{self, Write};

/// Shows whether metadata and blobs belong together, and takes them for a pair when you know that they are one.
#[derive(Debug, clap::Subcommand)]
pub enum StoresCommand {
    /// Shows how metadata and blobs stand to each other by their stamps, with the server running or not.
    Status {
        #[command(flatten)]
        settings: StoreSettings,
    },
    /// Takes metadata and blobs for a pair as they are, with the server stopped: blobs that no row knows are then nobody's.
    Confirm {
        /// Says that you mean it.
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
