//! Rows of blobs that the sweeper removes.

use super::error::MetadataError;
use crate::model::ids::{BlobId, ProcessId};
use async_trait::async_trait;
use std::fmt::Debug;

/// A blob that was begun and not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingBlob {
    /// The blob.
    pub blob: BlobId,
    /// The process that began it.
    pub process: ProcessId,
    /// The process may be alive: its [lease](super::ProcessStore::renew_process) lasts, or ran out while the store did
    /// not answer and has not been missed for [`LEASE_SECONDS`](super::LEASE_SECONDS) since.
    pub lives: bool,
}

/// One of several equal shares of the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepShare {
    /// Its index, from 0.
    pub place: u32,
    /// The number of shares.
    pub of: u32,
}

impl SweepShare {
    /// All blobs.
    pub const WHOLE: Self = Self { place: 0, of: 1 };
}

/// A position among the blobs that are `deleting`, which are in the order of `deleted_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeletingCursor {
    /// The Unix second from which on no download serves the blob. It is 0 when none ever did.
    pub deleted_at: u64,
    /// The blob.
    pub blob: BlobId,
}

/// A page of blobs whose bytes are to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletingPage {
    /// The blobs of the share.
    pub blobs: Vec<BlobId>,
    /// The cursor of the next page, if there is one.
    pub next: Option<DeletingCursor>,
}

impl DeletingPage {
    /// Returns the page of at most `limit` blobs, each with whether it is in the share.
    pub(super) fn of(looked_at: Vec<(DeletingCursor, bool)>, limit: u32) -> Self {
        let is_full = looked_at.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = looked_at.last().map(|(cursor, _)| *cursor).filter(|_| is_full);
        let own = looked_at.into_iter().filter(|(_, is_own)| *is_own);
        Self { blobs: own.map(|(cursor, _)| cursor.blob).collect(), next }
    }
}

/// The rows of blobs that were left `pending` or are `deleting`.
#[async_trait]
pub trait SweepStore: Debug + Send + Sync {
    /// Returns every blob that is `pending`. There are as many as uploads were in progress at once.
    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError>;
    /// Turns those of these blobs that are still `pending` to `deleting`.
    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError>;
    /// Returns which share of the blobs a process sweeps, of as many equal shares as there are living processes.
    async fn sweep_share(&self, process: ProcessId) -> Result<SweepShare, MetadataError>;
    /// Visits the next `limit` blobs behind `after` that are `deleting` and have not been served for `delay_seconds`.
    /// Returns those of the share. Returns none while a hold lasts.
    async fn deleting_blobs(
        &self,
        share: SweepShare,
        after: Option<DeletingCursor>,
        limit: u32,
        delay_seconds: u64,
    ) -> Result<DeletingPage, MetadataError>;
    /// Deletes the rows of those of these blobs that are `deleting`. Their bytes must be gone.
    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError>;
}
