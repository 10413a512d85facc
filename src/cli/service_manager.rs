//! Notifications to the service manager by `sd_notify`: readiness, reloads, the stop, and a heartbeat of the runtime.
//!
//! Without `NOTIFY_SOCKET` in the environment nothing is told, and without `WATCHDOG_USEC` there is no heartbeat.

use sd_notify::NotifyState;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// The time beyond the drain timeout until the service manager may end the process.
const STOP_MARGIN: Duration = Duration::from_secs(10);

/// Tells that the server serves.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells that a reload has ended, and whether it was accepted. `systemctl status` shows it.
pub fn reloaded(is_accepted: bool) {
    let status = if is_accepted { "the last reload succeeded" } else { "the last reload was refused, see the log" };
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells that a reload has begun. [`reloaded`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "service manager notification failed"),
    }
}

/// Tells that the drain has begun, and how long it may take: `TimeoutStopSec` of the unit need not know the setting.
pub fn stopping(drain_timeout: Duration) {
    let most = format!("EXTEND_TIMEOUT_USEC={}", (drain_timeout + STOP_MARGIN).as_micros());
    tell(&[NotifyState::Stopping, NotifyState::Custom(&most)]);
}

/// Starts the heartbeat that the unit asks for with `WatchdogSec`.
pub fn start_heartbeat() {
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tokio::spawn(beat(limit / 2, || tell(&[NotifyState::Watchdog])));
    }
}

/// Beats once in a period, on the workers that serve requests: when none of them gets on, the beat stops.
async fn beat(period: Duration, pulse: impl Fn() + Send) {
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        pulse();
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "service manager notification failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};
    use tokio::runtime;

    const PERIOD: Duration = Duration::from_millis(2);
    const WORKERS: usize = 2;

    #[test]
    fn the_heartbeat_stops_while_every_worker_is_blocked() {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().unwrap();
        let beats = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&beats);
        runtime.spawn(beat(PERIOD, move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        wait_for_a_beat(&beats);
        let (all_blocked, all_free) = (Arc::new(Barrier::new(WORKERS + 1)), Arc::new(Barrier::new(WORKERS + 1)));
        for _ in 0..WORKERS {
            let (blocked, free) = (Arc::clone(&all_blocked), Arc::clone(&all_free));
            runtime.spawn(async move {
                blocked.wait();
                free.wait();
            });
        }
        all_blocked.wait();
        let before = beats.load(Ordering::SeqCst);
        pause(PERIOD * 20);
        let meanwhile = beats.load(Ordering::SeqCst) - before;
        all_free.wait();
        assert_eq!(meanwhile, 0);
        wait_for_a_beat(&beats);
    }

    fn wait_for_a_beat(beats: &AtomicUsize) {
        let before = beats.load(Ordering::SeqCst);
        while beats.load(Ordering::SeqCst) == before {
            pause(PERIOD);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "no worker of the runtime runs this")]
    fn pause(time: Duration) {
        std::thread::sleep(time);
    }
}
