//! How long to wait after attempts that failed: a random time up to a bound that doubles (full jitter), so that receivers that
//! come back are not asked by everybody at once.

use crate::random;
use std::time::Duration;

/// The bound after the first attempt that failed.
const MIN_BOUND: Duration = Duration::from_millis(500);
/// The bound never grows beyond this.
const MAX_BOUND: Duration = Duration::from_mins(5);

/// Counts attempts that failed, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Whether the last attempt did not fail.
    pub(super) const fn is_fresh(self) -> bool {
        self.failures == 0
    }

    /// One more has failed; how long to wait before the next.
    pub(super) fn next(&mut self) -> Duration {
        let bound = MIN_BOUND.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(MAX_BOUND);
        self.failures = self.failures.saturating_add(1);
        random::pause(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_maximum_and_is_drawn_from_whole() {
        let longest = |failures: u32| {
            let waits = (0..2000).map(|_| {
                let mut backoff = Backoff { failures };
                backoff.next()
            });
            let waits: Vec<Duration> = waits.collect();
            let longest = *waits.iter().max().unwrap();
            assert!(*waits.iter().min().unwrap() < longest / 20, "also short ones");
            longest
        };
        for (failures, bound) in
            [(0, MIN_BOUND), (3, MIN_BOUND * 8), (9, MIN_BOUND * 512), (10, MAX_BOUND), (4000, MAX_BOUND)]
        {
            let longest = longest(failures);
            assert!(longest <= bound && longest > bound * 9 / 10, "{failures}: {longest:?} of {bound:?}");
        }
    }
}
