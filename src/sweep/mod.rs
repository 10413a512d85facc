//! Sweeping: removes the bytes of what was deleted, has expired, or was begun and left behind, and rows that have been kept
//! long enough.
//!
//! One pass serves the start after a crash, the interval, and every deletion (docs/design/durability.md, R8 and R9).
//! A blob is marked `deleting` durably before its bytes go, and its row goes last, so that a pass that is cut off is simply
//! done again. `stray` looks for what no row explains, and [`lineage`] says whether anything may be removed at all. The wiring
//! of layer 5 runs it.

mod expiry;
mod lease;
pub mod lineage;
mod releases;
mod step;
mod stray;

pub use lease::Lease;

use crate::blobs::{BlobError, BlobStore, InFlight, InUse};
use crate::causes::Causes;
use crate::failpoint;
use crate::metadata::{
    AnswerStore, AuditStore, ClockStore, ExpiryStore, MetadataError, OutboxStore, PendingBlob, ROLL_UP_ROWS,
    ReleaseStore, SweepShare, UpkeepStore, UploadStore, UsageStore, trait_set,
};
use crate::model::ids::{BlobId, ProcessId};
use crate::model::outbox::SinkName;
use crate::model::stamp::Lineage;
use crate::model::upload::REMEMBERED_SECONDS;
use lineage::LineageMetadata;
use std::sync::Arc;
use std::time::Duration;
use step::STEP_ROWS;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Messages to the outside that one step of a pass removes at once; each may have a quarter of a mebibyte.
const STEP_MESSAGES: u32 = 16;
/// Pages of the database that one step gives back to the disk.
const STEP_PAGES: u32 = 256;
/// Steps of one kind in a pass.
const PASS_STEPS: usize = 256;

trait_set! {
    /// The rows that the sweeper reads and removes.
    pub trait SweeperMetadata: AnswerStore + AuditStore + ClockStore + ExpiryStore + LineageMetadata + OutboxStore + ReleaseStore + UpkeepStore + UploadStore + UsageStore;
}

/// Removes what nobody sees any more.
#[derive(Clone, Debug)]
pub struct Sweeper {
    /// Rows.
    pub metadata: Arc<dyn SweeperMetadata>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// What this process is writing, and must not be swept.
    pub in_flight: Arc<InFlight>,
    /// What this process is reading, and may not be swept yet.
    pub in_use: Arc<InUse>,
    /// This run of the server.
    pub process: ProcessId,
    /// No other server writes to these blobs while this one does: what another left pending is nobody's, whatever is said
    /// of it. Elsewhere, what a process began that lives is its own.
    pub alone: bool,
    /// Asks for a pass now.
    pub wanted: Arc<Notify>,
    /// How long entries of the audit log are kept; zero for ever.
    pub audit_retention: Duration,
    /// How long the bytes of what was deleted are kept at least: others than this process may be reading them.
    pub delete_delay: Duration,
}

/// What a pass removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files whose time was over.
    pub expired_files: usize,
    /// Uploads whose time was over.
    pub expired_uploads: usize,
    /// Parts of what is gone whose blobs are to be removed, and Files and Uploads that have none left.
    pub released_parts: usize,
    /// Uploads that are not pending and have been remembered long enough.
    pub forgotten_uploads: usize,
    /// Answers that are too old to be given again.
    pub forgotten_answers: usize,
    /// Entries of the audit log that got their place in its order.
    pub numbered_audit_entries: usize,
    /// Entries of the audit log that are older than they have to be kept.
    pub forgotten_audit_entries: usize,
    /// Messages to the outside that have been kept long enough.
    pub forgotten_messages: usize,
    /// Rows of the ledger that were taken into the cache of usage.
    pub rolled_up_rows: usize,
    /// Pages of room that deleted rows had left.
    pub given_pages: usize,
    /// Blobs that were begun and left behind.
    pub abandoned_blobs: usize,
    /// Blobs whose bytes and rows are gone.
    pub removed_blobs: usize,
}

/// Why a step of a pass could not finish; the next pass goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The blob store failed.
    #[error(transparent)]
    Store(#[from] BlobError),
    /// The stamps could not be moved on.
    #[error(transparent)]
    Lineage(#[from] lineage::LineageError),
    /// Rows and bytes do not belong together any more.
    #[error("{0}: no bytes are removed")]
    Apart(Lineage),
    /// Bytes could not be removed.
    #[error("{count} blobs could not be removed")]
    Blobs {
        /// How many.
        count: usize,
        /// The last of the causes.
        #[source]
        last: BlobError,
    },
}

impl Sweeper {
    /// A pass at once, then one whenever it is wanted and at every `interval`, until `stop`. A pass that panics ends
    /// itself and no other.
    pub async fn run(&self, interval: Duration, stop: CancellationToken) {
        loop {
            let sweeper = self.clone();
            match tokio::spawn(async move { sweeper.sweep().await }.in_current_span()).await {
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

    /// One pass. A step that fails is logged and keeps none of the others.
    pub async fn sweep(&self) -> Swept {
        let ended = expiry::expire(&*self.metadata).await;
        Swept {
            expired_files: ended.files,
            expired_uploads: ended.uploads,
            released_parts: releases::release(&*self.metadata).await,
            forgotten_uploads: done(
                self.until_none(|| self.metadata.forget_uploads(REMEMBERED_SECONDS, STEP_ROWS)).await,
            ),
            forgotten_answers: done(self.until_none(|| self.metadata.forget_answers(STEP_ROWS)).await),
            numbered_audit_entries: done(self.until_none(|| self.metadata.number_audit_log(STEP_ROWS)).await),
            forgotten_audit_entries: done(self.forget_audit_log().await),
            forgotten_messages: done(self.forget_messages().await),
            rolled_up_rows: done(self.until_none(|| self.metadata.roll_up_usage(ROLL_UP_ROWS)).await),
            given_pages: done(self.until_none(|| self.metadata.give_back_room(STEP_PAGES)).await),
            abandoned_blobs: done(self.abandon_what_was_left_behind().await),
            removed_blobs: done(self.remove_deleted_blobs().await),
        }
    }

    /// Repeats a step until it finds nothing more, or for as long as other kinds of steps can wait: the rest is left to a pass
    /// that follows at once. How much it found.
    async fn until_none<F>(&self, step: impl Fn() -> F) -> Result<usize, SweepError>
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
            all += self.until_none(|| self.metadata.forget_messages(sink, sink.kept_seconds(), STEP_MESSAGES)).await?;
        }
        Ok(all)
    }

    async fn forget_audit_log(&self) -> Result<usize, SweepError> {
        if self.audit_retention.is_zero() {
            return Ok(0);
        }
        let kept_seconds = self.audit_retention.as_secs();
        self.until_none(|| self.metadata.forget_audit_log(kept_seconds, STEP_ROWS)).await
    }

    /// The rows are read before the registry is asked, and a blob enters the registry before it gets its row: one that
    /// has a row and is not in flight was left behind.
    async fn abandon_what_was_left_behind(&self) -> Result<usize, SweepError> {
        let pending = self.metadata.pending_blobs().await?;
        let is_left = |row: &PendingBlob| {
            if row.process == self.process { !self.in_flight.contains(row.blob) } else { self.alone || !row.lives }
        };
        let left: Vec<BlobId> = pending.iter().filter(|row| is_left(row)).map(|row| row.blob).collect();
        if !left.is_empty() {
            self.refuse_when_apart().await?;
        }
        for step in left.chunks(STEP_ROWS as usize) {
            self.metadata.abandon_blobs(step.to_vec()).await?;
        }
        Ok(left.len())
    }

    /// A blob that cannot be removed is passed over, and tried again by the next pass.
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
            self.refuse_when_apart().await?;
            let mut gone = Vec::new();
            let unread: Vec<BlobId> = page.blobs.into_iter().filter(|blob| !self.in_use.keeps(*blob)).collect();
            for (blob, outcome) in self.blobs.delete(&unread).await {
                match outcome {
                    Ok(()) => gone.push(blob),
                    Err(error) => failed = Some((failed.map_or(0, |(count, _)| count) + 1, error)),
                }
            }
            removed += gone.len();
            failpoint::reach("sweep.removed").map_err(BlobError::from)?;
            self.metadata.forget_blobs(gone).await?;
            failpoint::reach("sweep.forgotten").map_err(BlobError::from)?;
            if after.is_none() {
                break;
            }
        }
        failed.map_or(Ok(removed), |(count, last)| Err(SweepError::Blobs { count, last }))
    }

    /// The database may have been restored to an earlier moment while this server ran.
    async fn refuse_when_apart(&self) -> Result<(), SweepError> {
        match lineage::of_stamps(&*self.metadata, &*self.blobs).await? {
            Lineage::Together => Ok(()),
            apart => Err(SweepError::Apart(apart)),
        }
    }
}

fn done(step: Result<usize, SweepError>) -> usize {
    step.unwrap_or_else(|error| {
        tracing::warn!(error = %Causes(&error), "sweep step failed");
        0
    })
}
