//! What workspaces spend in a month, against what they may (docs/design/billing.md, section 4).
//!
//! The limit stops what begins after it was reached. What a workspace has spent is worked out once a second at most, so that
//! what was begun within that second, and what is in flight, may go beyond it; storage goes on to cost what it costs.

use super::{BucketWidth, CostDimensions, Usage, UsageWindow};
use crate::metadata::MetadataError;
use crate::model::idempotency::IdempotencyKey;
use crate::model::ids::WorkspaceId;
use crate::model::prices::{Month, NanoUsd};
use crate::model::usage::Dimensions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a workspace had spent as of a second.
type Known = Arc<tokio::sync::Mutex<Option<(u64, NanoUsd)>>>;

/// Watches what workspaces spend that have a limit: at most one entry for each.
#[derive(Debug)]
pub struct Spending {
    usage: Usage,
    known: Mutex<HashMap<WorkspaceId, Known>>,
}

/// A workspace has spent what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendLimitReached {
    /// How much that is, in US cents.
    pub limit_cents: u64,
    /// In how many seconds the next month begins.
    pub wait_seconds: u64,
}

impl Spending {
    /// Watches this usage.
    #[must_use]
    pub fn new(usage: Usage) -> Self {
        Self { usage, known: Mutex::default() }
    }

    /// Why a workspace may not spend more, if it may not: it has `limit_cents` a month. What was done before under the key of
    /// its request is only answered again, and costs nothing.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn refuse(
        &self,
        workspace: WorkspaceId,
        limit_cents: u64,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<SpendLimitReached>, MetadataError> {
        let spent = self.this_month(workspace).await?;
        if spent < NanoUsd::from_cents(limit_cents) {
            return Ok(None);
        }
        if let Some(key) = key
            && self.usage.metadata.is_answered(workspace, key).await?
        {
            return Ok(None);
        }
        let now = self.usage.clock.now_seconds();
        Ok(Some(SpendLimitReached { limit_cents, wait_seconds: Month::of(now).next().start() - now }))
    }

    /// What a workspace has spent since the month began, as of this second.
    async fn this_month(&self, workspace: WorkspaceId) -> Result<NanoUsd, MetadataError> {
        let known = {
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(workspace).or_default())
        };
        let mut known = known.lock().await;
        let now = self.usage.clock.now_seconds();
        if let Some((second, spent)) = *known
            && second == now
        {
            return Ok(spent);
        }
        let spent = self.usage.month_cost(workspace).await?;
        *known = Some((now, spent));
        Ok(spent)
    }
}

impl Usage {
    /// What a workspace costs from the beginning of this month, in UTC, until now.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn month_cost(&self, workspace: WorkspaceId) -> Result<NanoUsd, MetadataError> {
        if self.prices.is_empty() {
            return Ok(NanoUsd::default());
        }
        let now = self.clock.now_seconds();
        let (start, width) = (Month::of(now).start(), BucketWidth::Day);
        let end = (now + 1).next_multiple_of(width.seconds());
        let (workspaces, by) = (Some(vec![workspace]), Dimensions::default());
        let window = UsageWindow { start, end, width, workspaces, keys: None, by };
        let days = self.costs(window, None, CostDimensions::default()).await?;
        Ok(days.iter().flat_map(|day| day.groups.values()).map(|cost| cost.amount).sum())
    }
}
