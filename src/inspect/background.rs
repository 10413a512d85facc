//! The background scrub: it reads every byte once per interval, so that damage is found while copies exist.
//!
//! The rate follows from the remaining bytes and time. It is recomputed every hour, so that a pass keeps up with growth
//! and makes up for a restart.

use super::{InspectError, Inspector, ReadPacer, Report, Subset};
use crate::clock::Clock;
use crate::error_chain::ErrorChain;
use crate::metrics::{METRICS, gauge};
use crate::model::finding::Finding;
use crate::model::ids::ProcessId;
use crate::model::scrub::ScrubProgress;
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The interval of looks for a due pass, and the wait after a failure.
const PERIOD: Duration = Duration::from_mins(1);
/// The interval in which the rate is recomputed.
const RATE_PERIOD: Duration = Duration::from_hours(1);
/// The lowest rate, so that a small installation is read in hours, not weeks: 4 MiB per second.
const MIN_BYTES_PER_SECOND: u64 = 4 << 20;
/// The share of the interval that a pass is planned for, in hundredths. The rest makes up for restarts and a busy disk.
const PLANNED_HUNDREDTHS: u64 = 90;
const MIB: u64 = 1 << 20;

/// The schedule and rate of the background scrub.
#[derive(Clone, Debug)]
pub struct BackgroundScrub {
    /// The time between the starts of two passes.
    pub interval: Duration,
    /// The highest rate, in bytes per second, which a reload may change.
    pub max_bytes_per_second: watch::Receiver<u64>,
    /// The process id of this server: one of several servers scrubs.
    pub process: ProcessId,
}

/// Logs findings.
struct LoggedFindings;

#[async_trait]
impl Report for LoggedFindings {
    async fn take(&mut self, finding: Finding) {
        tracing::error!(%finding, "scrub found damage");
    }
}

/// The rate of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    /// The chosen rate, in bytes per second.
    bytes_per_second: u64,
    /// The rate that would just end the pass within its interval, in bytes per second.
    needed_bytes_per_second: u64,
}

/// The rate of the running pass, and the time of its computation.
#[derive(Debug, Default)]
struct Plan {
    computed_at: Option<Instant>,
    /// The highest rate at that time.
    max_bytes_per_second: u64,
    /// The operator was told that the pass exceeds the interval.
    is_late: bool,
}

impl BackgroundScrub {
    /// Scrubs until `stop`. An interrupted pass continues, also after a restart.
    pub async fn run(self, inspector: &Inspector, clock: &Clock, stop: CancellationToken) {
        let passes = async {
            loop {
                if let Err(error) = self.pass_when_due(inspector, clock).await {
                    tracing::warn!(error = %ErrorChain(&error), "scrub interrupted");
                }
                tokio::time::sleep(PERIOD.min(self.interval)).await;
            }
        };
        stop.run_until_cancelled(passes).await;
    }

    async fn pass_when_due(&self, inspector: &Inspector, clock: &Clock) -> Result<(), InspectError> {
        if !inspector.metadata.claim_scrub(self.process).await? {
            return Ok(());
        }
        let now_seconds = clock.now_seconds();
        let fresh = ScrubProgress { begun_at: now_seconds, ..ScrubProgress::default() };
        let mut progress = match inspector.metadata.scrub_progress().await? {
            None => fresh,
            Some(progress) if progress.ended_at.is_none() => progress,
            Some(progress) if now_seconds >= progress.begun_at.saturating_add(self.interval.as_secs()) => fresh,
            Some(_) => return Ok(()),
        };
        let (mut plan, mut pace) = (Plan::default(), ReadPacer::new(None));
        loop {
            self.keep_rate(inspector, clock, &progress, &mut plan, &mut pace).await?;
            if !inspector.scrub_step(&mut progress, Subset::ALL, &mut pace, &mut LoggedFindings).await? {
                break;
            }
            // Another server continues the pass once the lease of this one has expired.
            if !inspector.metadata.claim_scrub(self.process).await? {
                return Ok(());
            }
            inspector.metadata.save_scrub_progress(progress).await?;
        }
        progress.ended_at = Some(clock.now_seconds());
        inspector.metadata.save_scrub_progress(progress).await?;
        METRICS.scrub_finished_timestamp_seconds.set(gauge(clock.now_seconds()));
        let ScrubProgress { blobs, bytes, damaged, begun_at, .. } = progress;
        let seconds = clock.now_seconds().saturating_sub(begun_at);
        tracing::info!(blobs, bytes, damaged, seconds, "scrub pass finished");
        Ok(())
    }

    /// Recomputes the rate when due, and warns when the pass will exceed the interval.
    async fn keep_rate(
        &self,
        inspector: &Inspector,
        clock: &Clock,
        progress: &ScrubProgress,
        plan: &mut Plan,
        pace: &mut ReadPacer,
    ) -> Result<(), InspectError> {
        let max_bytes_per_second = *self.max_bytes_per_second.borrow();
        let is_in_time = plan.computed_at.is_some_and(|at| at.elapsed() < RATE_PERIOD);
        if is_in_time && plan.max_bytes_per_second == max_bytes_per_second {
            return Ok(());
        }
        let stored_bytes = inspector.metadata.stored_bytes().await?;
        let remaining_bytes = stored_bytes.saturating_sub(progress.bytes);
        let ends_at = progress.begun_at.saturating_add(self.interval.as_secs());
        let remaining_seconds = ends_at.saturating_sub(clock.now_seconds());
        let rate = rate(remaining_bytes, remaining_seconds, max_bytes_per_second);
        pace.set_rate(rate.bytes_per_second);
        let is_late = rate.needed_bytes_per_second > max_bytes_per_second;
        let (needed, highest) = (rate.needed_bytes_per_second.div_ceil(MIB), max_bytes_per_second / MIB);
        if is_late && !plan.is_late {
            tracing::warn!(
                stored_bytes,
                remaining_bytes,
                interval_seconds = self.interval.as_secs(),
                needed_mib_per_second = needed,
                scrub_max_mib_per_second = highest,
                hint = "raise scrub_max_mib_per_second or scrub_interval_seconds",
                "scrub pass too slow for its interval"
            );
        } else if plan.computed_at.is_none() {
            let mib_per_second = rate.bytes_per_second / MIB;
            tracing::info!(stored_bytes, remaining_bytes, mib_per_second, "scrub pass started");
        }
        *plan = Plan { computed_at: Some(Instant::now()), max_bytes_per_second, is_late };
        Ok(())
    }
}

/// Returns the rate for the remaining bytes and time, at most `max_bytes_per_second`.
fn rate(remaining_bytes: u64, remaining_seconds: u64, max_bytes_per_second: u64) -> Rate {
    let needed_bytes_per_second = remaining_bytes.div_ceil(remaining_seconds.max(1));
    let planned = needed_bytes_per_second.saturating_mul(100) / PLANNED_HUNDREDTHS;
    let lowest = MIN_BYTES_PER_SECOND.min(max_bytes_per_second);
    Rate { bytes_per_second: planned.clamp(lowest, max_bytes_per_second), needed_bytes_per_second }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const TB: u64 = 1_000_000_000_000;

    #[test]
    fn the_rate_follows_from_size_and_time_between_a_floor_and_a_ceiling() {
        let rate = |terabytes, days| rate(terabytes * TB, days * DAY, 64 * MIB);
        assert_eq!(rate(0, 30).bytes_per_second, 4 * MIB);
        assert_eq!(rate(1, 30).bytes_per_second, 4 * MIB);
        assert_eq!(rate(100, 30).bytes_per_second / MIB, 100 * TB / (27 * DAY) / MIB);
        assert_eq!(rate(200, 30).bytes_per_second, 64 * MIB);
        assert_eq!(rate(1, 0).bytes_per_second, 64 * MIB, "a pass that is over its time goes as fast as it may");
        assert_eq!(super::rate(0, DAY, MIB).bytes_per_second, MIB, "the ceiling is above the floor");
        for (terabytes, is_late) in [(1, false), (100, false), (165, false), (175, true), (1000, true)] {
            assert_eq!(rate(terabytes, 30).needed_bytes_per_second > 64 * MIB, is_late, "{terabytes} TB");
        }
        assert_eq!(super::rate(u64::MAX, 1, 64 * MIB).bytes_per_second, 64 * MIB);
    }

    #[test]
    fn a_planned_pass_ends_within_its_interval() {
        for (terabytes, days) in [(5, 30), (20, 7), (100, 30), (150, 30)] {
            let rate = rate(terabytes * TB, days * DAY, 64 * MIB).bytes_per_second;
            assert!(terabytes * TB / rate <= days * DAY, "{terabytes} TB in {days} days");
        }
    }
}
