//! The blob stores: immutable bytes at rest, named by the server.
//!
//! A blob appears whole or not at all, is never overwritten and never truncated. Stores know nothing of Files,
//! workspaces or requests. [`digest`] computes and [`verify`] checks what the metadata store records of the bytes.
//! Services are the only callers.

pub mod blocking_pipeline;
pub mod cloud;
#[cfg(test)]
mod contract;
pub mod digest;
mod event_note;
mod in_flight;
mod in_use;
pub mod local;
#[cfg(test)]
mod memory;
pub mod verify;

pub use in_flight::{InFlight, InFlightToken};
pub use in_use::{InUse, InUseToken};

use crate::model::byte_range::ByteRange;
use crate::model::digest::ContentDigest;
use crate::model::ids::{BlobId, WorkspaceId};
use crate::model::stamp::Stamp;
use crate::shares::contention::OwnerLimiter;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use std::io;
use std::pin::Pin;

/// An error of a blob store.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store is full.
    #[error("blob store full")]
    OutOfSpace(#[source] io::Error),
    /// The blob is missing, truncated or altered.
    #[error("blob {0} is damaged: {1}")]
    Damaged(BlobId, &'static str),
    /// The store failed or did not answer.
    #[error("the blob store failed")]
    Unavailable(#[source] io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::OutOfSpace(error),
            _ => Self::Unavailable(error),
        }
    }
}

/// The bytes of a blob, in order. A stream that ends without an error was complete.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, BlobError>> + Send>>;

/// The position of a walk over the names of a store, in the store's own format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCursor(pub String);

/// One page of the names in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// Finished and temporary blobs. A blob that is both appears twice.
    pub blobs: Vec<BlobId>,
    /// Names that are not names of blobs.
    pub unrecognized: Vec<String>,
    /// The position of the next page.
    pub last: ListCursor,
}

/// The outcome of linking a blob into another store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// Both stores have the same bytes.
    Linked,
    /// The source has no such blob.
    Missing,
    /// The file system cannot link; the bytes must be copied.
    Unsupported,
}

/// A blob store: the bytes of blobs.
#[async_trait]
pub trait BlobStore: BlobNames + BlobMarks + std::fmt::Debug + Send + Sync + 'static {
    /// Begins a blob with a fresh name. It is invisible before [`BlobWriter::finish`].
    async fn create(&self, id: BlobId) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Opens `range` of a blob, which must lie within it. A missing blob is [`BlobError::Damaged`].
    async fn read(&self, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError>;

    /// Returns whether an open stream outlives the deletion of its blob. Otherwise readers enter it in [`InUse`].
    fn reads_survive_deletion(&self) -> bool {
        true
    }

    /// Returns a signed URL that opens a blob for a short time and answers with this `Content-Disposition`; none where
    /// the store has no such URLs. With `range`, only requests with exactly that `Range` header succeed.
    async fn url(&self, _id: BlobId, _disposition: &str, _range: Option<&str>) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    /// Deletes blobs durably. A missing blob counts as deleted, open streams go on, and one failure does not stop the
    /// rest.
    async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)>;

    /// Returns the lengths of blobs in bytes, in order; none for a missing one.
    async fn sizes(&self, ids: &[BlobId]) -> Result<Vec<Option<u64>>, BlobError>;

    /// Checks that the store can keep a blob now. A full store answers [`BlobError::OutOfSpace`].
    async fn probe(&self) -> Result<(), BlobError>;
}

/// The names in a blob store, and its quarantine: what the sweep and checks of whole stores need.
#[async_trait]
pub trait BlobNames: Send + Sync {
    /// Returns a page of names after `after`; none at the end.
    async fn list(&self, after: Option<ListCursor>) -> Result<Option<ListPage>, BlobError>;

    /// Returns a page of the blobs whose ids begin with `first_byte`, after `after`; none at the end. Walks over
    /// different first bytes may run in parallel.
    async fn list_by_first_byte(
        &self,
        first_byte: u8,
        after: Option<ListCursor>,
    ) -> Result<Option<ListPage>, BlobError>;

    /// Moves blobs, finished or temporary, to the quarantine, dated `now_seconds`. Returns those that existed. A
    /// quarantined blob is neither read nor [listed](Self::list).
    async fn quarantine(&self, ids: &[BlobId], now_seconds: u64) -> Result<Vec<BlobId>, BlobError>;

    /// Returns the quarantined names.
    async fn quarantined(&self) -> Result<Vec<String>, BlobError>;

    /// Deletes what was quarantined at `before_seconds` or earlier. Returns the number of names.
    async fn purge_quarantine(&self, before_seconds: u64) -> Result<usize, BlobError>;
}

/// The marks beside the blobs, by which a metadata store knows that it belongs to them.
#[async_trait]
pub trait BlobMarks: Send + Sync {
    /// Returns the stamp of the store.
    async fn stamp(&self) -> Result<Option<Stamp>, BlobError>;

    /// Replaces the stamp durably.
    async fn set_stamp(&self, stamp: Stamp) -> Result<(), BlobError>;

    /// Returns the noted `event_id` of a ledger row that the metadata store had; none without a note, or when a power
    /// cut lost it.
    async fn last_event(&self) -> Result<Option<String>, BlobError>;

    /// Replaces the note. After a power cut it is the new note, the one before, or none.
    async fn set_last_event(&self, event_id: Option<&str>) -> Result<(), BlobError>;
}

/// The share of a workspace in hashing and writing.
pub type WriteLimiter = OwnerLimiter<WorkspaceId>;

/// A blob that is being written.
///
/// Dropping it removes the bytes; [`Self::discard`] does so too, and returns when done.
#[async_trait]
pub trait BlobWriter: Send {
    /// Hashes and writes from now on under permits of the limiter, where writing loads this machine.
    fn limit_writes(&mut self, _limiter: WriteLimiter) {}

    /// Queues the next bytes. It may return before they are written, and waits while too many are queued.
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError>;

    /// Makes the blob durable, then visible, and returns its digest.
    async fn finish(self: Box<Self>) -> Result<ContentDigest, BlobError>;

    /// Removes the written bytes.
    async fn discard(self: Box<Self>);
}
