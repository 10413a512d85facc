//! The verbs of Files: receive, create, list, retrieve, open, delete.
//!
//! Rules and order of steps live here; no HTTP, no SQL, no paths. Every verb takes the [`WorkspaceId`] of the caller,
//! and an id of another workspace is to it like an id that never existed. The handlers of floor 4 are the only callers.
//!
//! [`WorkspaceId`]: crate::model::ids::WorkspaceId

mod create;
mod delete;
pub mod lines;
mod list;
mod open;
mod probe;
mod receive;
mod retrieve;

pub use create::{CreateError, FileDetails};
pub use open::{ContentStream, StoredContent};
pub use probe::{LastProbe, Readiness, StoreState};
pub use receive::{ReceiveError, Received, Receiving};

use crate::blobs::{BlobError, BlobStore, InFlight, InUse};
use crate::causes::Causes;
use crate::clock::Clock;
use crate::metadata::{
    BlobRows, ClockStore, FileStore, LedgerStore, LimitStore, MetadataError, OutboxStore, StampStore, UpkeepStore,
    trait_set,
};
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use crate::shares::turns::FairTurns;
use std::io;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The largest file of purpose `batch`, in bytes (docs/contract.md, section 3).
pub const MAX_BATCH_FILE_BYTES: u64 = 200 << 20;

trait_set! {
    /// The rows that the verbs of Files use, and those that tell whether the store is ready.
    pub trait FilesMetadata: BlobRows + ClockStore + FileStore + LedgerStore + LimitStore + OutboxStore + StampStore + UpkeepStore;
}

/// The Files of an installation.
#[derive(Clone, Debug)]
pub struct Files {
    /// Rows.
    pub metadata: Arc<dyn FilesMetadata>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// What time it is, by which blobs get their names.
    pub clock: Clock,
    /// What this process is writing.
    pub in_flight: Arc<InFlight>,
    /// What this process is reading.
    pub in_use: Arc<InUse>,
    /// This run of the server.
    pub process: ProcessId,
    /// The largest file of one upload, in bytes.
    pub max_file_bytes: u64,
    /// Uploads in flight at once of a workspace that has no limit of its own.
    pub max_workspace_uploads: usize,
    /// The turns of workspaces at hashing and writing uploads.
    pub write_turns: FairTurns<WorkspaceId>,
    /// Files up to so many bytes are kept by the metadata store; none at 0.
    pub inline_max_bytes: u64,
    /// Batch and fine-tune files with bad lines are refused, not only marked.
    pub strict_jsonl: bool,
    /// Downloads are sent to the blob store where that can be.
    pub blobs_redirect: bool,
    /// Tells the sweeper that there is something to remove.
    pub sweep_wanted: Arc<Notify>,
    /// How the stores stood when they were asked last.
    pub last_probe: Arc<LastProbe>,
    /// Work that outlives the request that began it; waited for at shutdown.
    pub tasks: TaskTracker,
}

/// What any verb can fail with, whatever it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A store has no room left.
    #[error("a store has no room left")]
    OutOfSpace(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A File's bytes are not what was stored.
    #[error("blob {0} is damaged")]
    Damaged(BlobId, #[source] BlobError),
    /// The server made a mistake, or a store holds what it cannot read; asking again does not help.
    #[error("the server made a mistake")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A store ended a read that took too long.
    #[error("a store ended a read that took too long")]
    TookTooLong(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The metadata store takes no changes at the moment; reads may work.
    #[error("store is read-only")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A store does not answer as it should.
    #[error("store request failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Too many operations of the same workspace wait for a store already.
    #[error("too much of the workspace waits for a store")]
    Crowded(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A failure that several requests are told.
#[derive(Debug, thiserror::Error)]
#[error("what was waited for failed")]
struct SharedError(#[source] Arc<StoreError>);

impl StoreError {
    /// A step failed that no store is to blame for.
    #[must_use]
    pub fn unavailable(error: std::io::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }

    /// Returns the error once more, for another request that waited for the same.
    #[must_use]
    pub fn shared(error: &Arc<Self>) -> Self {
        let cause = || Box::new(SharedError(Arc::clone(error)));
        match &**error {
            Self::OutOfSpace(_) => Self::OutOfSpace(cause()),
            Self::Damaged(blob, BlobError::Damaged(_, why)) => Self::Damaged(*blob, BlobError::Damaged(*blob, why)),
            Self::Damaged(blob, BlobError::OutOfSpace(_) | BlobError::Unavailable(_)) => {
                Self::Damaged(*blob, BlobError::Unavailable(io::Error::other(SharedError(Arc::clone(error)))))
            }
            Self::Internal(_) => Self::Internal(cause()),
            Self::TookTooLong(_) => Self::TookTooLong(cause()),
            Self::Unavailable(_) => Self::Unavailable(cause()),
            Self::ReadOnly(_) => Self::ReadOnly(cause()),
            Self::Crowded(_) => Self::Crowded(cause()),
        }
    }

    /// The blob that was claimed is not there any more: somebody else cleared it away.
    #[must_use]
    pub fn claim_lost() -> Self {
        Self::Internal(Box::new(std::io::Error::other("the blob is not pending any more")))
    }
}

impl Files {
    /// Runs steps to their end even when the request that began them is cut off (docs/design/durability.md, R7). A
    /// failure that nobody waits for any more is logged here, since no answer carries it to the edge.
    pub async fn to_the_end<T, E>(&self, steps: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<StoreError> + Send + 'static,
    {
        let (sender, outcome) = oneshot::channel();
        let steps = async move {
            if let Err(Err(error)) = sender.send(steps.await) {
                tracing::warn!(error = %Causes(&error), "change failed after client disconnect");
            }
        };
        // Boxed, so that the layers around a task do not each copy its whole state.
        self.tasks.spawn(Box::pin(steps).in_current_span());
        outcome.await.unwrap_or_else(|cut| Err(StoreError::Internal(Box::new(cut)).into()))
    }
}

impl From<BlobError> for StoreError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::OutOfSpace(_) => Self::OutOfSpace(Box::new(error)),
            BlobError::Damaged(blob, _) => Self::Damaged(blob, error),
            BlobError::Unavailable(_) => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<MetadataError> for StoreError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::OutOfSpace(_) => Self::OutOfSpace(Box::new(error)),
            MetadataError::Broken(_) => Self::Internal(Box::new(error)),
            MetadataError::ReadOnly(_) => Self::ReadOnly(Box::new(error)),
            MetadataError::TookTooLong(_) => Self::TookTooLong(Box::new(error)),
            MetadataError::Unavailable(_) | MetadataError::Damaged(_) => Self::Unavailable(Box::new(error)),
            MetadataError::Crowded(_) => Self::Crowded(Box::new(error)),
        }
    }
}
