//! Orphans: blobs without a row. They are quarantined, not deleted, since they show an earlier fault
//! (docs/durability.md).

use super::{SweepError, Sweeper, pairing};
use crate::error_chain::ErrorChain;
use crate::metadata::SweepShare;
use crate::metrics::METRICS;
use crate::model::ids::{BlobId, InstallationId};
use crate::random;
use futures_util::StreamExt;
use futures_util::stream;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// The retention of the quarantine, in seconds: 7 days.
pub const QUARANTINE_SECONDS: u64 = 7 * 86_400;
/// The parts of a walk: one for each first byte of a name, spread over the interval.
const PARTS: u32 = 256;
/// The maximum of parallel parts on one server.
const PARTS_AT_ONCE: usize = 4;
/// The maximum of attempts at one page of names.
const MAX_TRIES: u32 = 3;

impl Sweeper {
    /// Walks over the names of all blobs once per `interval`, evenly, until `stop`. Several servers share the parts of
    /// a walk. Each walk advances the stamps of both stores.
    pub async fn watch_for_orphans(&self, interval: Duration, stop: CancellationToken) {
        loop {
            let begun = Instant::now();
            let walk = async {
                if let Err(error) = self.walk(begun, interval).await {
                    tracing::warn!(error = %ErrorChain(&error), "stray walk failed");
                }
                sleep_until(begun + interval).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = walk => {}
            }
        }
    }

    async fn walk(&self, begun: Instant, interval: Duration) -> Result<(), SweepError> {
        let share = if self.alone { SweepShare::WHOLE } else { self.metadata.sweep_share(self.process).await? };
        let mine: Vec<u8> = (0..=u8::MAX).filter(|first| u32::from(*first) % share.of.max(1) == share.place).collect();
        let pause = interval / PARTS * share.of.max(1);
        let parts = (0_u32..).zip(mine).map(|(number, first)| async move {
            sleep_until(begun + pause * number).await;
            self.walk_part(first, interval / PARTS).await;
        });
        stream::iter(parts).buffered(PARTS_AT_ONCE).collect::<()>().await;
        if share.place == 0 {
            let kept_since = self.metadata.now_seconds().await?.saturating_sub(QUARANTINE_SECONDS);
            let may_purge = self.metadata.may_expire().await?;
            let purged = if may_purge { self.blobs.purge_quarantine(kept_since).await? } else { 0 };
            if purged > 0 {
                tracing::warn!(purged, "quarantine purged");
            }
            pairing::advance(&*self.metadata, &*self.blobs, InstallationId::new(random::bytes())).await?;
        }
        Ok(())
    }

    /// Walks over the names of one first byte. A failed page is retried; then its part waits for the next walk.
    async fn walk_part(&self, first: u8, pause: Duration) {
        let (mut after, mut tries) = (None, 0);
        loop {
            let step = async {
                let Some(page) = self.blobs.list_by_first_byte(first, after.clone()).await? else { return Ok(None) };
                self.quarantine_orphans(page.blobs).await?;
                Ok::<_, SweepError>(Some(page.last))
            };
            match step.await {
                Ok(None) => return,
                Ok(Some(last)) => (after, tries) = (Some(last), 0),
                Err(error) => {
                    tries += 1;
                    tracing::warn!(error = %ErrorChain(&error), tries, "stray check failed");
                    if tries == MAX_TRIES {
                        return;
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    /// Quarantines names without a row. A row exists before the first byte and after the last, so a name that was read
    /// before the row was looked up is an orphan, or deleted by now.
    async fn quarantine_orphans(&self, names: Vec<BlobId>) -> Result<(), SweepError> {
        let known = self.metadata.known_blobs(names.clone()).await?;
        let unknown: Vec<BlobId> = names.into_iter().filter(|blob| !known.contains(blob)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        self.check_paired().await?;
        for blob in self.blobs.quarantine(&unknown, self.metadata.now_seconds().await?).await? {
            METRICS.quarantined_blobs.inc();
            tracing::error!(%blob, "blob quarantined");
        }
        Ok(())
    }
}
