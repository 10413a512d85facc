//! Decides whether metadata and blobs belong together, before anything is deleted.
//!
//! A database that is new, of another installation, or an older copy does not know newer blobs, and a sweep would
//! delete them. So both stores keep a stamp that grows while the installation is in use. The metadata store's is
//! written first, so only an older copy of it can be behind (docs/design/durability.md, R9). Also, the newest ledger
//! event is noted beside the bytes every second or minute: a database without it was restored to an earlier state since
//! its last stamp.

use crate::blobs::{BlobError, BlobMarks, BlobNames, BlobStore};
use crate::error_chain::ErrorChain;
use crate::metadata::{BlobRows, LedgerStore, MetadataError, StampStore, SweepShare, SweepStore, trait_set};
use crate::model::ids::InstallationId;
use crate::model::stamp::{Stamp, StorePairing};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The reason why the pairing is unknown.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl PairingError {
    /// Returns whether a store is full.
    #[must_use]
    pub const fn is_out_of_space(&self) -> bool {
        matches!(self, Self::Metadata(MetadataError::OutOfSpace(_)) | Self::Blobs(BlobError::OutOfSpace(_)))
    }
}

trait_set! {
    /// The rows that tell whether a metadata store and a blob store belong together.
    pub trait LineageMetadata: BlobRows + LedgerStore + StampStore + SweepStore;
}

/// Compares the stores without a write. Rows without a stamp and without a blob are new.
///
/// # Errors
/// When a store failed.
pub async fn of(metadata: &dyn LineageMetadata, blobs: &dyn BlobStore) -> Result<StorePairing, PairingError> {
    if metadata.stamp().await?.is_none()
        && blobs.stamp().await?.is_none()
        && holds_blobs(blobs).await?
        && !knows_blobs(metadata).await?
    {
        return Ok(StorePairing::Fresh);
    }
    of_stamps(metadata, blobs).await
}

/// Compares the stamps of both stores, and checks that the ledger has the event noted beside the bytes.
///
/// # Errors
/// When a store failed.
pub async fn of_stamps(metadata: &dyn LineageMetadata, blobs: &dyn BlobMarks) -> Result<StorePairing, PairingError> {
    // Rows are stamped first, so they are read last.
    let (bytes, event) = (blobs.stamp().await?, blobs.last_event().await?);
    let found = StorePairing::between(metadata.stamp().await?, bytes);
    match event {
        Some(event) if found == StorePairing::Paired => Ok(found.with_event(metadata.has_event(&event).await?)),
        _ => Ok(found),
    }
}

/// Notes the newest ledger event beside the bytes, if the stores belong together. Returns their pairing.
///
/// # Errors
/// When a store failed.
pub async fn note_event(metadata: &dyn LineageMetadata, blobs: &dyn BlobMarks) -> Result<StorePairing, PairingError> {
    let found = of_stamps(metadata, blobs).await?;
    if found == StorePairing::Paired
        && let Some(event) = metadata.newest_event().await?
    {
        blobs.set_last_event(Some(&event)).await?;
    }
    Ok(found)
}

/// Advances both stamps if the stores belong together, and returns their pairing. The first stamps get the id `fresh`.
/// A newer stamp of another server stays.
///
/// # Errors
/// When a store failed.
pub async fn advance(
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobMarks,
    fresh: InstallationId,
) -> Result<StorePairing, PairingError> {
    let found = of_stamps(metadata, blobs).await?;
    if found != StorePairing::Paired {
        return Ok(found);
    }
    let first = Stamp { installation: fresh, generation: 0 };
    metadata.set_stamp(metadata.stamp().await?.unwrap_or(first).next()).await?;
    let (bytes, rows) = (blobs.stamp().await?, metadata.stamp().await?);
    if let Some(rows) = rows.filter(|rows| bytes.is_none_or(|bytes| rows.follows(bytes))) {
        blobs.set_stamp(rows).await?;
        if bytes.is_none() {
            // One stamp ahead, the rows no longer pair with blobs that have no stamp.
            metadata.set_stamp(rows.next()).await?;
        }
    }
    Ok(found)
}

/// Notes ledger events beside the bytes until `stop`, once per period with new ones, and once at the end.
pub async fn note_events(
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobMarks,
    period: Duration,
    stop: CancellationToken,
) {
    let (mut noted, mut told) = (None, false);
    loop {
        let stopped = stop.is_cancelled();
        match metadata.newest_event().await {
            Ok(newest) if newest != noted => match note_event(metadata, blobs).await {
                Ok(StorePairing::Paired) => (noted, told) = (newest, false),
                Ok(apart) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(reason = %apart, "sweep suspended, rows older than blobs");
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "ledger mark write failed");
                }
            },
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %ErrorChain(&error), "ledger mark read failed"),
        }
        if stopped {
            return;
        }
        stop.run_until_cancelled(sleep(period)).await;
    }
}

/// Stamps metadata and blobs as a pair, whatever their stamps are. No server may be running. Returns the pairing
/// before.
///
/// # Errors
/// When a store failed.
pub async fn confirm(
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobStore,
    fresh: InstallationId,
) -> Result<StorePairing, PairingError> {
    let found = of(metadata, blobs).await?;
    let (bytes, rows) = (blobs.stamp().await?, metadata.stamp().await?);
    let generation = bytes.into_iter().chain(rows).map(|stamp| stamp.generation).max().unwrap_or_default();
    let pair = Stamp { installation: rows.map_or(fresh, |rows| rows.installation), generation }.next();
    metadata.set_stamp(pair).await?;
    blobs.set_stamp(pair).await?;
    blobs.set_last_event(metadata.newest_event().await?.as_deref()).await?;
    metadata.set_stamp(pair.next()).await?;
    Ok(found)
}

async fn holds_blobs(blobs: &dyn BlobNames) -> Result<bool, BlobError> {
    let mut after = None;
    while let Some(page) = blobs.list(after).await? {
        if !page.blobs.is_empty() {
            return Ok(true);
        }
        after = Some(page.last);
    }
    Ok(false)
}

async fn knows_blobs(metadata: &dyn LineageMetadata) -> Result<bool, MetadataError> {
    Ok(!metadata.ready_blobs(None, 1).await?.is_empty()
        || !metadata.pending_blobs().await?.is_empty()
        || !metadata.deleting_blobs(SweepShare::WHOLE, None, 1, 0).await?.blobs.is_empty())
}
