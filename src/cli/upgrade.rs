//! `venna upgrade`.

use super::settings::StoreSettings;
use crate::app::Installation;
use anyhow::Result;

/// Migrates the schema of the database to this version, with the server stopped; `venna serve` does so too.
#[derive(Debug, clap::Args)]
pub struct Upgrade {
    #[command(flatten)]
    settings: StoreSettings,
}

impl Upgrade {
    pub async fn run(&self) -> Result<()> {
        Installation::upgrade(&self.settings.stores()?).await?;
        eprintln!("the schema is that of venna {}", env!("CARGO_PKG_VERSION"));
        Ok(())
    }
}
