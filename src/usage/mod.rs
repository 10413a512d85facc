//! The service of usage: it counts reads into the ledger, and aggregates the ledger into buckets and costs. Changes of
//! Files enter the ledger in their own transactions.

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
use arc_swap::ArcSwap;
use std::sync::Arc;

trait_set! {
    /// The rows from which usage and its costs are worked out.
    pub trait UsageMetadata: AnswerStore + ExportStore + LedgerStore + LimitStore + OutboxStore + UsageStore + WorkspaceStore;
}

/// The usage of an installation.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The metadata store.
    pub metadata: Arc<dyn UsageMetadata>,
    /// The clock; time after now has no usage.
    pub clock: Clock,
    /// The prices, which a reload may replace.
    pub prices: Arc<ArcSwap<PriceList>>,
}

impl Usage {
    /// Rebuilds the usage cache while queries go on. Returns the number of ledger rows.
    ///
    /// # Errors
    /// When the store failed. The missing rows are added to the cache later.
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

    /// Returns a page of the ledger of a workspace, or of all, after a row, in the order of commits.
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
