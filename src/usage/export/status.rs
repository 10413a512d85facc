//! How the export stands.

use crate::metadata::MetadataError;
use crate::model::outbox::{OutboxStatus, SinkName};
use crate::model::usage::SlotWidth;
use crate::usage::Usage;

/// How the export of usage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportStatus {
    /// The hours before this second, in Unix time, are in the outbox or were; none when nothing was exported yet.
    pub exported_until: Option<u64>,
    /// The row of the ledger up to which they are told of.
    pub through_seq: Option<u64>,
    /// How often rows of the ledger came later.
    pub corrections: u64,
    /// What became of the messages.
    pub outbox: OutboxStatus,
    /// For how many seconds the oldest message has waited for its acknowledgement, or the oldest hour that is not exported has
    /// been over, whichever is longer.
    pub lag_seconds: u64,
}

impl Usage {
    /// How the export stands.
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
