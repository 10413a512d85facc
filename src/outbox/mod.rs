//! The delivery of outbox messages: sent to their sink in order, unchanged, until they are acknowledged. A message that
//! is refused repeatedly for its content is set aside, and a message that is too large is sent in halves.
//!
//! A message counts as delivered once its acknowledgement is stored. After a crash in between it is sent again, under
//! the same id. It writes no messages and interprets none. `app` runs one delivery for each configured sink.

mod refusal;

use crate::clock::Clock;
use crate::error_chain::ErrorChain;
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

/// The interval of looks for messages without a notification.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The age of a message at which the operator is warned, in seconds.
const LAG_WARNING_SECONDS: u64 = 900;
/// The interval of repeated warnings.
const WARNING_INTERVAL: Duration = Duration::from_mins(15);
/// The longest pause after the first attempt that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause of all.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// The longest delay that a receiver may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

trait_set! {
    /// The messages that are delivered, and those that are refused.
    pub trait DeliveryMetadata: OutboxStore + RefusedMessageStore;
}

/// The delivery to one sink.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The metadata store.
    pub metadata: Arc<dyn DeliveryMetadata>,
    /// The clock.
    pub clock: Clock,
    /// The sink's name.
    pub name: SinkName,
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Splits a message into smaller ones with the same content, where possible.
    pub halve: fn(&Message) -> Option<Vec<NewMessage>>,
    /// Notifies of new messages.
    pub written: Arc<Notify>,
    /// The process id of this server: each message is sent by one of several servers.
    pub process: ProcessId,
}

/// The reason why a message was not delivered.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    /// The message was not acknowledged.
    #[error("message {} is not acknowledged", .0.id)]
    Sink(Message, #[source] SinkError),
    /// The outbox could not be read or written.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The failed attempts since the last acknowledged message, and the warnings about them.
#[derive(Debug)]
struct AttemptLog {
    backoff: Backoff,
    refusals: Refusals,
    /// The time of the last warning about failed attempts.
    warned_at: Option<Instant>,
    /// The time of the last warning about old messages.
    lag_warned_at: Option<Instant>,
}

impl AttemptLog {
    fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        Self { backoff, refusals: Refusals::default(), warned_at: None, lag_warned_at: None }
    }
}

impl Delivery {
    /// Sends messages until `stop`. A panic counts as a failed attempt.
    pub async fn run(self, stop: CancellationToken) {
        let mut attempts = AttemptLog::new();
        loop {
            let delivery = self.clone();
            let attempt = tokio::spawn(async move { delivery.send_next().await });
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
                Ok(Err(error)) => match self.handle_failure(&error, &mut attempts).await {
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

    /// Sends the oldest message once; returns none when there is none. After a failure another server may try, unless
    /// the receiver asked for a delay.
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

    /// Handles a failed delivery. Returns the delay before the next attempt; none to go on at once.
    async fn handle_failure(&self, error: &DeliveryError, attempts: &mut AttemptLog) -> Option<Duration> {
        let verdict = match error {
            DeliveryError::Sink(message, error) => attempts.refusals.refused(message.seq, error),
            DeliveryError::Metadata(_) => Verdict::Retry,
        };
        let done = match (verdict, error) {
            (Verdict::Retry, _) | (_, DeliveryError::Metadata(_)) => Ok(false),
            (Verdict::SetAside(status), DeliveryError::Sink(message, _)) => self.set_aside(message, status).await,
            (Verdict::Halve(status), DeliveryError::Sink(message, _)) => match (self.halve)(message) {
                Some(halves) => self.metadata.replace_message(message.seq, halves).await.map(|_| {
                    let (sink, id) = (self.name.name(), &message.id);
                    tracing::warn!(sink, id, status, "message split");
                    true
                }),
                None => match attempts.refusals.refused_unsplittable(status) {
                    Verdict::SetAside(status) => self.set_aside(message, status).await,
                    Verdict::Retry | Verdict::Halve(_) => Ok(false),
                },
            },
        };
        match done {
            Ok(true) => {
                attempts.backoff.reset();
                return None;
            }
            Ok(false) => {}
            Err(failed) => tracing::warn!(error = %ErrorChain(&failed), "set-aside failed"),
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

    /// Warns the operator about failed attempts and old messages, at intervals.
    async fn warn(&self, error: &DeliveryError, attempts: &mut AttemptLog) {
        let is_due = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL);
        let sink = self.name.name();
        if is_due(attempts.warned_at) {
            attempts.warned_at = Some(Instant::now());
            tracing::warn!(sink, error = %ErrorChain(error), "delivery failed");
        } else {
            tracing::debug!(sink, error = %ErrorChain(error), "delivery failed");
        }
        if !is_due(attempts.lag_warned_at) {
            return;
        }
        let Ok(status) = self.metadata.outbox_status(self.name).await else { return };
        let seconds = self.clock.now_seconds().saturating_sub(status.oldest_pending_at.unwrap_or(u64::MAX));
        if seconds > LAG_WARNING_SECONDS {
            attempts.lag_warned_at = Some(Instant::now());
            let pending = status.pending;
            tracing::warn!(sink, pending, seconds, error = %ErrorChain(error), "delivery backlog");
        }
    }
}
