//! The blob stores: immutable bytes at rest, named by the server.
//!
//! A blob appears whole or not at all, is never overwritten and never truncated. Stores know nothing of Files,
//! workspaces or requests; [`digest`] computes and [`verify`] checks what the metadata store remembers of the bytes.
//! The verbs of floor 3 are the only callers.

pub mod behind;
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
use crate::shares::turns::OwnTurns;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use std::io;
use std::pin::Pin;

/// What a blob store can fail with.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No room for more bytes or more names.
    #[error("the blob store has no room left")]
    OutOfSpace(#[source] io::Error),
    /// The blob is missing, shorter than it was, or holds other bytes.
    #[error("blob {0} is damaged: {1}")]
    Damaged(BlobId, &'static str),
    /// The store does not answer as it should.
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

/// Bytes of a blob, in order; a stream that ends without an error was complete.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, BlobError>> + Send>>;

/// How far a walk over the names of a store has come; a store knows what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesCursor(pub String);

/// Some of the names in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesPage {
    /// Blobs, finished or begun; one that is both is there twice.
    pub blobs: Vec<BlobId>,
    /// Names that are no blobs'.
    pub strays: Vec<String>,
    /// Where the next page begins.
    pub last: NamesCursor,
}

/// The outcome of giving a blob of one store a second name in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// Both stores have the same bytes now.
    Made,
    /// The other store does not have the blob.
    Absent,
    /// The file system makes no such link; the bytes must be copied.
    Refused,
}

/// A place for blobs.
#[async_trait]
pub trait BlobStore: std::fmt::Debug + Send + Sync + 'static {
    /// Begins a blob of this fresh name. Nothing is visible before [`BlobWriter::finish`].
    async fn create(&self, id: BlobId) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Bytes `range` of a blob, which must lie within it. A missing blob is [`BlobError::Damaged`].
    async fn read(&self, id: BlobId, range: ByteRange) -> Result<BlobStream, BlobError>;

    /// Whether a stream that is being read goes on whatever becomes of its blob; otherwise whoever reads has to see to it
    /// that the blob stays.
    fn keeps_what_is_read(&self) -> bool {
        true
    }

    /// A URL that opens a blob for a moment to whoever has it, and answers with this `Content-Disposition`; none where the
    /// store has no such thing. With a `Range` header, only requests with exactly that header get anything.
    async fn url(&self, _id: BlobId, _disposition: &str, _range: Option<&str>) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    /// Removes blobs for good: those that it returns are gone after a power cut too. What is not there counts as removed;
    /// streams that are being read go on. One that cannot be removed does not keep the others.
    async fn delete(&self, ids: &[BlobId]) -> Vec<(BlobId, Result<(), BlobError>)>;

    /// The lengths of these blobs, in bytes and in this order; none for one that is not there.
    async fn sizes(&self, ids: &[BlobId]) -> Result<Vec<Option<u64>>, BlobError>;

    /// Some of the names in the store, finished and begun, behind `after`; none at the end.
    async fn names(&self, after: Option<NamesCursor>) -> Result<Option<NamesPage>, BlobError>;

    /// Some of the names in the store of blobs whose ids begin with this byte, behind `after`; none at the end. Walks over
    /// different first bytes can go on side by side.
    async fn names_of(&self, first_byte: u8, after: Option<NamesCursor>) -> Result<Option<NamesPage>, BlobError>;

    /// Puts aside what is there under the names of these blobs, finished or begun, as of `now_seconds`; those of the blobs
    /// that were there. What is put aside is not read and not among the [`names`](Self::names) any more.
    async fn quarantine(&self, ids: &[BlobId], now_seconds: u64) -> Result<Vec<BlobId>, BlobError>;

    /// Names that were put aside.
    async fn quarantined(&self) -> Result<Vec<String>, BlobError>;

    /// Removes for good what was put aside at `before_seconds` or earlier; how many names that were.
    async fn purge_quarantine(&self, before_seconds: u64) -> Result<usize, BlobError>;

    /// What the store remembers of its installation.
    async fn stamp(&self) -> Result<Option<Stamp>, BlobError>;

    /// Replaces what it remembers, durably.
    async fn set_stamp(&self, stamp: Stamp) -> Result<(), BlobError>;

    /// Returns the `event_id` of a row of the ledger that the metadata store had, noted a while ago; none when none was noted,
    /// or the note was lost in a power cut.
    async fn last_event(&self) -> Result<Option<String>, BlobError>;

    /// Replaces that note. It need not outlive a power cut: what is read then is the note, the one before it, or none.
    async fn set_last_event(&self, event_id: Option<&str>) -> Result<(), BlobError>;

    /// Whether the store can keep a blob now. A full one answers [`BlobError::OutOfSpace`].
    async fn probe(&self) -> Result<(), BlobError>;
}

/// The turns of a workspace at hashing and writing.
pub type WriteTurns = OwnTurns<WorkspaceId>;

/// A blob that is being written.
///
/// Dropping it removes what was written; [`Self::discard`] does so too, and tells when it is done.
#[async_trait]
pub trait BlobWriter: Send {
    /// Hashes and writes from now on only when it is the owner's turn, where writing costs this machine much.
    fn take_turns(&mut self, _turns: WriteTurns) {}

    /// Takes the next bytes. It may return before they are written, and waits when too much is on its way.
    async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError>;

    /// Makes the blob durable and visible, in this order, and tells what it holds.
    async fn finish(self: Box<Self>) -> Result<ContentDigest, BlobError>;

    /// Removes what was written.
    async fn discard(self: Box<Self>);
}
