//! Probing: whether Files can be served at all.

use super::{Files, StoreError};
use crate::causes::Causes;
use crate::model::clock_jump::ClockJump;
use crate::model::outbox::{OutboxStatus, SinkName};
use crate::model::stamp::Lineage;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long a store may take to answer before it counts as down.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer holds: asking is a write, and must not become work.
const PROBE_LIFETIME: Duration = Duration::from_secs(2);

/// What is told of messages while the metadata store does not answer.
const NO_MESSAGES: [OutboxStatus; SinkName::ALL.len()] = [OutboxStatus::NOTHING; SinkName::ALL.len()];

/// How a store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It answers.
    Ready,
    /// It has no room left: reads, lists and deletes work.
    Full,
    /// It takes no changes, for which an operator or a failover is the cause: reads may work.
    ReadOnly,
    /// It does not answer.
    Unavailable,
}

/// How the stores stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The metadata store.
    pub metadata: StoreState,
    /// The blob store.
    pub blobs: StoreState,
    /// The relation of rows and bytes that do not belong together.
    pub apart: Option<Lineage>,
    /// The jump of the clock for which nothing expires, if there was one.
    pub held_expiry: Option<ClockJump>,
    /// How messages to each of [`SinkName::ALL`] stand.
    pub outbox: [OutboxStatus; SinkName::ALL.len()],
}

/// What was found last, and when.
#[derive(Debug, Default)]
pub struct LastProbe(Mutex<Option<(Instant, Readiness)>>);

impl Files {
    /// Asks both stores, unless they were asked a moment ago.
    pub async fn probe(&self) -> Readiness {
        let mut last = self.last_probe.0.lock().await;
        if let Some((_, readiness)) = last.filter(|(at, _)| at.elapsed() < PROBE_LIFETIME) {
            return readiness;
        }
        let metadata = timeout(PROBE_TIMEOUT, self.metadata.probe()).await;
        let blobs = timeout(PROBE_TIMEOUT, self.blobs.probe()).await;
        let held_expiry = timeout(PROBE_TIMEOUT, self.metadata.held_expiry()).await;
        let apart = timeout(PROBE_TIMEOUT, self.lineage()).await.unwrap_or_default();
        let blobs = match apart {
            Some(Lineage::Unstamped) => StoreState::Unavailable,
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

    /// Returns how messages to each sink stand, as far as that can be asked.
    async fn outbox(&self) -> [OutboxStatus; SinkName::ALL.len()] {
        let mut all = NO_MESSAGES;
        for (sink, status) in SinkName::ALL.into_iter().zip(&mut all) {
            let asked = timeout(PROBE_TIMEOUT, self.metadata.outbox_status(sink)).await;
            *status = asked.ok().and_then(Result::ok).unwrap_or_default();
        }
        all
    }

    /// Returns how rows and bytes stand to each other, when they do not belong together; none when a store does not answer.
    async fn lineage(&self) -> Option<Lineage> {
        // Rows are stamped first, so they are asked last.
        let (bytes, event) = (self.blobs.stamp().await.ok()?, self.blobs.last_event().await.ok()?);
        let stamps = Lineage::between(self.metadata.stamp().await.ok()?, bytes);
        let has_event = match event {
            Some(event) => self.metadata.has_event(&event).await.ok()?,
            None => true,
        };
        Some(stamps.with_event(has_event)).filter(|lineage| *lineage != Lineage::Together)
    }
}

fn state(store: &str, answer: Result<Result<(), StoreError>, tokio::time::error::Elapsed>) -> StoreState {
    let error: Box<dyn std::error::Error> = match answer {
        Ok(Ok(())) => return StoreState::Ready,
        Ok(Err(StoreError::OutOfSpace(_))) => return StoreState::Full,
        Ok(Err(error @ StoreError::ReadOnly(_))) => {
            tracing::warn!(store, error = %Causes(&error), "store is read-only");
            return StoreState::ReadOnly;
        }
        Ok(Err(error)) => Box::new(error),
        Err(elapsed) => Box::new(elapsed),
    };
    tracing::warn!(store, error = %Causes(&*error), "store probe failed");
    StoreState::Unavailable
}
