//! The sweep: it deletes the bytes of deleted, expired and abandoned blobs, and rows past their retention.
//!
//! One pass serves the start after a crash, the interval, and every deletion (docs/design/durability.md, R8 and R9). A
//! blob is marked `deleting` durably before its bytes are deleted, and its row is deleted last, so that an interrupted
//! pass is simply repeated. `orphans` finds blobs without a row, and [`pairing`] decides whether anything may be
//! deleted at all. `app` runs it.

mod backlog;
mod expiry;
mod lease;
mod orphans;
pub mod pairing;
mod releases;
mod step;

pub use lease::Lease;

use crate::blobs::{BlobError, BlobStore, InFlight, InUse};
use crate::error_chain::ErrorChain;
use crate::failpoint;
use crate::metadata::{
    AnswerStore, AuditStore, BacklogStore, ClockStore, ExpiryStore, LinkStore, MetadataError, OutboxStore, PendingBlob,
    ROLL_UP_ROWS, ReleaseStore, SessionStore, SweepShare, UpkeepStore, UploadStore, UsageStore, trait_set,
};
use crate::metrics::METRICS;
use crate::model::ids::{BlobId, ProcessId};
use crate::model::outbox::SinkName;
use crate::model::stamp::StorePairing;
use crate::model::upload::REMEMBERED_SECONDS;
use pairing::LineageMetadata;
use std::sync::Arc;
use std::time::Duration;
use step::STEP_ROWS;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The number of outbox messages that one step removes. Each may have a quarter of a mebibyte.
const STEP_MESSAGES: u32 = 16;
/// The number of database pages that one step returns to the disk.
const STEP_PAGES: u32 = 256;
/// The maximum of steps of one kind in a pass.
const PASS_STEPS: usize = 256;

trait_set! {
    /// The rows that the sweeper reads and removes.
    pub trait SweeperMetadata: AnswerStore + AuditStore + BacklogStore + ClockStore + ExpiryStore + LineageMetadata + LinkStore + OutboxStore + ReleaseStore + SessionStore + UpkeepStore + UploadStore + UsageStore;
}

/// The sweeper of an installation.
#[derive(Clone, Debug)]
pub struct Sweeper {
    /// The metadata store.
    pub metadata: Arc<dyn SweeperMetadata>,
    /// The blob store.
    pub blobs: Arc<dyn BlobStore>,
    /// The blobs that this process is writing, which must not be swept.
    pub in_flight: Arc<InFlight>,
    /// The blobs that this process is reading, which may not be swept yet.
    pub in_use: Arc<InUse>,
    /// The process id of this server.
    pub process: ProcessId,
    /// No other server writes to these blobs, so pending blobs of any other process are abandoned. Otherwise pending
    /// blobs belong to their process while its lease lasts.
    pub alone: bool,
    /// Triggers a pass.
    pub wanted: Arc<Notify>,
    /// The retention of audit entries; zero for ever.
    pub audit_retention: Duration,
    /// The minimum time that the bytes of deleted files are kept, because other processes may read them.
    pub delete_delay: Duration,
}

/// The numbers of what a pass removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Expired Files.
    pub expired_files: usize,
    /// Expired Uploads.
    pub expired_uploads: usize,
    /// Released parts of ended Files and Uploads, and Files and Uploads without further parts.
    pub released_parts: usize,
    /// Finished Uploads past their retention.
    pub forgotten_uploads: usize,
    /// Idempotent responses past their retention.
    pub forgotten_answers: usize,
    /// Audit entries that got their number.
    pub numbered_audit_entries: usize,
    /// Audit entries past their retention.
    pub forgotten_audit_entries: usize,
    /// Expired links past their retention.
    pub forgotten_links: usize,
    /// Ended sessions of the console past their retention.
    pub forgotten_sessions: usize,
    /// Outbox messages past their retention.
    pub forgotten_messages: usize,
    /// Ledger rows that were added to the usage cache.
    pub rolled_up_rows: usize,
    /// Database pages returned to the disk.
    pub given_pages: usize,
    /// Abandoned blobs.
    pub abandoned_blobs: usize,
    /// Blobs whose bytes and rows are deleted.
    pub removed_blobs: usize,
}

/// The reason why a step failed. The next pass continues.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The blob store failed.
    #[error(transparent)]
    Store(#[from] BlobError),
    /// The stamps could not be advanced.
    #[error(transparent)]
    Pairing(#[from] pairing::PairingError),
    /// Metadata and blobs do not belong together any more.
    #[error("{0}: no bytes are deleted")]
    Unpaired(StorePairing),
    /// Blobs could not be deleted.
    #[error("{count} blobs could not be deleted")]
    Blobs {
        /// The number of blobs.
        count: usize,
        /// The last error.
        #[source]
        last: BlobError,
    },
}

impl Sweeper {
    /// Runs a pass at once, then whenever one is triggered and at every `interval`, until `stop`. A panic ends its pass
    /// only.
    pub async fn run(&self, interval: Duration, stop: CancellationToken) {
        loop {
            let sweeper = self.clone();
            match tokio::spawn(async move { sweeper.sweep().await }).await {
                Ok(swept) if swept == Swept::default() => {}
                Ok(swept) => tracing::debug!(?swept, "sweep finished"),
                Err(error) => tracing::error!(%error, "sweep panicked"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    /// Runs one pass. A failed step is logged and does not stop the others.
    pub async fn sweep(&self) -> Swept {
        let ended = expiry::expire(&*self.metadata).await;
        Swept {
            expired_files: ended.files,
            expired_uploads: ended.uploads,
            released_parts: releases::release(&*self.metadata).await,
            forgotten_uploads: done(self.repeat(|| self.metadata.forget_uploads(REMEMBERED_SECONDS, STEP_ROWS)).await),
            forgotten_answers: done(self.repeat(|| self.metadata.forget_answers(STEP_ROWS)).await),
            numbered_audit_entries: done(self.repeat(|| self.metadata.number_audit_log(STEP_ROWS)).await),
            forgotten_audit_entries: done(self.forget_audit_log().await),
            forgotten_links: done(self.repeat(|| self.metadata.forget_links(STEP_ROWS)).await),
            forgotten_sessions: done(self.repeat(|| self.metadata.forget_sessions(STEP_ROWS)).await),
            forgotten_messages: done(self.forget_messages().await),
            rolled_up_rows: done(self.repeat(|| self.metadata.roll_up_usage(ROLL_UP_ROWS)).await),
            given_pages: done(self.repeat(|| self.metadata.give_back_room(STEP_PAGES)).await),
            abandoned_blobs: done(self.mark_abandoned().await),
            removed_blobs: done(self.remove_deleted_blobs().await),
        }
    }

    /// Repeats a step until it finds nothing, at most [`PASS_STEPS`] times: the rest is left to a pass that follows at
    /// once. Returns the sum.
    async fn repeat<F>(&self, step: impl Fn() -> F) -> Result<usize, SweepError>
    where
        F: Future<Output = Result<usize, MetadataError>>,
    {
        let mut all = 0;
        for _ in 0..PASS_STEPS {
            match step().await? {
                0 => return Ok(all),
                found => all += found,
            }
        }
        self.wanted.notify_one();
        Ok(all)
    }

    async fn forget_messages(&self) -> Result<usize, SweepError> {
        let mut all = 0;
        for sink in SinkName::ALL {
            all += self.repeat(|| self.metadata.forget_messages(sink, sink.kept_seconds(), STEP_MESSAGES)).await?;
        }
        Ok(all)
    }

    async fn forget_audit_log(&self) -> Result<usize, SweepError> {
        if self.audit_retention.is_zero() {
            return Ok(0);
        }
        let kept_seconds = self.audit_retention.as_secs();
        self.repeat(|| self.metadata.forget_audit_log(kept_seconds, STEP_ROWS)).await
    }

    /// Marks abandoned blobs. Rows are read before the registry, and a blob enters the registry before it gets its row.
    /// So a pending row that is not in flight is abandoned.
    async fn mark_abandoned(&self) -> Result<usize, SweepError> {
        let pending = self.metadata.pending_blobs().await?;
        let is_left = |row: &PendingBlob| {
            if row.process == self.process { !self.in_flight.contains(row.blob) } else { self.alone || !row.lives }
        };
        let left: Vec<BlobId> = pending.iter().filter(|row| is_left(row)).map(|row| row.blob).collect();
        if !left.is_empty() {
            self.check_paired().await?;
        }
        for step in left.chunks(STEP_ROWS as usize) {
            self.metadata.abandon_blobs(step.to_vec()).await?;
        }
        Ok(left.len())
    }

    /// Deletes the bytes and rows of `deleting` blobs. A blob that fails is skipped and retried by the next pass.
    async fn remove_deleted_blobs(&self) -> Result<usize, SweepError> {
        let share = if self.alone { SweepShare::WHOLE } else { self.metadata.sweep_share(self.process).await? };
        let (mut removed, mut failed, mut after) = (0, None, None);
        loop {
            let page = self.metadata.deleting_blobs(share, after, STEP_ROWS, self.delete_delay.as_secs()).await?;
            after = page.next;
            if page.blobs.is_empty() {
                if after.is_none() {
                    break;
                }
                continue;
            }
            self.check_paired().await?;
            let mut gone = Vec::new();
            let unread: Vec<BlobId> = page.blobs.into_iter().filter(|blob| !self.in_use.is_read(*blob)).collect();
            for (blob, outcome) in self.blobs.delete(&unread).await {
                match outcome {
                    Ok(()) => gone.push(blob),
                    Err(error) => failed = Some((failed.map_or(0, |(count, _)| count) + 1, error)),
                }
            }
            removed += gone.len();
            METRICS.swept_blobs.inc_by(gone.len() as u64);
            failpoint::reach("sweep.removed").map_err(BlobError::from)?;
            self.metadata.forget_blobs(gone).await?;
            failpoint::reach("sweep.forgotten").map_err(BlobError::from)?;
            if after.is_none() {
                break;
            }
        }
        failed.map_or(Ok(removed), |(count, last)| Err(SweepError::Blobs { count, last }))
    }

    /// Checks the stamps: the database may have been restored to an earlier state while this server ran.
    async fn check_paired(&self) -> Result<(), SweepError> {
        match pairing::of_stamps(&*self.metadata, &*self.blobs).await? {
            StorePairing::Paired => Ok(()),
            apart => Err(SweepError::Unpaired(apart)),
        }
    }
}

fn done(step: Result<usize, SweepError>) -> usize {
    step.unwrap_or_else(|error| {
        tracing::warn!(error = %ErrorChain(&error), "sweep step failed");
        0
    })
}
