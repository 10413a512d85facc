//! Health of the idle connections after a connection did not answer.
//!
//! A connection that is lost without notice (at a firewall, or on a machine that lost power) stays silent until the
//! request deadline. After a late answer each idle connection is pinged before its next use. The first one that does
//! not answer closes all others that have not been used since.
//!
//! A server that becomes read-only (another one is the primary now, or an operator stopped writers) says so on one
//! connection first. All connections to it are closed, so that new ones find the primary.

use deadpool_postgres::{Hook, HookError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The timeout of the ping.
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// The shortest life of connections to a read-only server, so that writes do not take the connections of reads while
/// there is no primary.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

/// The state of the idle connections.
#[derive(Clone, Debug, Default)]
pub(super) struct PoolHealth(Arc<Mutex<Known>>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Connections that were last used before this are pinged.
    suspect_before: Option<Instant>,
    /// Connections that were last used before this are closed.
    silent_before: Option<Instant>,
    /// When all existing connections were closed.
    ended_at: Option<Instant>,
}

impl PoolHealth {
    /// Records that a connection did not answer in time, or was lost.
    pub(super) fn suspect(&self) {
        self.change(|known| known.suspect_before = Some(Instant::now()));
    }

    /// Closes every existing connection, since one of them refused a write in an attempt that began at `begun`. Returns
    /// whether another attempt gets a newer connection; false when all were closed a moment ago.
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

    /// Returns the check of a connection before it is used again.
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
