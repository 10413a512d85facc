//! Export: usage of hours that are over becomes messages in the outbox, as the ledger has it, once.
//!
//! What is exported is decided by two numbers that the store keeps: up to which hour, and up to which row of the ledger. Both
//! move in the transaction that writes the messages, so that a crash repeats nothing and leaves nothing out. Rows that come
//! later for hours that are exported already become corrections: events with what they add to these hours. It sends nothing;
//! the room `outbox` does. The wiring of floor 5 runs it.

mod events;
mod late;
mod status;

pub use status::ExportStatus;

use crate::causes::Causes;
use crate::clock::Clock;
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::{NewMessage, SinkName};
use crate::model::prices::LineItem;
use crate::model::usage::{SlotWidth, UsageByGroup};
use events::{Batches, Event};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How much is read from the ledger at once. Reads are entered every second and changes at once, so that hardly anything comes
/// later than the margin.
const BOUNDS: ExportBounds = ExportBounds { hours: 168, late_rows: 1000, margin_seconds: 120 };
/// Bytes of messages with which a transaction is full; it ends with the hour that passes them.
const FREEZE_BYTES: usize = 1 << 20;
/// Messages that wait to be sent when no more are written: the ledger keeps what they would say.
const MAX_PENDING_MESSAGES: u64 = 1000;
/// How often it is looked whether an hour is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How long nothing is tried after a pass that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// How long an hour may be over and not exported before the operator is told, in seconds.
const LAG_WARNING_SECONDS: u64 = 3600;
/// How often the operator is told.
const LAG_WARNING_INTERVAL: Duration = Duration::from_hours(1);

/// Writes usage into the outbox.
#[derive(Clone, Debug)]
pub struct Exporter {
    /// Rows.
    pub metadata: Arc<dyn MetadataStore>,
    /// What time it is.
    pub clock: Clock,
    /// Is told of new messages.
    pub written: Arc<Notify>,
}

impl Exporter {
    /// Exports what is over, until `stop`. A pass that panics ends itself and no other.
    pub async fn run(self, stop: CancellationToken) {
        let (mut next_look_at, mut warned_at) = (0, None::<Instant>);
        loop {
            let (now, mut pause) = (self.clock.now_seconds(), LOOK_INTERVAL);
            if now >= next_look_at {
                let exporter = self.clone();
                let pass = tokio::spawn(async move { exporter.export().await }.in_current_span());
                match pass.await {
                    Ok(Ok(progress)) => next_look_at = progress.map_or(0, over_at),
                    Ok(Err(error)) => {
                        pause = RETRY_INTERVAL;
                        tracing::warn!(error = %Causes(&error), "usage could not be exported and will be again");
                    }
                    Err(error) => {
                        pause = RETRY_INTERVAL;
                        tracing::error!(%error, "the export of usage panicked and will be repeated");
                    }
                }
                let late = next_look_at > 0 && now.saturating_sub(next_look_at) > LAG_WARNING_SECONDS;
                if late && warned_at.is_none_or(|at| at.elapsed() > LAG_WARNING_INTERVAL) {
                    warned_at = Some(Instant::now());
                    tracing::warn!(seconds = now - next_look_at, "the export of usage is late");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Exports all that is over, unless too much waits to be sent; how far that is.
    ///
    /// # Errors
    /// When the store failed; the next call goes on where this one stopped.
    pub async fn export(&self) -> Result<Option<ExportProgress>, MetadataError> {
        loop {
            let waiting = self.metadata.outbox_status(SinkName::Usage).await?.pending;
            if waiting >= MAX_PENDING_MESSAGES {
                return self.metadata.export_progress().await;
            }
            let (progress, next) = self.metadata.next_export(BOUNDS).await?;
            let went_on = match next {
                NextExport::Nothing => return Ok(progress),
                NextExport::Late { rows, through_seq } => {
                    let Some(from) = progress else { return Ok(None) };
                    let to = ExportProgress { through_seq, corrections: from.corrections + 1, ..from };
                    let mut batches = Batches::new(format!("usage:r{}", to.corrections));
                    for ((hour, group, item), quantity) in late::corrections(&rows, from.until) {
                        batches.add(&Event { hour, group, item, quantity, revision: to.corrections });
                    }
                    self.freeze(Some(from), to, batches.finish()).await?
                }
                NextExport::Hours { from, until, through_seq, usage } => {
                    self.export_hours(progress, (from, until), through_seq, usage).await?
                }
            };
            if !went_on {
                tracing::debug!("another process exports usage");
                return Ok(progress);
            }
        }
    }

    /// Hour by hour, as many in a transaction as make it full.
    async fn export_hours(
        &self,
        mut progress: Option<ExportProgress>,
        (from, until): (u64, u64),
        through_seq: u64,
        mut usage: UsageByGroup,
    ) -> Result<bool, MetadataError> {
        let width = SlotWidth::Hour.seconds();
        let (mut hour, mut batches) = (from, batches_of(from));
        while hour < until {
            let end = hour + width;
            for (group, series) in &mut usage {
                let Some(used) = series.buckets(&[(hour, end)], SlotWidth::Hour, end).pop() else { continue };
                (series.opening_bytes, series.opening_files) = (used.end_bytes, used.end_files);
                for item in LineItem::ALL {
                    let quantity = used.quantity(item);
                    batches.add(&Event { hour, group: *group, item, quantity, revision: 0 });
                }
            }
            hour = end;
            if hour == until || batches.size_bytes() >= FREEZE_BYTES {
                let corrections = progress.map_or(0, |progress| progress.corrections);
                let to = ExportProgress { until: hour, through_seq, corrections };
                if !self.freeze(progress, to, std::mem::replace(&mut batches, batches_of(hour)).finish()).await? {
                    return Ok(false);
                }
                progress = Some(to);
            }
        }
        Ok(true)
    }

    async fn freeze(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError> {
        let written = !messages.is_empty();
        let done = self.metadata.freeze_export(from, to, messages).await?;
        if done && written {
            self.written.notify_one();
        }
        Ok(done)
    }
}

fn batches_of(hour: u64) -> Batches {
    Batches::new(format!("usage:{hour}"))
}

/// When the first hour that is not exported is over.
const fn over_at(progress: ExportProgress) -> u64 {
    progress.until + SlotWidth::Hour.seconds() + BOUNDS.margin_seconds
}
