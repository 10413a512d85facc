//! The pace at which bytes are received that nobody reads, such as the rest of a refused upload.
//!
//! All connections share it. At full speed, clients that go on sending after their answer would keep the processors
//! busy that other requests need.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The bytes that the server discards in a second: 256 MiB.
const DISCARDED_BYTES_PER_SECOND: u64 = 256 << 20;
/// The time by which discarding may be ahead of the pace, so that a short rest of a body never waits.
const MAX_LEAD: Duration = Duration::from_millis(10);

/// The pace of the process.
pub static DISCARD_PACE: DiscardPace = DiscardPace::new();

/// A pace that all who discard bytes share.
#[derive(Debug)]
pub struct DiscardPace {
    /// The moment at which the bytes discarded so far are within the pace.
    caught_up: Mutex<Option<Instant>>,
}

impl DiscardPace {
    const fn new() -> Self {
        Self { caught_up: Mutex::new(None) }
    }

    /// Records discarded bytes. Returns the moment before which their connection discards no more, if it must wait.
    #[must_use]
    pub fn record(&self, bytes: usize) -> Option<Instant> {
        let now = Instant::now();
        let took = Duration::from_nanos(bytes as u64 * 1_000_000_000 / DISCARDED_BYTES_PER_SECOND);
        let mut caught_up = self.caught_up.lock().unwrap_or_else(PoisonError::into_inner);
        let next = caught_up.map_or(now, |at| at.max(now)) + took;
        *caught_up = Some(next);
        (next - now > MAX_LEAD).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep_until;

    #[tokio::test(start_paused = true)]
    async fn many_connections_together_keep_the_pace_of_one() {
        const READ_BYTES: usize = 16 << 10;
        static PACE: DiscardPace = DiscardPace::new();
        let begun = Instant::now();
        assert!(PACE.record(1 << 20).is_none(), "a short rest does not wait");
        let connections = (0..8).map(|_| {
            tokio::spawn(async {
                for _ in 0..1024 {
                    if let Some(next) = PACE.record(READ_BYTES) {
                        sleep_until(next).await;
                    }
                }
            })
        });
        for connection in connections.collect::<Vec<_>>() {
            connection.await.unwrap();
        }
        let took = begun.elapsed();
        // Timers fire up to a millisecond late.
        let bounds = Duration::from_millis(490)..Duration::from_millis(600);
        assert!(bounds.contains(&took), "128 MiB took {took:?}");
    }
}
