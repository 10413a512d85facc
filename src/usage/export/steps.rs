//! Writes events step by step. Each step is one transaction with a bounded number of messages, which also stores the
//! last written event. A crash between two steps repeats nothing and omits nothing.

use super::events::{Batches, Event};
use crate::metadata::{ExportStore, MetadataError};
use crate::model::export::{ExportPart, ExportPlace, ExportProgress};
use tokio::sync::Notify;

/// The bounds of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepLimits {
    /// The bytes of messages after which a transaction is full. It ends with the event that exceeds them.
    pub step_bytes: usize,
    /// The number of pending messages above which no more are written; the ledger keeps the usage.
    pub pending_messages: u64,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self { step_bytes: 1 << 20, pending_messages: 1000 }
    }
}

/// The next action after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The next step.
    Next,
    /// A pause until messages are sent.
    Enough,
    /// A stop: another process exports usage.
    Taken,
}

/// The events on their way into the outbox, in the order of their positions.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    metadata: &'a dyn ExportStore,
    written: &'a Notify,
    limits: StepLimits,
    /// The number of pending messages.
    waiting: u64,
    progress: Option<ExportProgress>,
    batches: Batches,
}

impl<'a> Steps<'a> {
    /// Continues after `progress`. The first messages are named `name`, or its next part.
    pub(super) fn after(
        progress: Option<ExportProgress>,
        name: &str,
        (metadata, written): (&'a dyn ExportStore, &'a Notify),
        (limits, waiting): (StepLimits, u64),
    ) -> Self {
        let part = progress.and_then(|progress| progress.part);
        Self { metadata, written, limits, waiting, progress, batches: Batches::new(part_name(name, part)) }
    }

    /// Adds an event, unless it is written already.
    pub(super) fn add(&mut self, event: &Event) {
        let part = self.progress.and_then(|progress| progress.part);
        if part.is_none_or(|part| place(event) > part.after) {
            self.batches.add(event);
        }
    }

    /// Returns whether the added events fill a step.
    pub(super) const fn is_full(&self) -> bool {
        self.batches.size_bytes() >= self.limits.step_bytes
    }

    /// Writes the added events up to `last` as a part of `name`, which reflects the ledger up to `through_seq`. Of the
    /// progress only `part` of `to` changes.
    pub(super) async fn write_part(
        &mut self,
        name: &str,
        last: &Event,
        through_seq: u64,
        to: ExportProgress,
    ) -> Result<Outcome, MetadataError> {
        let known = self.progress.and_then(|progress| progress.part);
        // A part of another hour is complete.
        let known = known.filter(|part| {
            self.progress.is_some_and(|progress| progress.until == to.until) && part.through_seq == through_seq
        });
        let part = ExportPart { through_seq, number: known.map_or(1, |part| part.number + 1), after: place(last) };
        self.write(ExportProgress { part: Some(part), ..to }, name).await
    }

    /// Writes the added events, which completes the export up to `to`. The next messages are named `name`.
    pub(super) async fn write(&mut self, to: ExportProgress, name: &str) -> Result<Outcome, MetadataError> {
        let next = Batches::new(part_name(name, to.part));
        let messages = std::mem::replace(&mut self.batches, next).finish();
        let count = messages.len() as u64;
        if !self.metadata.freeze_export(self.progress, to, messages).await? {
            return Ok(Outcome::Taken);
        }
        if count > 0 {
            self.written.notify_one();
        }
        (self.progress, self.waiting) = (Some(to), self.waiting + count);
        Ok(if self.waiting >= self.limits.pending_messages { Outcome::Enough } else { Outcome::Next })
    }
}

const fn place(event: &Event) -> ExportPlace {
    ExportPlace { hour: event.hour, group: event.group, item: event.item }
}

/// Returns the unique prefix of message ids.
fn part_name(name: &str, part: Option<ExportPart>) -> String {
    part.map_or_else(|| name.to_owned(), |part| format!("{name}.{}", part.number))
}
