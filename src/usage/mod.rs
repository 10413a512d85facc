//! Usage: reads are counted and entered into the ledger; what the ledger amounts to is cut into buckets. What changes Files is
//! entered where it is done, in its transaction.

mod buckets;
mod costs;
mod export;
mod reads;

pub use buckets::{Bucket, BucketWidth, UsageWindow};
pub use costs::{Cost, CostBucket, CostDimensions, CostGroup};
pub use export::{ExportStatus, Exporter};
pub use reads::ReadCounter;

use crate::clock::Clock;
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::ids::WorkspaceId;
use crate::model::ledger::LedgerRow;
use crate::model::page::Page;
use crate::model::prices::PriceList;
use std::sync::Arc;

/// The usage of an installation.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Rows.
    pub metadata: Arc<dyn MetadataStore>,
    /// What time it is: what is to come is not used yet.
    pub clock: Clock,
    /// What it costs.
    pub prices: Arc<PriceList>,
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
