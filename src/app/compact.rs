//! Compacts the SQLite database of a stopped installation.

use super::data_dir::lock;
use super::installation::Installation;
use crate::clock::Clock;
use crate::config::StoreConfig;
use crate::metadata::sqlite::{Compacted, SqliteStore};
use anyhow::{Context, Result, bail};

/// Returns the free pages of the database to the disk.
///
/// # Errors
/// When there is no installation on SQLite, it is in use, or the disk is too full.
pub async fn compact(stores: &StoreConfig) -> Result<Compacted> {
    let Some(database) = stores.database() else {
        bail!("PostgreSQL reclaims space by itself; VACUUM FULL reclaims all of it");
    };
    drop(Installation::open_existing(stores, Clock::system()).await?);
    let _locks = lock(stores).context("the installation must not be in use: stop the server")?;
    let database = database.to_owned();
    Ok(tokio::task::spawn_blocking(move || SqliteStore::compact(&database)).await??)
}
