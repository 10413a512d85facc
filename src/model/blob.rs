//! A blob at rest, and its owner.

use super::digest::BlockChecksums;
use super::ids::{BlobId, WorkspaceId};
use bytes::Bytes;

/// The metadata of a blob that a verified read needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// The blob.
    pub blob: BlobId,
    /// Its length, in bytes.
    pub size_bytes: u64,
    /// The checksums of its blocks.
    pub checksums: BlockChecksums,
    /// Its bytes if the metadata store has them; otherwise the blob store has them.
    pub inline: Option<Bytes>,
}

/// The owner of a blob, as clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobOwner {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The id of the File or pending Upload that has the blob.
    pub id: String,
}

/// The location of received content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentLocation {
    /// The blob store, under a name with a pending row.
    Store(BlobId),
    /// Memory. The metadata store will keep it in the blob's row.
    Inline(Bytes),
}
