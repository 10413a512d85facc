//! A blob at rest, and what it should hold.

use super::digest::BlockChecksums;
use super::ids::{BlobId, WorkspaceId};
use bytes::Bytes;

/// What is needed to read a blob and to check what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The checksums of its blocks.
    pub checksums: BlockChecksums,
    /// Its bytes, where the metadata store has them; otherwise the blob store has them under its name.
    pub inline: Option<Bytes>,
}

/// What clients know the bytes of a blob by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobOwner {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The id of the File, or of the pending Upload, that has the blob.
    pub id: String,
}

/// Where received bytes are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the blob store, under this name, which has a pending row.
    Store(BlobId),
    /// Nowhere yet: the metadata store keeps them in the row of the blob.
    Inline(Bytes),
}
