//! The detection of clients that flood an HTTP/2 connection with what is cheap to send and not cheap to process.
//!
//! Two measures cover it: requests that the client cancels (rapid reset, CVE-2023-44487), and received bytes that carry
//! neither a request nor its body, such as `PING`, `SETTINGS`, `WINDOW_UPDATE` and empty `DATA` frames. What breaks a
//! limit of the protocol, such as endless CONTINUATION frames, ends the connection in hyper.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// The maximum of received bytes of a request that its handler has not yet read.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// The number of requests of a connection that a client may cancel before their share counts.
const FREE_CANCELS: u64 = 100;
/// The bytes that count for a request besides the body that its handler has read: its head, and enough that a whole
/// window of its body may arrive before the handler reads.
const REQUEST_BYTES: u64 = 1024 + (STREAM_WINDOW_BYTES as u64).div_ceil(MAX_BYTES_PER_PAYLOAD_BYTE);
/// The received bytes of a connection for each byte of payload. A byte in a DATA frame and a TLS record of its own
/// takes 32.
const MAX_BYTES_PER_PAYLOAD_BYTE: u64 = 40;
/// The payload that a connection has in advance, in bytes.
const FREE_PAYLOAD_BYTES: u64 = 64 * 1024;

/// The counts of a connection.
#[derive(Debug, Default)]
pub struct Tally {
    received_bytes: AtomicU64,
    payload_bytes: AtomicU64,
    requests: AtomicU64,
    cancelled: AtomicU64,
    flood: CancellationToken,
}

impl Tally {
    /// Counts bytes that the connection received.
    pub fn received(&self, bytes: usize) {
        let received_bytes = add(&self.received_bytes, bytes as u64);
        let payload_bytes = self.payload_bytes.load(Ordering::Relaxed) + FREE_PAYLOAD_BYTES;
        if received_bytes / MAX_BYTES_PER_PAYLOAD_BYTE > payload_bytes {
            self.flood.cancel();
        }
    }

    /// Counts bytes of the body of a request or an answer.
    pub fn payload(&self, bytes: usize) {
        add(&self.payload_bytes, bytes as u64);
    }

    /// Counts a request.
    pub fn begin(self: &Arc<Self>) -> Exchange {
        add(&self.requests, 1);
        add(&self.payload_bytes, REQUEST_BYTES);
        Exchange { tally: Arc::clone(self), has_ended: false }
    }

    /// Returns whether the client has flooded the connection.
    pub fn is_flood(&self) -> bool {
        self.flood.is_cancelled()
    }

    /// Waits until the client has flooded the connection.
    pub async fn flooded(&self) {
        self.flood.cancelled().await;
    }

    fn cancel(&self) {
        let cancelled = add(&self.cancelled, 1);
        if cancelled > FREE_CANCELS && cancelled > self.requests.load(Ordering::Relaxed) / 2 {
            self.flood.cancel();
        }
    }
}

/// A request with its answer. It counts as cancelled if it is dropped before its end.
#[derive(Debug)]
pub struct Exchange {
    tally: Arc<Tally>,
    has_ended: bool,
}

impl Exchange {
    /// Counts bytes of the answer.
    pub fn answered(&self, bytes: usize) {
        self.tally.payload(bytes);
    }

    /// Records the end of the answer.
    pub const fn end(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.has_ended {
            self.tally.cancel();
        }
    }
}

/// Adds to a count and returns the sum.
fn add(count: &AtomicU64, more: u64) -> u64 {
    count.fetch_add(more, Ordering::Relaxed) + more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(tally: &Arc<Tally>, requests: u64) {
        for _ in 0..requests {
            tally.begin().end();
        }
    }

    #[test]
    fn a_client_may_cancel_a_hundred_requests_and_then_half_of_them() {
        let tally = Arc::<Tally>::default();
        for _ in 0..FREE_CANCELS {
            drop(tally.begin());
        }
        assert!(!tally.is_flood());
        answer(&tally, FREE_CANCELS + 2);
        drop(tally.begin());
        assert!(!tally.is_flood(), "one more than half of 203");
        drop(tally.begin());
        drop(tally.begin());
        drop(tally.begin());
        assert!(tally.is_flood());
    }

    #[test]
    fn bodies_that_no_handler_has_read_are_no_flood() {
        let tally = Arc::<Tally>::default();
        let requests: Vec<Exchange> = (0..100).map(|_| tally.begin()).collect();
        tally.received(requests.len() * (STREAM_WINDOW_BYTES as usize + 1024));
        assert!(!tally.is_flood());
    }

    #[test]
    fn frames_without_payload_are_a_flood_and_bodies_of_single_bytes_are_none() {
        let (pings, drops) = (Tally::default(), Tally::default());
        for _ in 0..1_000_000 {
            pings.received(17);
            drops.received(32);
            drops.payload(1);
        }
        assert!(pings.is_flood() && !drops.is_flood());
    }
}
