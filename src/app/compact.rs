//! Compacting the database of an installation that nobody is at work on.

use super::data_dir::lock;
use super::installation::Installation;
use crate::clock::Clock;
use crate::config::StoreConfig;
use crate::metadata::sqlite::{Compacted, SqliteStore};
use anyhow::{Context, Result, bail};

/// Gives all room in the database that no row has back to the disk.
///
/// # Errors
/// When there is no installation on SQLite, somebody is at work on it, or the disk is too full for it.
pub async fn compact(stores: &StoreConfig) -> Result<Compacted> {
    let Some(database) = stores.database() else {
        bail!("PostgreSQL gives room back by itself; to have all of it back, see its VACUUM FULL");
    };
    drop(Installation::open_existing(stores, Clock::system()).await?);
    let _locks = lock(stores).context("nobody may be at work on what is compacted: stop the server")?;
    let database = database.to_owned();
    Ok(tokio::task::spawn_blocking(move || SqliteStore::compact(&database)).await??)
}
