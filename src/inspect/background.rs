//! The server's own scrub: every byte is read once in a while, slowly, so that damage is found while there are copies.

use super::{InspectError, Inspector, Pace, Subset};
use crate::causes::Causes;
use crate::clock::Clock;
use crate::model::scrub::ScrubProgress;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is asked whether the next pass is due, and how long it is waited after a failure.
const PERIOD: Duration = Duration::from_mins(1);

/// When and how fast the server scrubs.
#[derive(Clone, Copy, Debug)]
pub struct BackgroundScrub {
    /// From the beginning of a pass to that of the next.
    pub interval: Duration,
    /// How fast blobs are read at most.
    pub bytes_per_second: u64,
}

impl BackgroundScrub {
    /// Scrubs until `stop`. A pass that was cut off, by a restart too, goes on where it stopped.
    pub async fn run(self, inspector: &Inspector, clock: &Clock, stop: CancellationToken) {
        let passes = async {
            loop {
                if let Err(error) = self.pass_when_due(inspector, clock).await {
                    tracing::warn!(error = %Causes(&error), "a scrub was interrupted and will go on");
                }
                tokio::time::sleep(PERIOD.min(self.interval)).await;
            }
        };
        stop.run_until_cancelled(passes).await;
    }

    async fn pass_when_due(self, inspector: &Inspector, clock: &Clock) -> Result<(), InspectError> {
        let now_seconds = clock.now_seconds();
        let fresh = ScrubProgress { begun_at: now_seconds, ..ScrubProgress::default() };
        let mut progress = match inspector.metadata.scrub_progress().await? {
            None => fresh,
            Some(progress) if progress.ended_at.is_none() => progress,
            Some(progress) if now_seconds >= progress.begun_at.saturating_add(self.interval.as_secs()) => fresh,
            Some(_) => return Ok(()),
        };
        let mut pace = Pace::new(Some(self.bytes_per_second));
        let mut report = |finding| tracing::error!(%finding, "the scrub found damage");
        while inspector.scrub_step(&mut progress, Subset::ALL, &mut pace, &mut report).await? {
            inspector.metadata.save_scrub_progress(progress).await?;
        }
        progress.ended_at = Some(clock.now_seconds());
        inspector.metadata.save_scrub_progress(progress).await?;
        let ScrubProgress { blobs, bytes, damaged, .. } = progress;
        tracing::info!(blobs, bytes, damaged, "scrubbed");
        Ok(())
    }
}
