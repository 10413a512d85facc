//! Events are written step by step: each step is one transaction with a bounded number of messages, which also notes the last
//! event that is written. A crash between two steps repeats nothing and leaves nothing out.

use super::events::{Batches, Event};
use crate::metadata::{ExportStore, MetadataError};
use crate::model::export::{ExportPart, ExportPlace, ExportProgress};
use tokio::sync::Notify;

/// How much is written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepLimits {
    /// Bytes of messages with which a transaction is full; it ends with the event that passes them.
    pub step_bytes: usize,
    /// Messages that wait to be sent when no more are written: the ledger keeps what they would say.
    pub pending_messages: u64,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self { step_bytes: 1 << 20, pending_messages: 1000 }
    }
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The next one.
    Next,
    /// Nothing, before messages are sent.
    Enough,
    /// Nothing: another process exports usage.
    Taken,
}

/// Events on their way into the outbox, in the order of their places.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    metadata: &'a dyn ExportStore,
    written: &'a Notify,
    limits: StepLimits,
    /// Messages that wait to be sent.
    waiting: u64,
    progress: Option<ExportProgress>,
    batches: Batches,
}

impl<'a> Steps<'a> {
    /// Goes on behind `progress`. What is written first is called `name`, or the next part of it.
    pub(super) fn behind(
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

    /// Whether the events that were added are enough for a step.
    pub(super) const fn is_full(&self) -> bool {
        self.batches.size_bytes() >= self.limits.step_bytes
    }

    /// Writes what was added up to an event, of more that are called `name` and tell of the ledger up to `through_seq`. Nothing
    /// but `part` of `to` is changed.
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

    /// Writes what was added, with which all is told up to `to`. What is written next is called `name`.
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

/// Ids of messages begin with it, and no others do.
fn part_name(name: &str, part: Option<ExportPart>) -> String {
    part.map_or_else(|| name.to_owned(), |part| format!("{name}.{}", part.number))
}
