//! Delivery: messages of the outbox are sent to their sink, in order, the same bytes each time, until they are acknowledged. One
//! that is refused again and again for what it says is set aside, and the next ones go on; what is too large goes in halves.
//!
//! A message counts as sent when the receiver has acknowledged it and that is noted; a crash in between sends it again, under the
//! same id. Between attempts that fail it waits, longer and longer. It writes no messages and looks into none. The wiring of
//! floor 5 runs one delivery for each sink that is configured, beside the requests, which never wait for it.

mod refusal;

use crate::causes::Causes;
use crate::clock::Clock;
use crate::metadata::{MetadataError, OutboxStore, RefusedMessageStore, trait_set};
use crate::model::ids::ProcessId;
use crate::model::outbox::{Message, NewMessage, SinkName};
use crate::random::Backoff;
use crate::sinks::{Sink, SinkError};
use refusal::{Refusals, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often it is looked for messages of which nobody told.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How long a message may wait before the operator is told, in seconds.
const LAG_WARNING_SECONDS: u64 = 900;
/// How often the operator is told the same.
const WARNING_INTERVAL: Duration = Duration::from_mins(15);
/// The longest pause after the first attempt that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause of all.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// The longest time for which a receiver is left alone because it asks for it.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

trait_set! {
    /// The messages that are delivered, and those that are refused.
    pub trait DeliveryMetadata: OutboxStore + RefusedMessageStore;
}

/// Sends the messages to one sink.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Rows.
    pub metadata: Arc<dyn DeliveryMetadata>,
    /// What time it is.
    pub clock: Clock,
    /// Which messages.
    pub name: SinkName,
    /// Where they go.
    pub sink: Arc<dyn Sink>,
    /// Cuts a message into smaller ones that say the same together, where that can be done.
    pub halve: fn(&Message) -> Option<Vec<NewMessage>>,
    /// Tells of new messages.
    pub written: Arc<Notify>,
    /// Who sends them: of several servers, one sends each.
    pub process: ProcessId,
}

/// Why a message is still there.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    /// It is not acknowledged.
    #[error("message {} is not acknowledged", .0.id)]
    Sink(Message, #[source] SinkError),
    /// What became of it cannot be read or noted.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The failed attempts since the last acknowledged message, and the warnings about them.
#[derive(Debug)]
struct Attempts {
    backoff: Backoff,
    refusals: Refusals,
    /// When the operator was told that messages are not acknowledged.
    warned_at: Option<Instant>,
    /// The same when they have waited for long.
    lag_warned_at: Option<Instant>,
}

impl Attempts {
    fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        Self { backoff, refusals: Refusals::default(), warned_at: None, lag_warned_at: None }
    }
}

impl Delivery {
    /// Sends messages until `stop`. An attempt that panics counts as one that failed.
    pub async fn run(self, stop: CancellationToken) {
        let mut attempts = Attempts::new();
        loop {
            let delivery = self.clone();
            let attempt = tokio::spawn(async move { delivery.send_next().await }.in_current_span());
            let abort = attempt.abort_handle();
            let outcome = tokio::select! {
                () = stop.cancelled() => return abort.abort(),
                outcome = attempt => outcome,
            };
            let wait = match outcome {
                Ok(Ok(Some(_))) => {
                    attempts.backoff.reset();
                    attempts.refusals.acknowledged();
                    continue;
                }
                Ok(Ok(None)) => LOOK_INTERVAL,
                Ok(Err(error)) => match self.settle(&error, &mut attempts).await {
                    Some(wait) => wait,
                    None => continue,
                },
                Err(error) => {
                    tracing::error!(sink = self.name.name(), %error, "delivery panicked");
                    attempts.backoff.next_pause()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.written.notified(), if attempts.backoff.is_fresh() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends the oldest message, once; none when nothing is to be sent. When it cannot be sent, another server may try, unless
    /// the receiver asks to be left alone.
    async fn send_next(&self) -> Result<Option<Message>, DeliveryError> {
        let Some(message) = self.metadata.next_message(self.name, self.process).await? else { return Ok(None) };
        if let Err(error) = self.sink.send(&message, self.clock.now_seconds()).await {
            if error.retry_after().is_none() {
                self.metadata.release_message(message.seq, self.process).await?;
            }
            return Err(DeliveryError::Sink(message, error));
        }
        self.metadata.acknowledge_message(message.seq).await?;
        Ok(Some(message))
    }

    /// Decides what becomes of a message that was not acknowledged; how long to wait, or none to go on at once.
    async fn settle(&self, error: &DeliveryError, attempts: &mut Attempts) -> Option<Duration> {
        let verdict = match error {
            DeliveryError::Sink(message, error) => attempts.refusals.refused(message.seq, error),
            DeliveryError::Metadata(_) => Verdict::Wait,
        };
        let done = match (verdict, error) {
            (Verdict::Wait, _) | (_, DeliveryError::Metadata(_)) => Ok(false),
            (Verdict::SetAside(status), DeliveryError::Sink(message, _)) => self.set_aside(message, status).await,
            (Verdict::Halve(status), DeliveryError::Sink(message, _)) => match (self.halve)(message) {
                Some(halves) => self.metadata.replace_message(message.seq, halves).await.map(|_| {
                    let (sink, id) = (self.name.name(), &message.id);
                    tracing::warn!(sink, id, status, "message split");
                    true
                }),
                None => match attempts.refusals.give_up(status) {
                    Verdict::SetAside(status) => self.set_aside(message, status).await,
                    Verdict::Wait | Verdict::Halve(_) => Ok(false),
                },
            },
        };
        match done {
            Ok(true) => {
                attempts.backoff.reset();
                return None;
            }
            Ok(false) => {}
            Err(failed) => tracing::warn!(error = %Causes(&failed), "set-aside failed"),
        }
        self.warn(error, attempts).await;
        let asked = match error {
            DeliveryError::Sink(_, error) => error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER),
            DeliveryError::Metadata(_) => Duration::ZERO,
        };
        Some(attempts.backoff.next_pause().max(asked))
    }

    async fn set_aside(&self, message: &Message, status: u16) -> Result<bool, MetadataError> {
        self.metadata.set_message_aside(message.seq, status).await?;
        let (sink, id) = (self.name.name(), &message.id);
        tracing::warn!(sink, id, status, hint = "see `venna usage export refused`", "message refused and set aside");
        Ok(true)
    }

    /// Tells the operator, now and then, that messages are not acknowledged, and when they have waited for long.
    async fn warn(&self, error: &DeliveryError, attempts: &mut Attempts) {
        let is_due = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL);
        let sink = self.name.name();
        if is_due(attempts.warned_at) {
            attempts.warned_at = Some(Instant::now());
            tracing::warn!(sink, error = %Causes(error), "delivery failed");
        } else {
            tracing::debug!(sink, error = %Causes(error), "delivery failed");
        }
        if !is_due(attempts.lag_warned_at) {
            return;
        }
        let Ok(status) = self.metadata.outbox_status(self.name).await else { return };
        let seconds = self.clock.now_seconds().saturating_sub(status.oldest_pending_at.unwrap_or(u64::MAX));
        if seconds > LAG_WARNING_SECONDS {
            attempts.lag_warned_at = Some(Instant::now());
            let pending = status.pending;
            tracing::warn!(sink, pending, seconds, error = %Causes(error), "delivery backlog");
        }
    }
}
