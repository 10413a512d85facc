//! Checks that metadata and blobs belong together before a server writes anything, and lets the operator confirm it
//! where the server cannot tell.

use super::blobs::{open_blobs, open_blobs_readonly, open_blobs_without_notes};
use super::data_dir::lock;
use super::installation::Installation;
use crate::blobs::BlobStore;
use crate::blobs::local::LocalBlobs;
use crate::clock::Clock;
use crate::config::{BlobsConfig, StoreConfig};
use crate::model::ids::InstallationId;
use crate::model::stamp::StorePairing;
use crate::random;
use crate::sweep::pairing::{self, LineageMetadata};
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Checks that the blob folder of an installation in use has a stamp, before anything is created in it.
///
/// # Errors
/// When it is such a folder, or a store failed.
pub(super) async fn check_stamped(stores: &StoreConfig, metadata: &dyn LineageMetadata) -> Result<()> {
    let Some(folder) = stores.blobs_folder() else { return Ok(()) };
    let bytes = folder_stamp(folder)?;
    refuse(stores, StorePairing::between(metadata.stamp().await?, bytes))
}

fn folder_stamp(folder: &Path) -> Result<Option<crate::model::stamp::Stamp>> {
    LocalBlobs::stamp_of(folder).with_context(|| format!("cannot read the stamp of the blobs in {}", folder.display()))
}

/// Checks the same of open blobs, wherever they are.
///
/// # Errors
/// When they have no stamp and should, or a store failed.
pub(super) async fn check_paired(
    stores: &StoreConfig,
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobStore,
) -> Result<()> {
    refuse(stores, pairing::of_stamps(metadata, blobs).await?)
}

fn refuse(stores: &StoreConfig, found: StorePairing) -> Result<()> {
    if found != StorePairing::Unstamped {
        return Ok(());
    }
    let (place, usual) = match &stores.blobs {
        BlobsConfig::Folder(folder) => (folder.display().to_string(), "its volume is not mounted"),
        BlobsConfig::Cloud(cloud) => (cloud.to_string(), "the bucket was replaced or emptied"),
    };
    bail!(
        "the blobs are not in {place}: it has no stamp, and the database has one. Either {usual}, or blobs_url is \
         wrong. Correct it and start again. Only if the bytes are lost, or are there without their stamp, run \
         `venna stores confirm --yes` (docs/operations.md, \"Metadata and blobs\")"
    )
}

/// Returns the relation of metadata and blobs, without a write.
///
/// # Errors
/// When there is no installation, or a store failed.
pub async fn pair_status(stores: &StoreConfig) -> Result<StorePairing> {
    let installation = Installation::open_existing(stores, Clock::system()).await?;
    let rows = installation.metadata.stamp().await?;
    let by_folder = stores.blobs_folder().map(folder_stamp).transpose()?;
    match by_folder.map(|bytes| StorePairing::between(rows, bytes)) {
        // A folder that holds no blobs is not opened.
        Some(apart) if apart != StorePairing::Paired => Ok(apart),
        _ => {
            let blobs = open_blobs_readonly(stores, installation.rows()).await?;
            Ok(pairing::of_stamps(&*installation.metadata, &*blobs).await?)
        }
    }
}

/// Stamps metadata and blobs as a pair, whatever their stamps are. Returns the relation before.
///
/// # Errors
/// When a server is running, there is no installation, or a store failed.
pub async fn confirm_pair(stores: &StoreConfig) -> Result<StorePairing> {
    let installation = Installation::open_existing(stores, Clock::system()).await?;
    let blobs = match stores.blobs_folder() {
        Some(_) => open_blobs_without_notes(stores).await?,
        None => open_blobs(stores, installation.rows()).await?,
    };
    let _locks = lock(stores).context("the stores must not be in use: stop the server")?;
    Ok(pairing::confirm(&*installation.metadata, &*blobs, InstallationId::new(random::bytes())).await?)
}
