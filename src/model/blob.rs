//! A blob at rest, and what it should hold.

use super::digest::BlockChecksums;
use super::ids::BlobId;

/// What is needed to read a blob and to check what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The checksums of its blocks.
    pub checksums: BlockChecksums,
}
