//! Rows of reads in the ledger become one for each minute when they are old: what they add up to stays, by key, kind, purpose
//! and minute. Workspaces take turns, one bounded step each. The wiring of floor 5 runs it.

use crate::causes::Causes;
use crate::metadata::{MetadataError, ReadMergeStore};
use crate::model::ids::WorkspaceId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Rows that one step looks at.
const STEP_ROWS: u32 = 1000;
/// Workspaces that are looked at in one question.
const PAGE_WORKSPACES: u32 = 1000;
/// Time from the end of one pass to the next.
const PASS_INTERVAL: Duration = Duration::from_mins(10);

/// Merges old rows of reads.
#[derive(Clone, Debug)]
pub struct ReadMerger {
    /// Rows.
    pub metadata: Arc<dyn ReadMergeStore>,
    /// How long each second of reads is kept apart.
    pub detail: Duration,
}

impl ReadMerger {
    /// A pass at once, then one at every interval, until `stop`. A pass that panics ends itself and no other.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let (merger, until) = (self.clone(), stop.clone());
            match tokio::spawn(async move { merger.pass(&until).await }.in_current_span()).await {
                Ok(Ok(0)) => {}
                Ok(Ok(rows)) => tracing::debug!(rows, "read merge finished"),
                Ok(Err(error)) => tracing::warn!(error = %Causes(&error), "read merge listing failed"),
                Err(error) => tracing::error!(%error, "read merge panicked"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(PASS_INTERVAL) => {}
            }
        }
    }

    /// One pass over all workspaces; how many rows were looked at. A workspace whose step fails is left to the next pass.
    ///
    /// # Errors
    /// When the store cannot say which workspaces have old reads.
    pub async fn pass(&self, stop: &CancellationToken) -> Result<usize, MetadataError> {
        let (mut rows, mut waiting) = (0, self.workspaces().await?);
        while !waiting.is_empty() {
            let mut unfinished = Vec::new();
            for workspace in waiting {
                if stop.is_cancelled() {
                    return Ok(rows);
                }
                let begun = Instant::now();
                match self.metadata.merge_reads(workspace, self.detail.as_secs(), STEP_ROWS).await {
                    Ok(0) => {}
                    Ok(more) => {
                        rows += more;
                        unfinished.push(workspace);
                    }
                    Err(error) => tracing::warn!(%workspace, error = %Causes(&error), "read merge failed"),
                }
                // The changes of requests have the store for half of the time at least.
                sleep(begun.elapsed()).await;
            }
            waiting = unfinished;
        }
        Ok(rows)
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceId>, MetadataError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.metadata.reads_to_merge(after, self.detail.as_secs(), PAGE_WORKSPACES).await?;
            all.extend(page.workspaces);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}
