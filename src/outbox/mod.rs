//! Delivery: messages of the outbox are sent to their sink, in order, the same bytes each time, until they are acknowledged.
//!
//! A message counts as sent when the receiver has acknowledged it and that is noted; a crash in between sends it again, under the
//! same id. Between attempts that fail it waits, longer and longer. It writes no messages and looks into none. The wiring of
//! floor 5 runs one delivery for each sink that is configured, beside the requests, which never wait for it.

mod backoff;

use crate::causes::Causes;
use crate::clock::Clock;
use crate::metadata::{MetadataError, MetadataStore};
use crate::model::ids::ProcessId;
use crate::model::outbox::{Message, SinkName};
use crate::sinks::{Sink, SinkError};
use backoff::Backoff;
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
/// How often the operator is told.
const LAG_WARNING_INTERVAL: Duration = Duration::from_mins(15);

/// Sends the messages to one sink.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Rows.
    pub metadata: Arc<dyn MetadataStore>,
    /// What time it is.
    pub clock: Clock,
    /// Which messages.
    pub name: SinkName,
    /// Where they go.
    pub sink: Arc<dyn Sink>,
    /// Tells of new messages.
    pub written: Arc<Notify>,
    /// Who sends them: of several servers, one sends each.
    pub process: ProcessId,
}

/// Why a message is still there.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    /// It is not acknowledged.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// What became of it cannot be read or noted.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Delivery {
    /// Sends messages until `stop`. An attempt that panics counts as one that failed.
    pub async fn run(self, stop: CancellationToken) {
        let (mut backoff, mut warned_at) = (Backoff::default(), None::<Instant>);
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
                    backoff = Backoff::default();
                    continue;
                }
                Ok(Ok(None)) => LOOK_INTERVAL,
                Ok(Err(error)) => {
                    tracing::debug!(sink = self.name.name(), error = %Causes(&error), "a message was not acknowledged");
                    self.warn(&error, &mut warned_at).await;
                    backoff.next()
                }
                Err(error) => {
                    tracing::error!(sink = self.name.name(), %error, "a delivery panicked and will be repeated");
                    backoff.next()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.written.notified(), if backoff.is_fresh() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends the oldest message, once; none when nothing is to be sent. When it cannot be sent, another server may try.
    async fn send_next(&self) -> Result<Option<Message>, DeliveryError> {
        let Some(message) = self.metadata.next_message(self.name, self.process).await? else { return Ok(None) };
        if let Err(error) = self.sink.send(&message, self.clock.now_seconds()).await {
            self.metadata.release_message(message.seq, self.process).await?;
            return Err(error.into());
        }
        self.metadata.acknowledge_message(message.seq).await?;
        Ok(Some(message))
    }

    /// Tells the operator, now and then, when messages have waited for long.
    async fn warn(&self, error: &DeliveryError, warned_at: &mut Option<Instant>) {
        if warned_at.is_some_and(|at| at.elapsed() < LAG_WARNING_INTERVAL) {
            return;
        }
        let Ok(status) = self.metadata.outbox_status(self.name).await else { return };
        let seconds = self.clock.now_seconds().saturating_sub(status.oldest_pending_at.unwrap_or(u64::MAX));
        if seconds > LAG_WARNING_SECONDS {
            *warned_at = Some(Instant::now());
            let (sink, pending) = (self.name.name(), status.pending);
            tracing::warn!(sink, pending, seconds, error = %Causes(error), "messages wait for their acknowledgement");
        }
    }
}
