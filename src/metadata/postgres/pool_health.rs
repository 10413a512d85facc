//! Which connections at rest can be used after another one did not answer.
//!
//! A connection that is lost without a word (a firewall forgot it, a machine was switched off) is silent for as long as a
//! request may take. After a late answer each connection at rest has to answer a short question before it is used again. The
//! first one that does not takes the others with it that have not answered since.

use deadpool_postgres::{Hook, HookError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a connection at rest may take to answer the question.
const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// What late answers say about the connections at rest.
#[derive(Clone, Debug, Default)]
pub(super) struct PoolHealth(Arc<Mutex<Known>>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Connections that were used last before this have to answer a question.
    suspect_before: Option<Instant>,
    /// Connections that were used last before this are closed.
    silent_before: Option<Instant>,
}

impl PoolHealth {
    /// Notes that a connection did not answer in time, or was lost.
    pub(super) fn suspect(&self) {
        self.change(|known| known.suspect_before = Some(Instant::now()));
    }

    /// Returns the check of a connection that is about to be used again.
    pub(super) fn check(&self) -> Hook {
        let health = self.clone();
        Hook::async_fn(move |client, metrics| {
            let health = health.clone();
            let last_used = metrics.recycled.unwrap_or(metrics.created);
            Box::pin(async move {
                let known = health.change(|known| *known);
                if known.silent_before.is_some_and(|silent| last_used < silent) {
                    return Err(HookError::message("others of its age did not answer"));
                }
                let Some(suspect) = known.suspect_before.filter(|suspect| last_used < *suspect) else { return Ok(()) };
                match timeout(PING_TIMEOUT, client.simple_query("")).await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(_)) => Err(HookError::message("it is closed")),
                    Err(_) => {
                        health.change(|known| known.silent_before = Some(suspect));
                        Err(HookError::message("it did not answer"))
                    }
                }
            })
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
