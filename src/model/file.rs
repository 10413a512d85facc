//! A File and its digest.

use super::blob::ContentLocation;
use super::chosen_name::ChosenName;
use super::digest::{ContentDigest, Sha256Digest};
use super::expiry::ExpiresAfter;
use super::filename::Filename;
use super::ids::{FileId, LinkId};
use super::mime_type::MimeType;
use super::purpose::Purpose;

/// A File that is visible to its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id; its second is the File's `created_at`.
    pub id: FileId,
    /// Its purpose.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// The length of the content, in bytes.
    pub size_bytes: u64,
    /// The digest of its content.
    pub digest: FileDigest,
    /// The Unix second from which on it is expired.
    pub expires_at: Option<u64>,
    /// A description of invalid content, where its purpose demands a format.
    pub status_details: Option<String>,
    /// The media type of its content.
    pub mime_type: MimeType,
    /// The name that its client chose in Gemini's dialect.
    pub chosen_name: Option<ChosenName>,
}

impl File {
    /// Returns a File with valid content and no chosen name, which expires this long after the second of its id.
    #[must_use]
    pub fn new(
        id: FileId,
        purpose: Purpose,
        filename: Filename,
        mime_type: MimeType,
        size_bytes: u64,
        digest: FileDigest,
        expires_after: Option<ExpiresAfter>,
    ) -> Self {
        let expires_at = expires_after.map(|after| after.at(id.created_at()));
        Self {
            id,
            purpose,
            filename,
            size_bytes,
            digest,
            expires_at,
            status_details: None,
            mime_type,
            chosen_name: None,
        }
    }

    /// Returns the Unix second of its creation.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.id.created_at()
    }
}

/// The digest of a File's content, which never changes (docs/contract.md, section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileDigest {
    /// The SHA-256 of content that was uploaded whole.
    Whole(Sha256Digest),
    /// The digest of content that was completed from parts.
    Parts {
        /// The SHA-256 of the parts' raw digests, in order.
        of_parts: Sha256Digest,
        /// The number of parts.
        count: u32,
        /// The SHA-256 of the content, if it was computed.
        whole: Option<Sha256Digest>,
    },
}

impl FileDigest {
    /// Returns the SHA-256 of the content, where known.
    #[must_use]
    pub const fn sha256(self) -> Option<Sha256Digest> {
        match self {
            Self::Whole(sha256) => Some(sha256),
            Self::Parts { whole, .. } => whole,
        }
    }

    /// Returns the strong entity tag of the content, with its quotes.
    #[must_use]
    pub fn etag(self) -> String {
        match self {
            Self::Whole(sha256) => format!("\"{sha256}\""),
            Self::Parts { of_parts, count, .. } => format!("\"{of_parts}-{count}\""),
        }
    }
}

/// A File before it is committed. The store adds the id.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The location of the received content.
    pub place: ContentLocation,
    /// The digest of the content.
    pub content: ContentDigest,
    /// Its purpose.
    pub purpose: Purpose,
    /// Its name.
    pub filename: Filename,
    /// The media type of its content.
    pub mime_type: MimeType,
    /// The expiry that its client asked for, counted from its id's second.
    pub expires_after: Option<ExpiresAfter>,
    /// A description of invalid content.
    pub status_details: Option<String>,
    /// The link that makes it, which this uses up.
    pub link: Option<LinkId>,
}
