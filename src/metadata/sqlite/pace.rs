//! The length of the batches of the writer.

use crate::model::ids::WorkspaceId;
use crate::shares::activity::Activity;
use std::time::{Duration, Instant};

/// The least time for which a batch takes writes while several workspaces write.
const MIN_SHARED_WORK: Duration = Duration::from_micros(500);
/// A batch takes writes for the time of a small commit divided by this: a slow disk gets larger batches.
const SMALL_COMMIT_DIVISOR: u32 = 2;
/// The time of a small commit is the shortest one seen. Each commit raises it by itself divided by this.
const GROWTH_DIVISOR: u32 = 32;

/// The workspace that a write is for. None for writes of the server itself and of administrators.
pub(super) type Owner = Option<WorkspaceId>;

/// Decides how long batches are.
pub(super) struct Pace {
    writing: Activity<WorkspaceId>,
    /// The time of a commit that has little to write.
    small_commit: Duration,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { writing: Activity::new(), small_commit: Duration::ZERO }
    }

    /// Records a write of `owner`. Returns whether another workspace writes, too.
    pub(super) fn record(&mut self, owner: Owner, now: Instant) -> bool {
        let Some(owner) = owner else { return false };
        self.writing.note(owner, now);
        !self.writing.is_alone(owner, now)
    }

    pub(super) fn record_commit(&mut self, took: Duration) {
        let raised = self.small_commit + self.small_commit / GROWTH_DIVISOR;
        self.small_commit = if self.small_commit.is_zero() { took } else { took.min(raised) };
    }

    /// Returns whether a batch that has worked for this time is to be committed while other workspaces write.
    pub(super) fn is_long(&self, worked: Duration) -> bool {
        worked >= MIN_SHARED_WORK.max(self.small_commit / SMALL_COMMIT_DIVISOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_transactions_are_short_but_on_a_slow_disk() {
        let ms = Duration::from_millis;
        let mut pace = Pace::new();
        assert!(!pace.is_long(ms(0)) && pace.is_long(ms(1)));
        pace.record_commit(ms(10));
        pace.record_commit(ms(64));
        assert!(!pace.is_long(ms(5)) && pace.is_long(ms(6)), "a long commit has much to write");
        (0..200).for_each(|_| pace.record_commit(ms(64)));
        assert!(!pace.is_long(ms(31)) && pace.is_long(ms(32)), "the disk is slower now");
        pace.record_commit(ms(1));
        assert!(pace.is_long(ms(1)));
    }

    #[test]
    fn the_servers_own_changes_share_with_nobody() {
        let now = Instant::now();
        let [ada, bob] = [1, 2].map(|number| Some(WorkspaceId::next(None, 1, [number; 11])));
        let mut pace = Pace::new();
        assert!(!pace.record(ada, now) && !pace.record(None, now) && !pace.record(ada, now));
        assert!(pace.record(bob, now) && pace.record(ada, now) && !pace.record(None, now));
        assert!(!pace.record(ada, now + Duration::from_secs(2)));
    }
}
