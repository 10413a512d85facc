//! Merges old read rows of the ledger into one per key, operation, purpose, dialect and minute. Workspaces take turns,
//! one bounded step each. `app` runs it.

use crate::error_chain::ErrorChain;
use crate::metadata::{MetadataError, ReadMergeStore};
use crate::model::ids::WorkspaceId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The number of rows per step.
const STEP_ROWS: u32 = 1000;
/// The number of workspaces per query.
const PAGE_WORKSPACES: u32 = 1000;
/// The time between two passes.
const PASS_INTERVAL: Duration = Duration::from_mins(10);

/// The merger of old read rows.
#[derive(Clone, Debug)]
pub struct ReadMerger {
    /// The metadata store.
    pub metadata: Arc<dyn ReadMergeStore>,
    /// The time that reads are kept by the second.
    pub detail: Duration,
}

impl ReadMerger {
    /// Runs a pass at once, then at every interval, until `stop`. A panic ends its pass only.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let (merger, until) = (self.clone(), stop.clone());
            match tokio::spawn(async move { merger.pass(&until).await }).await {
                Ok(Ok(0)) => {}
                Ok(Ok(rows)) => tracing::debug!(rows, "read merge finished"),
                Ok(Err(error)) => tracing::warn!(error = %ErrorChain(&error), "read merge listing failed"),
                Err(error) => tracing::error!(%error, "read merge panicked"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(PASS_INTERVAL) => {}
            }
        }
    }

    /// Runs one pass over all workspaces. Returns the number of rows read. A workspace whose step fails is left to the
    /// next pass.
    ///
    /// # Errors
    /// When the store cannot list the workspaces with old reads.
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
                    Err(error) => tracing::warn!(%workspace, error = %ErrorChain(&error), "read merge failed"),
                }
                // Requests have the store at least half of the time.
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
