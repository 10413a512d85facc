//! Holds, under which no blob is removed.

use super::error::MetadataError;
use crate::model::ids::HoldId;
use async_trait::async_trait;
use std::fmt::Debug;

/// The holds of backups.
#[async_trait]
pub trait HoldStore: Debug + Send + Sync {
    /// Keeps every blob for `seconds`: [`deleting_blobs`](super::SweepStore::deleting_blobs) returns none meanwhile, so
    /// that the bytes of what a [snapshot](super::SnapshotStore::snapshot) shows stay.
    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError>;
    /// Extends a hold to `seconds` from now. Returns false when it has ended.
    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError>;
    /// Ends a hold.
    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError>;
}
