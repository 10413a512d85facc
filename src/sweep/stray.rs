//! Blobs that no row explains: put aside, not removed, for something has gone wrong before (docs/durability.md).

use super::{SweepError, Sweeper, lineage};
use crate::causes::Causes;
use crate::metadata::SweepShare;
use crate::model::ids::{BlobId, InstallationId};
use crate::random;
use futures_util::StreamExt;
use futures_util::stream;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long what was put aside is kept, in seconds: 7 days.
pub const QUARANTINE_SECONDS: u64 = 7 * 86_400;
/// Parts of a walk: one for each first byte of a name. They begin evenly over the interval.
const PARTS: u32 = 256;
/// Parts of a walk that go on at once on one server.
const PARTS_AT_ONCE: usize = 4;
/// Attempts at one page of names in a walk.
const MAX_TRIES: u32 = 3;

impl Sweeper {
    /// Walks over the names of all blobs once in every `interval`, evenly, until `stop`; several servers share the parts of a
    /// walk. Each walk moves the stamps of both stores forward.
    pub async fn watch_for_strays(&self, interval: Duration, stop: CancellationToken) {
        loop {
            let begun = Instant::now();
            let walk = async {
                if let Err(error) = self.walk(begun, interval).await {
                    tracing::warn!(error = %Causes(&error), "stray walk failed");
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
            lineage::advance(&*self.metadata, &*self.blobs, InstallationId::new(random::bytes())).await?;
        }
        Ok(())
    }

    /// Walks over the names that begin with one byte. A page that fails is tried again; then its part waits for the next walk.
    async fn walk_part(&self, first: u8, pause: Duration) {
        let (mut after, mut tries) = (None, 0);
        loop {
            let step = async {
                let Some(page) = self.blobs.names_of(first, after.clone()).await? else { return Ok(None) };
                self.put_strays_aside(page.blobs).await?;
                Ok::<_, SweepError>(Some(page.last))
            };
            match step.await {
                Ok(None) => return,
                Ok(Some(last)) => (after, tries) = (Some(last), 0),
                Err(error) => {
                    tries += 1;
                    tracing::warn!(error = %Causes(&error), tries, "stray check failed");
                    if tries == MAX_TRIES {
                        return;
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    /// A row is there before the first byte and goes after the last: a name that was read before its row was looked for and
    /// has none is nobody's, or gone by now.
    async fn put_strays_aside(&self, names: Vec<BlobId>) -> Result<(), SweepError> {
        let known = self.metadata.known_blobs(names.clone()).await?;
        let unknown: Vec<BlobId> = names.into_iter().filter(|blob| !known.contains(blob)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        self.refuse_when_apart().await?;
        for blob in self.blobs.quarantine(&unknown, self.metadata.now_seconds().await?).await? {
            tracing::error!(%blob, "blob quarantined");
        }
        Ok(())
    }
}
