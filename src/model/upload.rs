//! Uploads: Files that come in parts (docs/contract.md, section 9).

use super::digest::{ContentDigest, Sha256Digest};
use super::expiry::ExpiresAfter;
use super::file::File;
use super::filename::Filename;
use super::ids::{BlobId, PartId, UploadId};
use super::purpose::Purpose;
use std::fmt;

/// The largest File that an Upload can become, in bytes.
pub const MAX_UPLOAD_BYTES: u64 = 8 << 30;
/// The largest part, in bytes; the size of the parts that SDKs send.
pub const MAX_PART_BYTES: u64 = 64 << 20;
/// Parts that one Upload may be given.
pub const MAX_PARTS: u32 = 10_000;
/// How often the parts of an Upload may have its declared bytes: a client sends a part again when its answer was lost.
const DECLARED_TIMES: u64 = 2;
/// What they may have beyond that, in bytes: one part of the largest size.
const SPARE_BYTES: u64 = MAX_PART_BYTES;

/// How long an Upload that is not pending any more is remembered after its `expires_at`, in seconds: 30 days. A repeated
/// completion is answered until then.
pub const REMEMBERED_SECONDS: u64 = 30 * 86_400;

/// A File that is being put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id; its second is the Upload's `created_at`.
    pub id: UploadId,
    /// The length of the File to be, in bytes.
    pub size_bytes: u64,
    /// The name of the File to be.
    pub filename: Filename,
    /// What the File is for.
    pub purpose: Purpose,
    /// The second, in Unix time, from which on a pending Upload is expired.
    pub expires_at: u64,
    /// Where it stands.
    pub status: UploadStatus,
    /// The File that it became, while that is there.
    pub file: Option<File>,
    /// The bytes of the parts that it was given, in sum. Only of a pending Upload.
    pub parts_bytes: u64,
    /// The number of those parts. Only of a pending Upload.
    pub part_count: u32,
}

impl Upload {
    /// Returns the most that the parts of the Upload may have together, in bytes.
    #[must_use]
    pub const fn max_parts_bytes(&self) -> u64 {
        self.size_bytes.saturating_mul(DECLARED_TIMES).saturating_add(SPARE_BYTES)
    }

    /// Returns how many bytes of a quota the Upload takes while it is pending: those of the File to be, or those of its parts
    /// if they are more.
    #[must_use]
    pub fn reserved_bytes(&self) -> u64 {
        self.size_bytes.max(self.parts_bytes)
    }

    /// Decides whether the Upload takes one more part of `part_bytes`. Returns by how many bytes its reservation grows.
    ///
    /// # Errors
    /// When it is not pending, has all parts that it may have, or its parts would have more bytes than they may have.
    pub fn check_part(&self, part_bytes: u64) -> Result<u64, UploadRefusal> {
        if self.status != UploadStatus::Pending {
            return Err(UploadRefusal::NotPending(self.status));
        }
        if self.part_count >= MAX_PARTS {
            return Err(UploadRefusal::TooManyParts);
        }
        let (parts_bytes, limit_bytes) = (self.parts_bytes.saturating_add(part_bytes), self.max_parts_bytes());
        if parts_bytes > limit_bytes {
            return Err(UploadRefusal::TooManyBytes { size_bytes: self.size_bytes, limit_bytes });
        }
        Ok(parts_bytes.saturating_sub(self.reserved_bytes()))
    }
}

/// Where an Upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStatus {
    /// It takes parts.
    Pending,
    /// It became a File.
    Completed,
    /// Its client gave it up.
    Cancelled,
    /// Its time is over.
    Expired,
}

impl UploadStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Completed, Self::Cancelled, Self::Expired];

    /// The status of this wire name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for UploadStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// An Upload as it is begun; the store adds the id.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// The length of the File to be, in bytes, at most [`MAX_UPLOAD_BYTES`].
    pub size_bytes: u64,
    /// The name of the File to be.
    pub filename: Filename,
    /// What the File is for.
    pub purpose: Purpose,
    /// How long the File lives, counted from its own creation, if its client asks for that.
    pub expires_after: Option<ExpiresAfter>,
    /// How long the Upload takes parts, in seconds.
    pub ttl_seconds: u64,
}

/// A part of an Upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its id; its second is the part's `created_at`.
    pub id: PartId,
    /// The Upload that it was given to.
    pub upload: UploadId,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
}

/// A part as it is entered; the store adds the id.
#[derive(Clone, Debug)]
pub struct NewPart {
    /// The received bytes.
    pub blob: BlobId,
    /// What they amount to.
    pub content: ContentDigest,
}

/// Which parts a File is made of.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The parts, in the order of their bytes.
    pub parts: Vec<PartId>,
    /// SHA-256 of the whole, if it was computed.
    pub sha256: Option<Sha256Digest>,
}

/// Why an Upload does not do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    /// The workspace has no such Upload.
    #[error("there is no such upload")]
    NotFound,
    /// It does not take parts any more.
    #[error("the upload is {0}")]
    NotPending(UploadStatus),
    /// It has as many parts as it may have.
    #[error("the upload has {MAX_PARTS} parts")]
    TooManyParts,
    /// Its parts would have more bytes than they may have.
    #[error("the parts of an upload of {size_bytes} bytes may have {limit_bytes} bytes")]
    TooManyBytes {
        /// What was declared.
        size_bytes: u64,
        /// The most that all its parts may have together.
        limit_bytes: u64,
    },
    /// It has no such part.
    #[error("the upload has no part {0}")]
    UnknownPart(PartId),
    /// A list is to begin behind a part that it does not have.
    #[error("the upload has no part {0} to begin behind")]
    UnknownCursor(PartId),
    /// A part is named twice.
    #[error("the part {0} is named twice")]
    RepeatedPart(PartId),
    /// The parts do not add up to the declared length.
    #[error("the parts have {sum_bytes} bytes, {size_bytes} were declared")]
    WrongSize {
        /// What the parts have.
        sum_bytes: u64,
        /// What was declared.
        size_bytes: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(size_bytes: u64, parts_bytes: u64, part_count: u32) -> Upload {
        Upload {
            id: UploadId::new(0, [0; 12]),
            size_bytes,
            filename: Filename::parse("u").unwrap(),
            purpose: Purpose::UserData,
            expires_at: 0,
            status: UploadStatus::Pending,
            file: None,
            parts_bytes,
            part_count,
        }
    }

    #[test]
    fn parts_reserve_what_they_have_beyond_the_declared_bytes() {
        assert_eq!(upload(10, 0, 0).check_part(10), Ok(0));
        assert_eq!(upload(10, 0, 0).check_part(11), Ok(1));
        assert_eq!(upload(10, 8, 1).check_part(5), Ok(3));
        assert_eq!(upload(10, 12, 2).check_part(5), Ok(5));
        assert_eq!((upload(10, 8, 1).reserved_bytes(), upload(10, 12, 2).reserved_bytes()), (10, 12));
    }

    #[test]
    fn parts_may_have_twice_the_declared_bytes_and_one_part_more() {
        let limit_bytes = 20 + MAX_PART_BYTES;
        let refused = Err(UploadRefusal::TooManyBytes { size_bytes: 10, limit_bytes });
        assert_eq!(upload(10, 20, 2).check_part(MAX_PART_BYTES), Ok(MAX_PART_BYTES));
        assert_eq!(upload(10, 21, 2).check_part(MAX_PART_BYTES), refused);
        assert_eq!(upload(10, u64::MAX, 2).check_part(1), refused);
        assert_eq!(upload(10, 0, MAX_PARTS).check_part(1), Err(UploadRefusal::TooManyParts));
        let ended = Upload { status: UploadStatus::Expired, ..upload(10, 0, 0) };
        assert_eq!(ended.check_part(1), Err(UploadRefusal::NotPending(UploadStatus::Expired)));
    }
}
