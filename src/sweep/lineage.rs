//! Whether rows and bytes belong together: the first question before anything is removed.
//!
//! A database that is new, of another installation, or an older copy of this one knows nothing of newer blobs, and a
//! sweep by its word would remove them. A ledger row is noted beside the bytes every second or minute: a database that does
//! not have it was put back to an earlier moment since its last stamp. Both stores therefore keep a stamp, which grows while the installation is in use;
//! the metadata store's is written first, so that only an older copy of it can be behind (docs/design/durability.md, R9).

use crate::blobs::{BlobError, BlobStore};
use crate::causes::Causes;
use crate::metadata::{BlobRows, LedgerStore, MetadataError, StampStore, SweepShare, SweepStore, trait_set};
use crate::model::ids::InstallationId;
use crate::model::stamp::{Lineage, Stamp};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl LineageError {
    /// Whether a store has no room left.
    #[must_use]
    pub const fn is_out_of_space(&self) -> bool {
        matches!(self, Self::Metadata(MetadataError::OutOfSpace(_)) | Self::Blobs(BlobError::OutOfSpace(_)))
    }
}

trait_set! {
    /// The rows that tell whether a metadata store and a blob store belong together.
    pub trait LineageMetadata: BlobRows + LedgerStore + StampStore + SweepStore;
}

/// What the stores say of each other; rows that have no stamp yet and know of no blob are new. Nothing is changed.
///
/// # Errors
/// When a store failed.
pub async fn of(metadata: &dyn LineageMetadata, blobs: &dyn BlobStore) -> Result<Lineage, LineageError> {
    if metadata.stamp().await?.is_none()
        && blobs.stamp().await?.is_none()
        && holds_blobs(blobs).await?
        && !knows_blobs(metadata).await?
    {
        return Ok(Lineage::Fresh);
    }
    of_stamps(metadata, blobs).await
}

/// Returns what the stamps of both stores say of each other now, and whether the ledger still has the row that was noted beside
/// the bytes.
///
/// # Errors
/// When a store failed.
pub async fn of_stamps(metadata: &dyn LineageMetadata, blobs: &dyn BlobStore) -> Result<Lineage, LineageError> {
    // Rows are stamped first, so they are asked last.
    let (bytes, event) = (blobs.stamp().await?, blobs.last_event().await?);
    let found = Lineage::between(metadata.stamp().await?, bytes);
    match event {
        Some(event) if found == Lineage::Together => Ok(found.with_event(metadata.has_event(&event).await?)),
        _ => Ok(found),
    }
}

/// Notes the newest row of the ledger beside the bytes, if the stores belong together; what they say of each other.
///
/// # Errors
/// When a store failed.
pub async fn note_event(metadata: &dyn LineageMetadata, blobs: &dyn BlobStore) -> Result<Lineage, LineageError> {
    let found = of_stamps(metadata, blobs).await?;
    if found == Lineage::Together
        && let Some(event) = metadata.newest_event().await?
    {
        blobs.set_last_event(Some(&event)).await?;
    }
    Ok(found)
}

/// Moves both stamps forward if the stores belong together, and returns whether they do; the first time they are made with the
/// id `fresh`. A stamp that another server has moved further stays.
///
/// # Errors
/// When a store failed.
pub async fn advance(
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobStore,
    fresh: InstallationId,
) -> Result<Lineage, LineageError> {
    let found = of_stamps(metadata, blobs).await?;
    if found != Lineage::Together {
        return Ok(found);
    }
    let first = Stamp { installation: fresh, generation: 0 };
    metadata.set_stamp(metadata.stamp().await?.unwrap_or(first).next()).await?;
    let (bytes, rows) = (blobs.stamp().await?, metadata.stamp().await?);
    if let Some(rows) = rows.filter(|rows| bytes.is_none_or(|bytes| rows.follows(bytes))) {
        blobs.set_stamp(rows).await?;
        if bytes.is_none() {
            // From now on blobs without a stamp are others than these.
            metadata.set_stamp(rows.next()).await?;
        }
    }
    Ok(found)
}

/// Notes ledger rows beside the bytes until `stop`, in each period in which there are new ones, and once more at the end.
pub async fn note_events(
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobStore,
    period: Duration,
    stop: CancellationToken,
) {
    let (mut noted, mut told) = (None, false);
    loop {
        let stopped = stop.is_cancelled();
        match metadata.newest_event().await {
            Ok(newest) if newest != noted => match note_event(metadata, blobs).await {
                Ok(Lineage::Together) => (noted, told) = (newest, false),
                Ok(apart) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(reason = %apart, "sweep suspended, rows older than blobs");
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %Causes(&error), "ledger mark write failed");
                }
            },
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %Causes(&error), "ledger mark read failed"),
        }
        if stopped {
            return;
        }
        stop.run_until_cancelled(sleep(period)).await;
    }
}

/// Takes metadata and blobs for a pair, whatever their stamps say, and stamps both anew. No server may be at work on them.
/// Returns what the stamps said.
///
/// # Errors
/// When a store failed.
pub async fn confirm(
    metadata: &dyn LineageMetadata,
    blobs: &dyn BlobStore,
    fresh: InstallationId,
) -> Result<Lineage, LineageError> {
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

async fn holds_blobs(blobs: &dyn BlobStore) -> Result<bool, BlobError> {
    let mut after = None;
    while let Some(page) = blobs.names(after).await? {
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
