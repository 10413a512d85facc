//! Probes whether Files can be served.

use super::{Files, StoreError};
use crate::error_chain::ErrorChain;
use crate::model::clock_jump::ClockJump;
use crate::model::outbox::{OutboxStatus, SinkName};
use crate::model::stamp::StorePairing;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The time after which a store counts as down.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// The time that a result is reused: a probe writes, and must not become load.
const PROBE_LIFETIME: Duration = Duration::from_secs(2);

/// The state of messages while the metadata store does not answer.
const NO_MESSAGES: [OutboxStatus; SinkName::ALL.len()] = [OutboxStatus::NOTHING; SinkName::ALL.len()];

/// The state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// Working.
    Ready,
    /// Full: reads, lists and deletes work.
    Full,
    /// Read-only because of an operator or a failover: reads may work.
    ReadOnly,
    /// Not answering.
    Unavailable,
}

/// The state of both stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The metadata store.
    pub metadata: StoreState,
    /// The blob store.
    pub blobs: StoreState,
    /// The relation of metadata and blobs that do not belong together.
    pub apart: Option<StorePairing>,
    /// The clock jump that holds expiry.
    pub held_expiry: Option<ClockJump>,
    /// The state of the messages to each of [`SinkName::ALL`].
    pub outbox: [OutboxStatus; SinkName::ALL.len()],
}

/// The last result, and its time.
#[derive(Debug, Default)]
pub struct LastProbe(Mutex<Option<(Instant, Readiness)>>);

impl Files {
    /// Probes both stores, unless the last result is recent.
    pub async fn probe(&self) -> Readiness {
        let mut last = self.last_probe.0.lock().await;
        if let Some((_, readiness)) = last.filter(|(at, _)| at.elapsed() < PROBE_LIFETIME) {
            return readiness;
        }
        let metadata = timeout(PROBE_TIMEOUT, self.metadata.probe()).await;
        let blobs = timeout(PROBE_TIMEOUT, self.blobs.probe()).await;
        let held_expiry = timeout(PROBE_TIMEOUT, self.metadata.held_expiry()).await;
        let apart = timeout(PROBE_TIMEOUT, self.pairing()).await.unwrap_or_default();
        let blobs = match apart {
            Some(StorePairing::Unstamped) => StoreState::Unavailable,
            _ => state("blobs", blobs.map(|answer| answer.map_err(StoreError::from))),
        };
        let metadata = state("metadata", metadata.map(|answer| answer.map_err(StoreError::from)));
        let readiness = Readiness {
            apart,
            outbox: if metadata == StoreState::Ready { self.outbox().await } else { NO_MESSAGES },
            held_expiry: held_expiry.ok().and_then(Result::ok).flatten(),
            metadata,
            blobs,
        };
        *last = Some((Instant::now(), readiness));
        readiness
    }

    /// Returns the state of messages to each sink, as far as it can be read.
    async fn outbox(&self) -> [OutboxStatus; SinkName::ALL.len()] {
        let mut all = NO_MESSAGES;
        for (sink, status) in SinkName::ALL.into_iter().zip(&mut all) {
            let asked = timeout(PROBE_TIMEOUT, self.metadata.outbox_status(sink)).await;
            *status = asked.ok().and_then(Result::ok).unwrap_or_default();
        }
        all
    }

    /// Returns the relation of metadata and blobs that do not belong together; none when a store does not answer.
    async fn pairing(&self) -> Option<StorePairing> {
        // Rows are stamped first, so they are read last.
        let (bytes, event) = (self.blobs.stamp().await.ok()?, self.blobs.last_event().await.ok()?);
        let stamps = StorePairing::between(self.metadata.stamp().await.ok()?, bytes);
        let has_event = match event {
            Some(event) => self.metadata.has_event(&event).await.ok()?,
            None => true,
        };
        Some(stamps.with_event(has_event)).filter(|pairing| *pairing != StorePairing::Paired)
    }
}

fn state(store: &str, answer: Result<Result<(), StoreError>, tokio::time::error::Elapsed>) -> StoreState {
    let error: Box<dyn std::error::Error> = match answer {
        Ok(Ok(())) => return StoreState::Ready,
        Ok(Err(StoreError::OutOfSpace(_))) => return StoreState::Full,
        Ok(Err(error @ StoreError::ReadOnly(_))) => {
            tracing::warn!(store, error = %ErrorChain(&error), "store is read-only");
            return StoreState::ReadOnly;
        }
        Ok(Err(error)) => Box::new(error),
        Err(elapsed) => Box::new(elapsed),
    };
    tracing::warn!(store, error = %ErrorChain(&*error), "store probe failed");
    StoreState::Unavailable
}
