//! What time it is: the system's clock, or one that a test sets.
//!
//! Every deadline, id and timestamp of the product comes from here, so that a test can stand at the very second of an
//! expiry. Timeouts of connections do not: they run on the runtime's monotonic timer. The time since the boot of the machine,
//! which no one can set, tells whether the clock jumped.

use chrono::{DateTime, Utc};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of wall-clock time; clones of a set clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Set(Arc<SetClock>),
}

#[derive(Debug)]
struct SetClock {
    now_ms: AtomicU64,
    /// By how much it jumped, in milliseconds; no time passed meanwhile.
    jumped_ms: AtomicU64,
}

/// How long the machine has been running, with the time that it slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime {
    /// Tells one boot from all others.
    pub boot_id: &'static str,
    /// Milliseconds since that boot.
    pub since_boot_ms: u64,
}

/// The boot of a clock that a test has set.
const SET_BOOT: &str = "set";
/// Where Linux names its boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now_ms` (milliseconds since the Unix epoch) until it is moved.
    #[must_use]
    pub fn set_to(now_ms: u64) -> Self {
        Self(Source::Set(Arc::new(SetClock { now_ms: AtomicU64::new(now_ms), jumped_ms: AtomicU64::new(0) })))
    }

    /// Moves a set clock to `now_ms`, forwards or backwards; the system's clock stays as it is.
    pub fn set(&self, now_ms: u64) {
        if let Source::Set(set) = &self.0 {
            set.now_ms.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Lets a set clock jump to `now_ms`, later than it shows: no time passes on the machine. The system's clock stays as it is.
    pub fn jump(&self, now_ms: u64) {
        if let Source::Set(set) = &self.0 {
            let before_ms = set.now_ms.swap(now_ms, Ordering::SeqCst);
            set.jumped_ms.fetch_add(now_ms.saturating_sub(before_ms), Ordering::SeqCst);
        }
    }

    /// How long the machine has been running; that of a set clock moves with it, but for its jumps.
    #[must_use]
    pub fn uptime(&self) -> Uptime {
        match &self.0 {
            Source::System => {
                let since = clock_gettime(ClockId::Boottime);
                let (seconds, nanos) = (u64::try_from(since.tv_sec), u64::try_from(since.tv_nsec));
                let since_boot_ms = seconds.unwrap_or_default() * 1000 + nanos.unwrap_or_default() / 1_000_000;
                Uptime { boot_id: boot_id(), since_boot_ms }
            }
            Source::Set(set) => {
                let (now_ms, jumped_ms) = (set.now_ms.load(Ordering::SeqCst), set.jumped_ms.load(Ordering::SeqCst));
                Uptime { boot_id: SET_BOOT, since_boot_ms: now_ms.saturating_sub(jumped_ms) }
            }
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
            Source::Set(set) => set.now_ms.load(Ordering::SeqCst),
        }
    }

    /// What a test has set it to; none of the system's clock, beside which a store may have one of its own.
    #[must_use]
    pub fn set_ms(&self) -> Option<u64> {
        match &self.0 {
            Source::System => None,
            Source::Set(set) => Some(set.now_ms.load(Ordering::SeqCst)),
        }
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub fn now_seconds(&self) -> u64 {
        self.now_ms() / 1000
    }
}

/// The name of this boot. Where the system has none, all boots look like one, and the uptime that begins anew tells them apart
/// as a clock that jumped.
fn boot_id() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| fs::read_to_string(BOOT_ID).map(|name| name.trim().to_owned()).unwrap_or_default())
}

/// Formats a time in seconds since the Unix epoch as UTC, by a pattern of `strftime`. Times after the calendar's last are its
/// last.
#[must_use]
pub fn format_utc(unix_seconds: u64, pattern: &str) -> String {
    let time = i64::try_from(unix_seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.unwrap_or(DateTime::<Utc>::MAX_UTC).format(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(format_utc(1_796_128_496, "%Y-%m-%dT%H:%M:%SZ"), "2026-12-01T12:34:56Z");
        assert_eq!(format_utc(951_782_400, "%Y-%m-%d"), "2000-02-29");
        assert!(format_utc(u64::MAX, "%Y").starts_with('+'));
    }
}
