//! The service of Files: receive, create, list, retrieve, open, delete.
//!
//! It holds the rules and the order of steps, and knows no HTTP, SQL or paths. Every operation takes the
//! [`WorkspaceId`] of the caller; an id of another workspace is treated as unknown. Handlers and `uploads` call it.
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
mod settings;

pub use create::{CreateError, FileDetails, check_name};
pub use open::{ContentStream, StoredContent};
pub use probe::{LastProbe, Readiness, StoreState};
pub use receive::{ReceiveError, Received, Receiving};
pub use settings::FileSettings;

use crate::blobs::{BlobError, BlobStore, InFlight, InUse};
use crate::clock::Clock;
use crate::error_chain::ErrorChain;
use crate::metadata::{
    BlobRows, ClockStore, FileStore, LedgerStore, LimitStore, MetadataError, OutboxStore, StampStore, UpkeepStore,
    trait_set,
};
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use crate::shares::contention::ContentionLimiter;
use crate::traces;
use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use std::io;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;

/// The largest file of purpose `batch`, in bytes (docs/contract.md, section 3).
pub const MAX_BATCH_FILE_BYTES: u64 = 200 << 20;

trait_set! {
    /// The rows that the verbs of Files use, and those that tell whether the store is ready.
    pub trait FilesMetadata: BlobRows + ClockStore + FileStore + LedgerStore + LimitStore + OutboxStore + StampStore + UpkeepStore;
}

/// The service of Files.
#[derive(Clone, Debug)]
pub struct Files {
    /// The metadata store.
    pub metadata: Arc<dyn FilesMetadata>,
    /// The blob store.
    pub blobs: Arc<dyn BlobStore>,
    /// The clock, by which blobs are named.
    pub clock: Clock,
    /// The blobs that this process is writing.
    pub in_flight: Arc<InFlight>,
    /// The blobs that this process is reading.
    pub in_use: Arc<InUse>,
    /// The process id of this server.
    pub process: ProcessId,
    /// The settings that a reload may change.
    pub settings: Arc<ArcSwap<FileSettings>>,
    /// The limiter of workspaces at hashing and writing uploads.
    pub write_limiter: ContentionLimiter<WorkspaceId>,
    /// Triggers a sweep.
    pub sweep_wanted: Arc<Notify>,
    /// The result of the last probe.
    pub last_probe: Arc<LastProbe>,
    /// The tasks that outlive their requests; shutdown waits for them.
    pub tasks: TaskTracker,
}

/// A failure that any operation can have.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A store is full.
    #[error("a store is full")]
    OutOfSpace(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bytes of a File are damaged.
    #[error("blob {0} is damaged")]
    Damaged(BlobId, #[source] BlobError),
    /// A fault of the server, or unreadable data in a store. A retry does not help.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A store cancelled a read that took too long.
    #[error("a store cancelled a read that took too long")]
    TookTooLong(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The metadata store is read-only at the moment; reads may work.
    #[error("a store is read-only")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A store failed or did not answer.
    #[error("store request failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Too many operations of the same workspace are waiting for a store.
    #[error("too many operations of the workspace wait for a store")]
    Crowded(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A failure that several requests share.
#[derive(Debug, thiserror::Error)]
#[error("a shared step failed")]
struct SharedError(#[source] Arc<StoreError>);

impl StoreError {
    /// Returns the failure of a step that no store caused.
    #[must_use]
    pub fn unavailable(error: std::io::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }

    /// Returns the error again, for another request that waited for the same step.
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

    /// Returns the error of a pending blob that was swept meanwhile.
    #[must_use]
    pub fn claim_lost() -> Self {
        Self::Internal(Box::new(std::io::Error::other("the blob is no longer pending")))
    }
}

impl Files {
    /// Runs steps to their end even when their request is cancelled (docs/design/durability.md, R7). A failure without
    /// a waiting request is logged here. The steps are boxed, so that the layers around a task do not each copy their
    /// whole state.
    pub async fn run_to_end<T, E>(&self, steps: BoxFuture<'static, Result<T, E>>) -> Result<T, E>
    where
        T: Send + 'static,
        E: std::error::Error + From<StoreError> + Send + 'static,
    {
        let (sender, outcome) = oneshot::channel();
        let steps = async move {
            if let Err(Err(error)) = sender.send(steps.await) {
                tracing::warn!(error = %ErrorChain(&error), "change failed after client disconnect");
            }
        };
        self.tasks.spawn(traces::carry(steps));
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
