//! Which connections at rest can be used after another one did not answer.
//!
//! A connection that is lost without a word (a firewall forgot it, a machine was switched off) is silent for as long as a
//! request may take. After a late answer each connection at rest has to answer a short question before it is used again. The
//! first one that does not takes the others with it that have not answered since.
//!
//! A server that takes no writes any more (the primary is another one now, or an operator keeps writers away) says so on one
//! connection first. The others lead to it as well and are closed, so that new ones find the primary.

use deadpool_postgres::{Hook, HookError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a connection at rest may take to answer the question.
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// How long connections live at least on a server that takes no writes, so that writes do not keep reads from connections
/// while there is no primary.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

/// What late answers say about the connections at rest.
#[derive(Clone, Debug, Default)]
pub(super) struct PoolHealth(Arc<Mutex<Known>>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Connections that were used last before this have to answer a question.
    suspect_before: Option<Instant>,
    /// Connections that were used last before this are closed.
    silent_before: Option<Instant>,
    /// When all connections were closed that were made by then.
    ended_at: Option<Instant>,
}

impl PoolHealth {
    /// Notes that a connection did not answer in time, or was lost.
    pub(super) fn suspect(&self) {
        self.change(|known| known.suspect_before = Some(Instant::now()));
    }

    /// Closes every connection that was made by now, since one of them took no write in an attempt that began at `begun`.
    /// Returns whether another attempt gets a newer connection than that; not when all have been closed a moment ago.
    pub(super) fn end_sessions(&self, begun: Instant) -> bool {
        self.change(|known| match known.ended_at {
            Some(ended) if ended > begun => true,
            Some(ended) if ended.elapsed() < SHORTEST_LIFE => false,
            _ => {
                tracing::warn!("database is read-only, connections closed");
                known.ended_at = Some(Instant::now());
                true
            }
        })
    }

    /// Returns the check of a connection that is about to be used again.
    pub(super) fn check(&self) -> Hook {
        let health = self.clone();
        Hook::async_fn(move |client, metrics| {
            let health = health.clone();
            let (made, last_used) = (metrics.created, metrics.recycled.unwrap_or(metrics.created));
            Box::pin(async move {
                let known = health.change(|known| *known);
                if known.ended_at.is_some_and(|ended| made < ended) {
                    return Err(HookError::message("its server took no writes"));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_once_for_all_who_met_a_server_that_takes_no_writes() {
        let (health, begun) = (PoolHealth::default(), Instant::now());
        assert!(health.end_sessions(begun), "the first closes all");
        assert!(health.end_sessions(begun), "another one had an old connection, too");
        assert!(!health.end_sessions(Instant::now()), "new ones are no better: there is no primary yet");
        health.change(|known| known.ended_at = Instant::now().checked_sub(SHORTEST_LIFE));
        assert!(health.end_sessions(Instant::now()), "it is tried again");
    }
}
