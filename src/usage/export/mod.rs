//! The export: usage of past hours becomes messages in the outbox, exactly once.
//!
//! Two stored numbers define what is exported: the hour and the ledger row up to which. Both advance in the transaction
//! that writes the messages, so that a crash repeats nothing and omits nothing. `steps` writes what exceeds one
//! transaction. Late rows of exported hours become corrections. It sends nothing; `outbox` does. `app` runs it.

mod events;
mod late;
mod status;
mod steps;

pub use events::halve_batch;
pub use status::ExportStatus;
pub use steps::StepLimits;

use crate::clock::Clock;
use crate::error_chain::ErrorChain;
use crate::metadata::{ExportStore, MetadataError, OutboxStore, trait_set};
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::ledger::LedgerRow;
use crate::model::outbox::SinkName;
use crate::model::prices::LineItem;
use crate::model::usage::{SlotWidth, UsageByGroup};
use events::Event;
use std::sync::Arc;
use std::time::Duration;
use steps::{Outcome, Steps};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The bounds of one read of the ledger. Reads are flushed every second and changes at once, so that hardly any row is
/// later than the margin.
const BOUNDS: ExportBounds = ExportBounds { hours: 168, late_rows: 1000, margin_seconds: 120 };
/// The interval of looks for a past hour.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// The delay after a failed pass.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// The lag of the export at which the operator is warned, in seconds.
const LAG_WARNING_SECONDS: u64 = 3600;
/// The interval of repeated warnings.
const LAG_WARNING_INTERVAL: Duration = Duration::from_hours(1);

trait_set! {
    /// The rows that the export reads and writes.
    pub trait ExporterMetadata: ExportStore + OutboxStore;
}

/// The writer of usage messages.
#[derive(Clone, Debug)]
pub struct Exporter {
    /// The metadata store.
    pub metadata: Arc<dyn ExporterMetadata>,
    /// The clock.
    pub clock: Clock,
    /// Notified of new messages.
    pub written: Arc<Notify>,
    /// The bounds of one step.
    pub limits: StepLimits,
}

impl Exporter {
    /// Exports past hours until `stop`. A panic ends its pass only.
    pub async fn run(self, stop: CancellationToken) {
        let (mut next_look_at, mut warned_at) = (0, None::<Instant>);
        loop {
            let (now, mut pause) = (self.clock.now_seconds(), LOOK_INTERVAL);
            if now >= next_look_at {
                let exporter = self.clone();
                let pass = tokio::spawn(async move { exporter.export().await });
                match pass.await {
                    Ok(Ok(progress)) => next_look_at = progress.map_or(0, over_at),
                    Ok(Err(error)) => {
                        pause = RETRY_INTERVAL;
                        tracing::warn!(error = %ErrorChain(&error), "usage export failed");
                    }
                    Err(error) => {
                        pause = RETRY_INTERVAL;
                        tracing::error!(%error, "usage export panicked");
                    }
                }
                let late = next_look_at > 0 && now.saturating_sub(next_look_at) > LAG_WARNING_SECONDS;
                if late && warned_at.is_none_or(|at| at.elapsed() > LAG_WARNING_INTERVAL) {
                    warned_at = Some(Instant::now());
                    tracing::warn!(seconds = now - next_look_at, "usage export is late");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Exports all past hours, unless too many messages are pending. Returns the progress.
    ///
    /// # Errors
    /// When the store failed. The next call continues.
    pub async fn export(&self) -> Result<Option<ExportProgress>, MetadataError> {
        loop {
            let status = self.metadata.outbox_status(SinkName::Usage).await?;
            let waiting = status.pending + status.refused;
            if waiting >= self.limits.pending_messages {
                return self.metadata.export_progress().await;
            }
            let (progress, next) = self.metadata.next_export(BOUNDS).await?;
            let outcome = match next {
                NextExport::Nothing => return Ok(progress),
                NextExport::Late { rows, through_seq } => {
                    let Some(from) = progress else { return Ok(None) };
                    self.export_late(from, &rows, through_seq, waiting).await?
                }
                NextExport::Hours { from, until, through_seq, usage } => {
                    self.export_hours(progress, (from, until), (through_seq, usage), waiting).await?
                }
            };
            if outcome == Outcome::Taken {
                tracing::debug!("usage export left to another server");
                return Ok(progress);
            }
        }
    }

    /// Exports the corrections of late rows.
    async fn export_late(
        &self,
        from: ExportProgress,
        rows: &[LedgerRow],
        through_seq: u64,
        waiting: u64,
    ) -> Result<Outcome, MetadataError> {
        let (rows, through_seq) = match late::first_rows(rows, from.until) {
            first if first.len() < rows.len() => (first, first.last().map_or(through_seq, |row| row.seq)),
            all => (all, through_seq),
        };
        let revision = from.corrections + 1;
        let name = format!("usage:r{revision}");
        let mut steps = self.steps(Some(from), &name, waiting);
        for ((hour, group, item), quantity) in late::corrections(rows, from.until) {
            let event = Event { hour, group, item, quantity, revision };
            steps.add(&event);
            if steps.is_full() {
                let outcome = steps.write_part(&name, &event, through_seq, from).await?;
                if outcome != Outcome::Next {
                    return Ok(outcome);
                }
            }
        }
        steps.write(ExportProgress { through_seq, corrections: revision, part: None, ..from }, &name).await
    }

    /// Exports hours, as many per transaction as fill it. A larger hour takes several transactions.
    async fn export_hours(
        &self,
        progress: Option<ExportProgress>,
        (from, until): (u64, u64),
        (through_seq, mut usage): (u64, UsageByGroup),
        waiting: u64,
    ) -> Result<Outcome, MetadataError> {
        let corrections = progress.map_or(0, |progress| progress.corrections);
        let before = |hour: u64| ExportProgress { until: hour, through_seq, corrections, part: None };
        let mut steps = self.steps(progress, &name_of(from), waiting);
        let mut hour = from;
        while hour < until {
            let end = hour + SlotWidth::Hour.seconds();
            for (group, series) in &mut usage {
                let Some(used) = series.buckets(&[(hour, end)], SlotWidth::Hour, end).pop() else { continue };
                (series.opening_bytes, series.opening_files) = (used.end_bytes, used.end_files);
                for item in LineItem::ALL {
                    let event = Event { hour, group: *group, item, quantity: used.quantity(item), revision: 0 };
                    steps.add(&event);
                    if steps.is_full() {
                        let outcome = steps.write_part(&name_of(hour), &event, through_seq, before(hour)).await?;
                        if outcome != Outcome::Next {
                            return Ok(outcome);
                        }
                    }
                }
            }
            hour = end;
            if hour == until || steps.is_full() {
                let outcome = steps.write(before(hour), &name_of(hour)).await?;
                if outcome != Outcome::Next {
                    return Ok(outcome);
                }
            }
        }
        Ok(Outcome::Next)
    }

    fn steps(&self, progress: Option<ExportProgress>, name: &str, waiting: u64) -> Steps<'_> {
        Steps::after(progress, name, (&*self.metadata, &self.written), (self.limits, waiting))
    }
}

/// Returns the name of the messages of hours from this one on.
fn name_of(hour: u64) -> String {
    format!("usage:{hour}")
}

/// Returns the time at which the next hour is due.
const fn over_at(progress: ExportProgress) -> u64 {
    progress.until + SlotWidth::Hour.seconds() + BOUNDS.margin_seconds
}
