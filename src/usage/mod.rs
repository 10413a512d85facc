//! Usage: reads are counted and entered into the ledger; what the ledger amounts to is cut into buckets. What changes Files is
//! entered where it is done, in its transaction.

mod buckets;
mod meter;

pub use buckets::{Bucket, BucketWidth, UsageWindow};
pub use meter::Meter;

use crate::clock::Clock;
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::ids::WorkspaceId;
use crate::model::ledger::LedgerRow;
use crate::model::page::Page;
use std::sync::Arc;

/// The usage of an installation.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Rows.
    pub metadata: Arc<dyn MetadataStore>,
    /// What time it is: what is to come is not used yet.
    pub clock: Clock,
}

impl Usage {
    /// A page of the ledger of a workspace, or of all, behind a row, in the order of commits.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError> {
        self.metadata.ledger(workspace, after_seq, limit).await
    }
}
