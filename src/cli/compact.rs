//! `venna compact`.

use super::quantity::counted;
use super::settings::StoreSettings;
use crate::app::compact;
use anyhow::Result;

/// Returns the free space of the SQLite database to the disk, with the server stopped.
///
/// The disk needs free space for two more copies of its content: beside the database, and in the folder for temporary
/// files (`SQLITE_TMPDIR`).
#[derive(Debug, clap::Args)]
pub struct Compact {
    #[command(flatten)]
    settings: StoreSettings,
}

impl Compact {
    pub async fn run(&self) -> Result<()> {
        let compacted = compact(&self.settings.stores()?).await?;
        let before = counted(compacted.bytes_before, "byte", "bytes");
        eprintln!("the database had {before} and has {}", compacted.bytes_now);
        Ok(())
    }
}
