//! Usage: reads are counted and entered into the ledger; what the ledger amounts to is cut into buckets. What changes Files is
//! entered where it is done, in its transaction.

mod adjust;
mod alerts;
mod buckets;
mod costs;
mod export;
mod merge;
mod pages;
mod reads;
mod spending;

pub use alerts::SpendAlerts;
pub use buckets::{Bucket, BucketWidth, UsageWindow};
pub use costs::{Cost, CostBucket, CostDimensions, CostGroup};
pub use export::{ExportStatus, Exporter, ExporterMetadata, StepLimits, halve_batch};
pub use merge::ReadMerger;
pub use reads::ReadCounter;
pub use spending::{SpendLimitReached, Spending};

use crate::clock::Clock;
use crate::metadata::{
    AnswerStore, ExportStore, LedgerStore, LimitStore, MetadataError, OutboxStore, ROLL_UP_ROWS, UsageStore,
    WorkspaceStore, trait_set,
};
use crate::model::ids::WorkspaceId;
use crate::model::ledger::LedgerRow;
use crate::model::page::Page;
use crate::model::prices::PriceList;
use std::sync::Arc;

trait_set! {
    /// The rows from which usage and its costs are worked out.
    pub trait UsageMetadata: AnswerStore + ExportStore + LedgerStore + LimitStore + OutboxStore + UsageStore + WorkspaceStore;
}

/// The usage of an installation.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Rows.
    pub metadata: Arc<dyn UsageMetadata>,
    /// What time it is: what is to come is not used yet.
    pub clock: Clock,
    /// What it costs.
    pub prices: Arc<PriceList>,
}

impl Usage {
    /// Makes the cache anew from which most questions are answered; they are answered all the while. How many rows of the
    /// ledger there were.
    ///
    /// # Errors
    /// When the store failed; what is missing of the cache then is taken into it later.
    pub async fn rebuild(&self) -> Result<usize, MetadataError> {
        self.metadata.forget_usage_rollup().await?;
        let mut rows = 0;
        loop {
            match self.metadata.roll_up_usage(ROLL_UP_ROWS).await? {
                0 => return Ok(rows),
                more => rows += more,
            }
        }
    }

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
