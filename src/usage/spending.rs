//! Enforces monthly spend limits (docs/design/billing.md, section 4).
//!
//! The limit refuses requests that begin after it was reached. The cost of a workspace is computed at most once a
//! second, so requests within that second, and running ones, may exceed it. Storage keeps costing.

use super::{BucketWidth, CostDimensions, Usage, UsageWindow};
use crate::metadata::MetadataError;
use crate::model::idempotency::IdempotencyKey;
use crate::model::ids::WorkspaceId;
use crate::model::prices::{Month, NanoUsd};
use crate::model::usage::Dimensions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The cost of a workspace and the second of its computation.
type CachedCost = Arc<tokio::sync::Mutex<Option<(u64, NanoUsd)>>>;

/// The costs of workspaces with a spend limit.
#[derive(Debug)]
pub struct Spending {
    usage: Usage,
    known: Mutex<HashMap<WorkspaceId, CachedCost>>,
}

/// A workspace has reached its spend limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendLimitReached {
    /// The limit, in US cents.
    pub limit_cents: u64,
    /// The seconds until the next month.
    pub wait_seconds: u64,
}

impl Spending {
    /// Returns an empty cache over `usage`.
    #[must_use]
    pub fn new(usage: Usage) -> Self {
        Self { usage, known: Mutex::default() }
    }

    /// Refuses billable requests once the workspace has spent `limit_cents` in the month. A request whose `key` has a
    /// stored response is not refused: a replay costs nothing.
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

    /// Returns the cost of a workspace in this month, cached for a second.
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
    /// Returns the cost of a workspace from the start of the month, in UTC, until now.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn month_cost(&self, workspace: WorkspaceId) -> Result<NanoUsd, MetadataError> {
        if self.prices.load().is_empty() {
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
