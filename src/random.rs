//! Random bytes of the operating system: the unguessable part of every id and key, and the jitter of backoffs.

use std::cell::RefCell;
use std::time::Duration;

/// The bytes that a thread reads from the kernel at once.
const BUFFER_BYTES: usize = 512;

thread_local! {
    static BUFFER: RefCell<RandomBuffer> = const { RefCell::new(RandomBuffer { bytes: [0; BUFFER_BYTES], used: BUFFER_BYTES }) };
}

/// Random bytes, each handed out once.
struct RandomBuffer {
    bytes: [u8; BUFFER_BYTES],
    used: usize,
}

impl RandomBuffer {
    #[expect(clippy::expect_used, reason = "without the kernel's generator no id or key may be issued")]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= BUFFER_BYTES) };
        if let Some(bytes) = self.bytes.get_mut(self.used..).and_then(|left| left.first_chunk_mut::<N>()) {
            self.used += N;
            return std::mem::replace(bytes, [0; N]);
        }
        getrandom::fill(&mut self.bytes).expect("the kernel's random generator answers");
        self.used = 0;
        self.take()
    }
}

/// Returns `N` random bytes, at most 512.
///
/// # Panics
/// When the kernel's generator fails, which it cannot once the system has started. No id or key may be issued then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    BUFFER.with_borrow_mut(RandomBuffer::take)
}

/// Returns a uniformly random number below `bound`, which must not be 0. Rejection sampling avoids a bias.
#[must_use]
pub fn below(bound: u8) -> u8 {
    let even = u8::MAX - u8::MAX % bound;
    loop {
        let [byte] = bytes::<1>();
        if byte < even {
            return byte % bound;
        }
    }
}

/// Returns a random duration up to `longest` (full jitter), so that clients that failed together do not retry together.
#[must_use]
pub fn jitter(longest: Duration) -> Duration {
    longest.mul_f64(f64::from(u32::from_le_bytes(bytes())) / f64::from(u32::MAX))
}

/// An exponential backoff with full jitter: each pause is a random part of a bound that doubles up to a maximum. The
/// only backoff of the server; `docs/decisions/0019-backoff.md` says why it is not a library's.
#[derive(Clone, Debug)]
pub struct Backoff {
    failures: u32,
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Creates a backoff whose pauses are bounded by `first`, then by twice as much each time, and at last by
    /// `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { failures: 0, first, longest }
    }

    /// Returns whether no attempt has failed since the last reset.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// Begins again with the first bound.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failed attempt and returns the pause before the next.
    pub fn next_pause(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        jitter(self.first.saturating_mul(factor).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn pauses_are_spread_over_the_whole_time() {
        let longest = Duration::from_secs(10);
        let pauses: Vec<Duration> = (0..2000).map(|_| jitter(longest)).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest));
        assert!(
            pauses.iter().any(|pause| *pause < longest / 50) && pauses.iter().any(|pause| *pause > longest * 49 / 50)
        );
    }

    #[test]
    fn the_bound_doubles_up_to_the_maximum_and_is_drawn_from_whole() {
        const FIRST: Duration = Duration::from_millis(500);
        const LONGEST: Duration = Duration::from_mins(5);
        for (failures, bound) in [(0, FIRST), (3, FIRST * 8), (9, FIRST * 512), (10, LONGEST), (4000, LONGEST)] {
            let begun = Backoff { failures, ..Backoff::new(FIRST, LONGEST) };
            let pauses: Vec<Duration> = (0..2000).map(|_| begun.clone().next_pause()).collect();
            let (shortest, longest) = (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap());
            assert!(shortest < longest / 20, "also short ones");
            assert!(longest <= bound && longest > bound * 9 / 10, "{failures}: {longest:?} of {bound:?}");
        }
    }

    #[test]
    fn nothing_is_handed_out_twice() {
        let ids: HashSet<[u8; 16]> = (0..10_000).map(|_| bytes()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(!ids.contains(&[0; 16]));
        assert_ne!(bytes::<BUFFER_BYTES>()[BUFFER_BYTES - 8..], [0; 8]);
    }
}
