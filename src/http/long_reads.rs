//! Long reads: answers that a store may work on for seconds, such as usage, costs, the ledger and the audit log.
//!
//! The workspaces share a small number of permits. Further requests wait in a bounded queue. A read keeps its permit
//! until the store has finished, even if its client has disconnected: otherwise the work of such clients would not be
//! limited.

use super::error::ApiError;
use super::limited::Limited;
use crate::model::ids::WorkspaceId;
use crate::shares::FairSemaphore;
use crate::shares::contention::ContentionLimiter;
use crate::traces;

/// The maximum number of concurrent long reads.
const MAX_RUNNING: usize = 16;
/// The maximum of one workspace, or of all administrators.
const MAX_RUNNING_PER_READER: usize = 4;
/// The maximum number of running and waiting long reads.
const MAX_QUEUED: usize = 1024;
/// The maximum of one workspace, or of all administrators.
const MAX_QUEUED_PER_READER: usize = 64;

/// The owner of a read: a workspace, or none for administrators.
type Reader = Option<WorkspaceId>;

/// The queue of long reads.
#[derive(Debug)]
pub struct LongReads {
    running: FairSemaphore<Reader>,
    queue: FairSemaphore<Reader>,
    turns: ContentionLimiter<WorkspaceId>,
}

impl LongReads {
    /// Creates an empty queue. While several workspaces send requests, the reads of each take `turns`.
    #[must_use]
    pub fn new(turns: ContentionLimiter<WorkspaceId>) -> Self {
        Self {
            running: FairSemaphore::new(MAX_RUNNING, MAX_RUNNING_PER_READER),
            queue: FairSemaphore::new(MAX_QUEUED, MAX_QUEUED_PER_READER),
            turns,
        }
    }

    /// Runs a read once the reader has a permit and, if it is a workspace, its turn.
    ///
    /// # Errors
    /// When the reader has the maximum number of reads, or the read failed.
    pub async fn run<T, E>(
        &self,
        reader: Reader,
        read: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        let Some(queued) = self.queue.try_acquire(reader) else {
            let whose = if reader.is_some() { "of this project" } else { "of administrators" };
            let message = format!(
                "Too many requests {whose} for usage or logs are being answered. Please try again in a moment."
            );
            return Err(ApiError::too_many(Limited::LongReads, message));
        };
        let running = self.running.acquire(reader).await;
        let turns = self.turns.clone();
        let read = async move {
            let turn = match reader {
                Some(workspace) => turns.acquire(workspace).await,
                None => None,
            };
            let outcome = read.await;
            drop(turn);
            drop((running, queued));
            outcome
        };
        match tokio::spawn(traces::carry(read)).await {
            Ok(outcome) => outcome.map_err(Into::into),
            Err(unfinished) => Err(ApiError::internal_of(unfinished)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::StoreError;
    use std::future::pending;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test(start_paused = true)]
    async fn the_reads_of_a_workspace_are_limited_until_they_end() {
        let reads = Arc::new(LongReads::new(ContentionLimiter::new(1)));
        let ada = Some(WorkspaceId::next(None, 1, [0; 11]));
        let (end, ended) = oneshot::channel::<()>();
        let left = reads.run(ada, async move { ended.await.map_err(|_| StoreError::claim_lost()) });
        assert!(tokio::time::timeout(Duration::from_secs(1), left).await.is_err(), "its client leaves");
        let begin = |reads: &Arc<LongReads>| {
            let reads = Arc::clone(reads);
            tokio::spawn(async move {
                reads.run(ada, pending::<Result<(), StoreError>>()).await.map_err(|error| error.kind())
            })
        };
        let waiting: Vec<_> = (1..MAX_QUEUED_PER_READER).map(|_| begin(&reads)).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(reads.run(ada, async { Ok::<_, StoreError>(()) }).await.is_err(), "one too many");
        reads.run(None, async { Ok::<_, StoreError>(()) }).await.unwrap();
        assert!(reads.running.try_acquire(ada).is_none(), "the read that was left keeps its place");
        end.send(()).unwrap();
        for task in waiting {
            task.abort();
        }
    }
}
