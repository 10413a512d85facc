//! Detects whether several owners are active.

use std::time::{Duration, Instant};

/// The time that an owner counts as active after a request.
const ACTIVE_TIME: Duration = Duration::from_secs(1);

/// The two owners that were active last.
#[derive(Debug)]
pub struct Activity<K> {
    newest: Option<(K, Instant)>,
    /// The last active owner other than the newest.
    other: Option<(K, Instant)>,
}

impl<K: Copy + Eq> Activity<K> {
    /// Returns an activity without owners.
    #[must_use]
    pub const fn new() -> Self {
        Self { newest: None, other: None }
    }

    /// Records a request of an owner.
    pub fn note(&mut self, owner: K, now: Instant) {
        if self.newest.is_some_and(|(newest, _)| newest != owner) {
            self.other = self.newest;
        }
        self.newest = Some((owner, now));
    }

    /// Returns whether no other owner is active.
    pub fn is_alone(&self, owner: K, now: Instant) -> bool {
        let is_another = |(asked, at): &(K, Instant)| *asked != owner && now.duration_since(*at) < ACTIVE_TIME;
        ![self.newest, self.other].iter().flatten().any(is_another)
    }
}

impl<K: Copy + Eq> Default for Activity<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_else_asked_within_a_second_is_there() {
        let (ada, bob, eve) = (1, 2, 3);
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut activity = Activity::new();
        assert!(activity.is_alone(ada, at(0)), "nobody asked");
        activity.note(ada, at(0));
        activity.note(ada, at(10));
        assert!(activity.is_alone(ada, at(20)) && !activity.is_alone(bob, at(20)));
        activity.note(bob, at(20));
        for _ in 0..3 {
            activity.note(ada, at(900));
        }
        assert!(!activity.is_alone(ada, at(1019)) && !activity.is_alone(bob, at(1019)));
        assert!(activity.is_alone(ada, at(1020)), "bob was there a second ago");
        assert!(!activity.is_alone(eve, at(1899)) && activity.is_alone(eve, at(1900)));
    }
}
