//! Rows of blobs: their owner, content and state.

use super::error::MetadataError;
use crate::model::blob::{BlobOwner, StoredBlob};
use crate::model::digest::Sha256Digest;
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use async_trait::async_trait;
use std::collections::HashSet;
use std::fmt::Debug;

/// A blob that something has, and what it should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyBlob {
    /// The blob.
    pub stored: StoredBlob,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
}

/// The rows of blobs that are written or read.
#[async_trait]
pub trait BlobRows: Debug + Send + Sync {
    /// Inserts the row of a blob as `pending`, before its first byte is written.
    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError>;
    /// Stores the name that the blob store gave to the unfinished upload of a blob. Returns false when the blob has no
    /// row.
    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError>;
    /// Returns the stored upload names of those of these blobs that are not `ready`.
    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError>;
    /// Returns at most `limit` blobs that are `ready`, behind `after` in the order of their ids, with their bytes where
    /// the metadata store has them.
    async fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError>;
    /// Returns whether the blob is `ready`.
    async fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError>;
    /// Returns the owner of a blob: a File, or a pending Upload. Returns none when it has no owner.
    async fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError>;
    /// Returns those of these blobs that have a row, in any state.
    async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, MetadataError>;
}
