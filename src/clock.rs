//! The clock: the system's, or one that a test sets.
//!
//! Every deadline, id and timestamp comes from here, so that a test can stand at the second of an expiry. Connection
//! timeouts do not: they run on the runtime's monotonic timer. The time since boot, which cannot be set, reveals jumps
//! of the clock.

use chrono::{DateTime, Utc};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of wall-clock time. Clones of a set clock move together.
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
    /// The sum of its jumps, in milliseconds. They do not add to the uptime.
    jumped_ms: AtomicU64,
}

/// The time since boot, suspension included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime {
    /// The id of the boot.
    pub boot_id: &'static str,
    /// The time since that boot, in milliseconds.
    pub since_boot_ms: u64,
}

/// The boot id of a set clock.
const SET_BOOT: &str = "set";
/// The file with the boot id of Linux.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl Clock {
    /// Returns the system clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that stands at `now_ms` (milliseconds since the Unix epoch) until it is moved.
    #[must_use]
    pub fn set_to(now_ms: u64) -> Self {
        Self(Source::Set(Arc::new(SetClock { now_ms: AtomicU64::new(now_ms), jumped_ms: AtomicU64::new(0) })))
    }

    /// Moves a set clock forwards or backwards to `now_ms`. Does nothing to the system clock.
    pub fn set(&self, now_ms: u64) {
        if let Source::Set(set) = &self.0 {
            set.now_ms.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Moves a set clock forwards to `now_ms` while its uptime stands. Does nothing to the system clock.
    pub fn jump(&self, now_ms: u64) {
        if let Source::Set(set) = &self.0 {
            let before_ms = set.now_ms.swap(now_ms, Ordering::SeqCst);
            set.jumped_ms.fetch_add(now_ms.saturating_sub(before_ms), Ordering::SeqCst);
        }
    }

    /// Returns the time since boot. That of a set clock moves with it, except for jumps.
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

    /// Returns the milliseconds since the Unix epoch; 0 for a system clock before it.
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

    /// Returns the time of a set clock in milliseconds; none for the system clock, where a database may use its own.
    #[must_use]
    pub fn set_ms(&self) -> Option<u64> {
        match &self.0 {
            Source::System => None,
            Source::Set(set) => Some(set.now_ms.load(Ordering::SeqCst)),
        }
    }

    /// Returns the whole seconds since the Unix epoch.
    #[must_use]
    pub fn now_seconds(&self) -> u64 {
        self.now_ms() / 1000
    }
}

/// Returns the id of this boot; empty where the system has none. Then a new boot looks like a jump, since the uptime
/// begins anew.
fn boot_id() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| fs::read_to_string(BOOT_ID).map(|name| name.trim().to_owned()).unwrap_or_default())
}

/// Formats Unix seconds as UTC, by a pattern of `strftime`. Times after the calendar's end are its last.
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
