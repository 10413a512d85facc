//! A File, as the product knows it.

use super::blob::Place;
use super::digest::{ContentDigest, Sha256Digest};
use super::expiry::ExpiresAfter;
use super::filename::Filename;
use super::ids::FileId;
use super::purpose::Purpose;

/// A File that is visible to its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id; its second is the File's `created_at`.
    pub id: FileId,
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// Length of the content in bytes.
    pub size_bytes: u64,
    /// What identifies its content.
    pub digest: FileDigest,
    /// The second, in Unix time, from which on it is gone.
    pub expires_at: Option<u64>,
    /// What is wrong with its content, as far as its purpose demands something.
    pub status_details: Option<String>,
}

impl File {
    /// The second of its creation, in Unix time.
    #[must_use]
    pub const fn created_at(&self) -> u64 {
        self.id.created_at()
    }
}

/// What identifies the content of a File. It never changes (docs/contract.md, section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileDigest {
    /// SHA-256 of content that came as a whole.
    Whole(Sha256Digest),
    /// Content that was completed from parts.
    Parts {
        /// SHA-256 of the parts' raw digests, in order.
        of_parts: Sha256Digest,
        /// How many parts there are.
        count: u32,
        /// SHA-256 of the content, if it was read once as a whole.
        whole: Option<Sha256Digest>,
    },
}

impl FileDigest {
    /// SHA-256 of the content, where it is known.
    #[must_use]
    pub const fn sha256(self) -> Option<Sha256Digest> {
        match self {
            Self::Whole(sha256) => Some(sha256),
            Self::Parts { whole, .. } => whole,
        }
    }

    /// The strong entity tag of the content, with its quotes.
    #[must_use]
    pub fn etag(self) -> String {
        match self {
            Self::Whole(sha256) => format!("\"{sha256}\""),
            Self::Parts { of_parts, count, .. } => format!("\"{of_parts}-{count}\""),
        }
    }
}

/// What a File is made of at the moment of its commit; the store adds the id.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The received bytes.
    pub place: Place,
    /// What they amount to.
    pub content: ContentDigest,
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// How long it lives, counted from its id's second, if its client asks for that.
    pub expires_after: Option<ExpiresAfter>,
    /// What is wrong with the content, if anything is.
    pub status_details: Option<String>,
}
