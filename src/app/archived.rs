//! The totals of a backup or a restore.

use crate::archive::CopyOutcome;
use crate::metadata::{BlobRows, MetadataError};
use crate::model::blob::BlobOwner;
use crate::model::ids::BlobId;

/// The totals of a backup or a restore.
#[derive(Clone, Debug, Default)]
pub struct Archived {
    /// Copied blobs.
    pub blobs: u64,
    /// The bytes read.
    pub bytes: u64,
    /// Blobs reused from an older backup.
    pub reused_blobs: u64,
    /// The bytes read.
    pub reused_bytes: u64,
    /// Blobs that are damaged in the older backup and were copied again, with the difference.
    pub damaged_before: Vec<(BlobId, &'static str)>,
    /// Blobs that are damaged at their source.
    pub damaged: Vec<SkippedBlob>,
}

/// A blob that was not copied because it is damaged at its source.
#[derive(Clone, Debug)]
pub struct SkippedBlob {
    /// The blob.
    pub blob: BlobId,
    /// The File or Upload that has it.
    pub owner: Option<BlobOwner>,
    /// The difference from its row.
    pub why: &'static str,
}

impl Archived {
    /// Counts a copied blob.
    pub(super) fn add(&mut self, copied: CopyOutcome) {
        if let CopyOutcome::Whole { size_bytes, is_reused: true, .. } = copied {
            self.reused_blobs += 1;
            self.reused_bytes += size_bytes;
        }
        match copied {
            CopyOutcome::Whole { size_bytes, .. } | CopyOutcome::Inline { size_bytes } => {
                self.blobs += 1;
                self.bytes += size_bytes;
            }
            CopyOutcome::Damaged { blob, why } => self.damaged.push(SkippedBlob { blob, owner: None, why }),
        }
    }

    /// Looks up the owners of the damaged blobs.
    pub(super) async fn find_owners(&mut self, metadata: &dyn BlobRows) -> Result<(), MetadataError> {
        for left in &mut self.damaged {
            left.owner = metadata.blob_owner(left.blob).await?;
        }
        Ok(())
    }
}

/// A callback for every blob, with the totals so far.
pub(super) type Progress<'a> = &'a mut (dyn FnMut(&Archived) + Send);
