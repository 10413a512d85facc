//! Refuses metadata and blobs that are not a pair before a server makes or writes anything, and lets the operator say that they
//! are one where the server cannot tell.

use super::blobs::{look_at_blobs, open_blobs, open_unnoted};
use super::data_dir::lock;
use super::installation::Installation;
use crate::blobs::BlobStore;
use crate::blobs::local::LocalBlobs;
use crate::clock::Clock;
use crate::config::{BlobsConfig, StoreConfig};
use crate::model::ids::InstallationId;
use crate::model::stamp::Lineage;
use crate::random;
use crate::sweep::lineage::{self, LineageMetadata};
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Refuses a folder that has no stamp under the database of an installation that is in use, before anything is made in it.
///
/// # Errors
/// When it is such a folder, or a store failed.
pub(super) async fn refuse_unstamped(stores: &StoreConfig, metadata: &dyn LineageMetadata) -> Result<()> {
    let Some(folder) = stores.blobs_folder() else { return Ok(()) };
    let bytes = folder_stamp(folder)?;
    refuse(stores, Lineage::between(metadata.stamp().await?, bytes))
}

fn folder_stamp(folder: &Path) -> Result<Option<crate::model::stamp::Stamp>> {
    LocalBlobs::stamp_of(folder).with_context(|| format!("cannot read the stamp of the blobs in {}", folder.display()))
}

/// Refuses the same of blobs that are open, wherever they are.
///
/// # Errors
/// When they have no stamp and should, or a store failed.
pub(super) async fn refuse_apart(
    stores: &StoreConfig,
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobStore,
) -> Result<()> {
    refuse(stores, lineage::of_stamps(metadata, blobs).await?)
}

fn refuse(stores: &StoreConfig, found: Lineage) -> Result<()> {
    if found != Lineage::Unstamped {
        return Ok(());
    }
    let (place, usual) = match &stores.blobs {
        BlobsConfig::Folder(folder) => (folder.display().to_string(), "its volume is not mounted"),
        BlobsConfig::Cloud(cloud) => (cloud.to_string(), "the bucket was exchanged or emptied"),
    };
    bail!(
        "the blobs are not in {place}: there is no stamp, and the database has one. Either {usual}, or blobs_url names \
         another place. Put it right and start again. Only if the bytes are lost, or lie there without their stamp, run \
         `venna stores confirm --yes` (docs/operations.md, \"Metadata and blobs\")"
    )
}

/// Returns how the metadata and the blobs of the settings stand to each other; nothing is changed.
///
/// # Errors
/// When there is no installation, or a store failed.
pub async fn pair_status(stores: &StoreConfig) -> Result<Lineage> {
    let installation = Installation::open_existing(stores, Clock::system()).await?;
    let rows = installation.metadata.stamp().await?;
    let by_folder = stores.blobs_folder().map(folder_stamp).transpose()?;
    match by_folder.map(|bytes| Lineage::between(rows, bytes)) {
        // A folder that is not one of blobs is not opened.
        Some(apart) if apart != Lineage::Together => Ok(apart),
        _ => {
            let blobs = look_at_blobs(stores, installation.rows()).await?;
            Ok(lineage::of_stamps(&*installation.metadata, &*blobs).await?)
        }
    }
}

/// Takes the metadata and the blobs of the settings for a pair, whatever their stamps say; returns what these said.
///
/// # Errors
/// When a server is running on them, there is no installation, or a store failed.
pub async fn confirm_pair(stores: &StoreConfig) -> Result<Lineage> {
    let installation = Installation::open_existing(stores, Clock::system()).await?;
    let blobs = match stores.blobs_folder() {
        Some(_) => open_unnoted(stores).await?,
        None => open_blobs(stores, installation.rows()).await?,
    };
    let _locks = lock(stores).context("nobody may be at work on the stores: stop the server")?;
    Ok(lineage::confirm(&*installation.metadata, &*blobs, InstallationId::new(random::bytes())).await?)
}
