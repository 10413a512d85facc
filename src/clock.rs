//! What time it is: the system's clock, or one that a test sets.
//!
//! Every deadline, id and timestamp of the product comes from here, so that a test can stand at the very second of an
//! expiry. Timeouts of connections do not: they run on the runtime's monotonic timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of wall-clock time; clones of a set clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Set(Arc<AtomicU64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now_ms` (milliseconds since the Unix epoch) until it is moved.
    #[must_use]
    pub fn set_to(now_ms: u64) -> Self {
        Self(Source::Set(Arc::new(AtomicU64::new(now_ms))))
    }

    /// Moves a set clock to `now_ms`, forwards or backwards; the system's clock stays as it is.
    pub fn set(&self, now_ms: u64) {
        if let Source::Set(at_ms) = &self.0 {
            at_ms.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Milliseconds since the Unix epoch; 0 for a system clock that stands before it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            Source::Set(at_ms) => at_ms.load(Ordering::SeqCst),
        }
    }

    /// What a test has set it to; none of the system's clock, beside which a store may have one of its own.
    #[must_use]
    pub fn set_ms(&self) -> Option<u64> {
        match &self.0 {
            Source::System => None,
            Source::Set(at_ms) => Some(at_ms.load(Ordering::SeqCst)),
        }
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub fn now_seconds(&self) -> u64 {
        self.now_ms() / 1000
    }
}
