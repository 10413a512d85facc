//! Time, readiness and disk space of the store.

use super::error::MetadataError;
use async_trait::async_trait;
use std::fmt::Debug;

/// The time, readiness and disk space of the store.
#[async_trait]
pub trait UpkeepStore: Debug + Send + Sync {
    /// Returns the time of the store in Unix seconds, which all servers share.
    async fn now_seconds(&self) -> Result<u64, MetadataError>;
    /// Returns an error when the store cannot take a change now.
    async fn probe(&self) -> Result<(), MetadataError>;
    /// Returns at most `limit` pages of unused space to the disk, of those beyond what new rows are likely to need.
    /// Returns how many there were, zero where the store does so by itself.
    async fn give_back_room(&self, limit: u32) -> Result<usize, MetadataError>;
}
