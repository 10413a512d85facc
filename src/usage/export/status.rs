//! The status of the export.

use crate::metadata::MetadataError;
use crate::model::outbox::{OutboxStatus, SinkName};
use crate::model::usage::SlotWidth;
use crate::usage::Usage;

/// The status of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportStatus {
    /// The Unix second before which all hours are exported; none before the first export.
    pub exported_until: Option<u64>,
    /// The last ledger row that the exported hours reflect.
    pub through_seq: Option<u64>,
    /// The number of correction batches.
    pub corrections: u64,
    /// The state of the messages.
    pub outbox: OutboxStatus,
    /// The age of the oldest pending message, or of the oldest past hour that is not exported, in seconds; the larger
    /// of both.
    pub lag_seconds: u64,
}

impl Usage {
    /// Returns the status of the export.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn export_status(&self) -> Result<ExportStatus, MetadataError> {
        let progress = self.metadata.export_progress().await?;
        let outbox = self.metadata.outbox_status(SinkName::Usage).await?;
        let now = self.clock.now_seconds();
        let over_at = progress.map_or(now, |progress| progress.until + SlotWidth::Hour.seconds());
        let written_at = outbox.oldest_pending_at.unwrap_or(now);
        Ok(ExportStatus {
            exported_until: progress.map(|progress| progress.until),
            through_seq: progress.map(|progress| progress.through_seq),
            corrections: progress.map_or(0, |progress| progress.corrections),
            outbox,
            lag_seconds: now.saturating_sub(over_at.min(written_at)),
        })
    }
}
