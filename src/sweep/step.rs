//! The steps of a pass, each bounded so that the changes of requests have the store in between.

use tokio::time::Instant;

/// The most rows that one step of a pass takes.
pub(super) const STEP_ROWS: u32 = 512;

/// A running step, which is followed by a rest.
pub(super) struct Step(Instant);

impl Step {
    /// Begins a step.
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Sleeps for as long as the step took, so that requests have the store for at least half of the time.
    pub(super) async fn rest(self) {
        tokio::time::sleep(self.0.elapsed()).await;
    }
}
