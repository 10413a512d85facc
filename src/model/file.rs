//! A File, as the product knows it.

use super::digest::{ContentDigest, Sha256Digest};
use super::expiry::ExpiresAfter;
use super::filename::Filename;
use super::ids::{BlobId, FileId};
use super::purpose::Purpose;

/// A File that is visible to its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id; its second is the File's `created_at`.
    pub id: FileId,
    /// Where its bytes are.
    pub blob: BlobId,
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// Length of the content in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the content.
    pub sha256: Sha256Digest,
    /// The second, in Unix time, from which on it is gone.
    pub expires_at: Option<u64>,
}

impl File {
    /// The second of its creation, in Unix time.
    #[must_use]
    pub const fn created_at(&self) -> u64 {
        self.id.created_at()
    }
}

/// What a File is made of at the moment of its commit; the store adds the id.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The received bytes.
    pub blob: BlobId,
    /// What they amount to.
    pub content: ContentDigest,
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// How long it lives, counted from its id's second.
    pub expires_after: Option<ExpiresAfter>,
}
