//! Usage: the sums of the ledger.

use super::error::MetadataError;
use crate::model::usage::{UsageByGroup, UsageQuery};
use async_trait::async_trait;
use std::fmt::Debug;

/// Rows of the ledger that one transaction takes into the cache of usage.
pub const ROLL_UP_ROWS: u32 = 5000;

/// The sums of the ledger, and the rollup by hours that makes them cheap.
#[async_trait]
pub trait UsageStore: Debug + Send + Sync {
    /// Returns the usage of a period as of this second.
    async fn usage(&self, query: UsageQuery) -> Result<UsageByGroup, MetadataError>;
    /// Adds at most `limit` more rows of the ledger to the rollup. Returns how many there were.
    async fn roll_up_usage(&self, limit: u32) -> Result<usize, MetadataError>;
    /// Empties the rollup, which [`roll_up_usage`](Self::roll_up_usage) then builds anew.
    async fn forget_usage_rollup(&self) -> Result<(), MetadataError>;
}
