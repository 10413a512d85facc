//! Blobs that no row explains: put aside, not removed, for something has gone wrong before (reliability.md, R9).

use super::{SweepError, Sweeper, lineage};
use crate::blobs::NamesCursor;
use crate::causes::Causes;
use crate::model::ids::{BlobId, InstallationId};
use crate::random;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long what was put aside is kept, in seconds: 7 days.
pub const QUARANTINE_SECONDS: u64 = 7 * 86_400;
/// Pages of names over which a walk is spread; a store with fewer is done earlier.
const PAGES: u32 = 256;

impl Sweeper {
    /// Walks over the names of all blobs once in every `interval`, evenly, until `stop`; each walk moves the stamps of
    /// both stores on.
    pub async fn watch_for_strays(&self, interval: Duration, stop: CancellationToken) {
        let (mut after, pause) = (None, interval / PAGES);
        loop {
            after = match self.put_strays_aside(after.clone()).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(error = %Causes(&error), "a look for blobs without a row failed and will be repeated");
                    after
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One page of a walk; where the next begins, or none at the end of the walk.
    async fn put_strays_aside(&self, after: Option<NamesCursor>) -> Result<Option<NamesCursor>, SweepError> {
        let Some(page) = self.blobs.names(after).await? else {
            let kept_since = self.clock.now_seconds().saturating_sub(QUARANTINE_SECONDS);
            let may_purge = self.metadata.may_expire().await?;
            let purged = if may_purge { self.blobs.purge_quarantine(kept_since).await? } else { 0 };
            if purged > 0 {
                tracing::warn!(purged, "blobs that had been in quarantine for 7 days are removed");
            }
            lineage::advance(&*self.metadata, &*self.blobs, InstallationId::new(random::bytes())).await?;
            return Ok(None);
        };
        // A row is there before the first byte and goes after the last: a name that was read before its row was looked for
        // and has none is nobody's, or gone by now.
        let known = self.metadata.known_blobs(page.blobs.clone()).await?;
        let unknown: Vec<BlobId> = page.blobs.into_iter().filter(|blob| !known.contains(blob)).collect();
        if !unknown.is_empty() {
            for blob in self.blobs.quarantine(&unknown, self.clock.now_seconds()).await? {
                tracing::error!(%blob, "a blob without a row was put in quarantine");
            }
        }
        Ok(Some(page.last))
    }
}
