//! Shows in the metrics what waits in the stores: for expiry, for the sweep, for the cache of usage and for delivery.

use super::Sweeper;
use crate::error_chain::ErrorChain;
use crate::metadata::MetadataError;
use crate::metrics::{METRICS, SinkLabels, gauge};
use crate::model::outbox::SinkName;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The time between two looks.
const INTERVAL: Duration = Duration::from_secs(15);
/// The most rows of one kind that are counted.
const MAX_COUNTED_ROWS: u32 = 10_000;

impl Sweeper {
    /// Looks at once and at every interval, until `stop`. After a failure the metrics keep their values.
    pub async fn watch_backlog(self, stop: CancellationToken) {
        let looks = async {
            loop {
                if let Err(error) = self.show_backlog().await {
                    tracing::debug!(error = %ErrorChain(&error), "backlog unavailable");
                }
                tokio::time::sleep(INTERVAL).await;
            }
        };
        stop.run_until_cancelled(looks).await;
    }

    async fn show_backlog(&self) -> Result<(), MetadataError> {
        let now_seconds = self.metadata.now_seconds().await?;
        let age = |since: Option<u64>| gauge(since.map_or(0, |since| now_seconds.saturating_sub(since)));
        let backlog = self.metadata.backlog(MAX_COUNTED_ROWS).await?;
        METRICS.sweep_waiting_blobs.set(gauge(backlog.deleting_blobs));
        METRICS.sweep_lag_seconds.set(age(backlog.deleting_since));
        METRICS.usage_waiting_rows.set(gauge(backlog.ledger_rows));
        let overdue = self.metadata.overdue_workspaces(None, 1).await?;
        METRICS.expiry_lag_seconds.set(age(overdue.first().map(|overdue| overdue.since)));
        for sink in SinkName::ALL {
            let (status, labels) = (self.metadata.outbox_status(sink).await?, SinkLabels { sink: sink.name() });
            METRICS.outbox_waiting_messages.get_or_create(&labels).set(gauge(status.pending));
            METRICS.outbox_lag_seconds.get_or_create(&labels).set(age(status.oldest_pending_at));
            METRICS.outbox_refused_messages.get_or_create(&labels).set(gauge(status.refused));
        }
        Ok(())
    }
}
