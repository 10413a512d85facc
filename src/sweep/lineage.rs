//! Whether rows and bytes belong together: the first question before anything is removed.
//!
//! A database that is new, of another installation, or an older copy of this one knows nothing of newer blobs, and a
//! sweep by its word would remove them. Both stores therefore keep a stamp, which grows while the installation is in use;
//! the metadata store's is written first, so that only an older copy of it can be behind (reliability.md, R9).

use crate::blobs::{BlobError, BlobStore};
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::ids::InstallationId;
use crate::model::stamp::{Lineage, Stamp};

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

/// What the stores say of each other; rows that have no stamp yet and know of no blob are new. Nothing is changed.
///
/// # Errors
/// When a store failed.
pub async fn of(metadata: &dyn MetadataStore, blobs: &dyn BlobStore) -> Result<Lineage, LineageError> {
    // Rows are stamped first, so they are asked last.
    let bytes = blobs.stamp().await?;
    let rows = metadata.stamp().await?;
    if rows.is_none() && bytes.is_none() && holds_blobs(blobs).await? && !knows_blobs(metadata).await? {
        return Ok(Lineage::Fresh);
    }
    Ok(Lineage::between(rows, bytes))
}

/// Moves both stamps on; the first time they are made with the id `fresh`.
///
/// # Errors
/// When a store failed.
pub async fn advance(
    metadata: &dyn MetadataStore,
    blobs: &dyn BlobStore,
    fresh: InstallationId,
) -> Result<(), LineageError> {
    let first = Stamp { installation: fresh, generation: 0 };
    let stamp = metadata.stamp().await?.unwrap_or(first).next();
    metadata.set_stamp(stamp).await?;
    Ok(blobs.set_stamp(stamp).await?)
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

async fn knows_blobs(metadata: &dyn MetadataStore) -> Result<bool, MetadataError> {
    Ok(!metadata.ready_blobs(None, 1).await?.is_empty()
        || !metadata.pending_blobs().await?.is_empty()
        || !metadata.deleting_blobs(None, 1, 0).await?.is_empty())
}
