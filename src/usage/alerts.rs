//! Spend alerts: one message when a workspace has spent a share of its monthly limit (docs/design/billing.md, section
//! 2).
//!
//! Messages go to the outbox under ids derived from their content, so that none is written twice; `outbox` sends them.
//! `app` runs it where an alert sink is configured.

use super::Usage;
use crate::error_chain::ErrorChain;
use crate::metadata::MetadataError;
use crate::model::ids::WorkspaceId;
use crate::model::limits::Limit;
use crate::model::outbox::{NewMessage, SinkName};
use crate::model::prices::{Month, NanoUsd};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The shares of the limit that are alerted, in percent.
const THRESHOLDS_PERCENT: [u8; 2] = [80, 100];
/// The interval of cost computations, in seconds.
const CHECK_SECONDS: u64 = 60;
/// The interval of looks at the clock.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The watcher of workspaces with a spend limit.
#[derive(Clone, Debug)]
pub struct SpendAlerts {
    /// The service of usage.
    pub usage: Usage,
    /// Notified of new messages.
    pub written: Arc<Notify>,
}

/// An alert of one workspace and threshold.
#[derive(Clone, Copy, Debug)]
struct Alert {
    workspace: WorkspaceId,
    month: Month,
    threshold_percent: u8,
    limit_cents: u64,
    spent: NanoUsd,
    now_seconds: u64,
}

impl SpendAlerts {
    /// Watches until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut checked_at = None;
        loop {
            let now = self.usage.clock.now_seconds();
            if checked_at.is_none_or(|at: u64| now.abs_diff(at) >= CHECK_SECONDS) {
                checked_at = Some(now);
                if let Err(error) = self.check(now).await {
                    tracing::warn!(error = %ErrorChain(&error), "spend check failed");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    async fn check(&self, now_seconds: u64) -> Result<(), MetadataError> {
        let metadata = &self.usage.metadata;
        for (workspace, limit_cents) in metadata.workspaces_with_limit(Limit::MonthlySpendCents).await? {
            let (month, spent) = (Month::of(now_seconds), self.usage.month_cost(workspace).await?);
            let limit = NanoUsd::from_cents(limit_cents);
            let reached = |percent: &u8| spent.0.saturating_mul(100) >= limit.0.saturating_mul(i128::from(*percent));
            for threshold_percent in THRESHOLDS_PERCENT.into_iter().filter(reached) {
                let alert = Alert { workspace, month, threshold_percent, limit_cents, spent, now_seconds };
                if metadata.add_message(alert.message()).await? {
                    self.written.notify_one();
                }
            }
        }
        Ok(())
    }
}

impl Alert {
    /// Returns the message, whose id is unique per workspace, month, limit and threshold.
    fn message(self) -> NewMessage {
        let Self { workspace, month, threshold_percent, limit_cents, spent, now_seconds } = self;
        let id = format!("spend:{workspace}:{month}:{limit_cents}:{threshold_percent}");
        let body = json!({
            "id": id,
            "object": "event",
            "type": "project.spend_alert",
            "created_at": now_seconds,
            "data": {
                "project_id": workspace.to_string(),
                "month": month.to_string(),
                "threshold_percent": threshold_percent,
                "monthly_spend_cents": limit_cents,
                "monthly_spend": {"value": spent.dollars(), "currency": "usd"},
            },
        });
        let body = body.to_string().into();
        NewMessage { id, sink: SinkName::Alerts, content_type: "application/json", body }
    }
}
