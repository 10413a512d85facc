//! Uploads: Files that are sent in parts (docs/contract.md, section 9).

use super::chosen_name::ChosenName;
use super::digest::{ContentDigest, Sha256Digest};
use super::expiry::ExpiresAfter;
use super::file::File;
use super::filename::Filename;
use super::ids::{BlobId, PartId, UploadId};
use super::mime_type::MimeType;
use super::purpose::Purpose;
use std::fmt;

/// The largest size of an Upload, in bytes.
pub const MAX_UPLOAD_BYTES: u64 = 8 << 30;
/// The largest part, in bytes. SDKs send parts of this size.
pub const MAX_PART_BYTES: u64 = 64 << 20;
/// The maximum number of parts of an Upload.
pub const MAX_PARTS: u32 = 10_000;
/// The multiple of its declared bytes that an Upload's parts may have: a client resends a part whose response was lost.
const DECLARED_TIMES: u64 = 2;
/// The additional bytes that the parts may have: one part of the largest size.
const SPARE_BYTES: u64 = MAX_PART_BYTES;

/// The time that a finished Upload is kept after its `expires_at`, in seconds: 30 days. A repeated completion is
/// answered until then.
pub const REMEMBERED_SECONDS: u64 = 30 * 86_400;

/// An Upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id; its second is the Upload's `created_at`.
    pub id: UploadId,
    /// The declared size of the File, in bytes; 0 if none was.
    pub size_bytes: u64,
    /// The largest size of a File whose size was not declared, in bytes. Its parts are all its bytes.
    pub grows_to_bytes: Option<u64>,
    /// The name of the File.
    pub filename: Filename,
    /// The purpose of the File.
    pub purpose: Purpose,
    /// The Unix second at which a pending Upload expires.
    pub expires_at: u64,
    /// Its status.
    pub status: UploadStatus,
    /// The completed File, while it exists.
    pub file: Option<File>,
    /// The sum of its parts' sizes, in bytes. Only for a pending Upload.
    pub parts_bytes: u64,
    /// The number of its parts. Only for a pending Upload.
    pub part_count: u32,
}

impl Upload {
    /// Returns the maximum of its parts' total size, in bytes.
    #[must_use]
    pub const fn max_parts_bytes(&self) -> u64 {
        match self.grows_to_bytes {
            Some(grows_to_bytes) => grows_to_bytes,
            None => self.size_bytes.saturating_mul(DECLARED_TIMES).saturating_add(SPARE_BYTES),
        }
    }

    /// Returns the bytes of quota that a pending Upload reserves: its declared size, or the size of its parts if
    /// larger.
    #[must_use]
    pub fn reserved_bytes(&self) -> u64 {
        self.size_bytes.max(self.parts_bytes)
    }

    /// Checks whether the Upload accepts a part of `part_bytes`. Returns the growth of its reservation, in bytes.
    ///
    /// # Errors
    /// When it is not pending, or has too many parts or bytes.
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

/// The status of an Upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStatus {
    /// It accepts parts.
    Pending,
    /// It was completed to a File.
    Completed,
    /// Its client cancelled it.
    Cancelled,
    /// It expired.
    Expired,
}

impl UploadStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Completed, Self::Cancelled, Self::Expired];

    /// Returns the status of this wire name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Returns its wire name.
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

/// An Upload before it is stored. The store adds the id.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// The declared size of the File, in bytes, at most [`MAX_UPLOAD_BYTES`]; 0 if none was.
    pub size_bytes: u64,
    /// The largest size of a File whose size was not declared, in bytes.
    pub grows_to_bytes: Option<u64>,
    /// The name that the client chose for the File.
    pub chosen_name: Option<ChosenName>,
    /// The name of the File.
    pub filename: Filename,
    /// The media type of the File.
    pub mime_type: MimeType,
    /// The purpose of the File.
    pub purpose: Purpose,
    /// The expiry of the File that its client asked for, counted from the File's creation.
    pub expires_after: Option<ExpiresAfter>,
    /// The time during which it accepts parts, in seconds.
    pub ttl_seconds: u64,
}

/// A part of an Upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its id; its second is the part's `created_at`.
    pub id: PartId,
    /// Its Upload.
    pub upload: UploadId,
    /// Its length, in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Sha256Digest,
}

/// A part before it is stored. The store adds the id.
#[derive(Clone, Debug)]
pub struct NewPart {
    /// The blob with its bytes.
    pub blob: BlobId,
    /// The digest of its bytes.
    pub content: ContentDigest,
    /// The bytes that the Upload must have before it; none for a part that may have any place.
    pub offset_bytes: Option<u64>,
}

/// The parts that make up a File.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The parts, in order.
    pub parts: Vec<PartId>,
    /// The SHA-256 of the whole content, if it was computed.
    pub sha256: Option<Sha256Digest>,
}

/// The reason why an Upload refuses a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    /// The workspace has no such Upload.
    #[error("there is no such upload")]
    NotFound,
    /// The Upload is not pending.
    #[error("the upload is {0}")]
    NotPending(UploadStatus),
    /// The Upload has the maximum number of parts.
    #[error("the upload has {MAX_PARTS} parts")]
    TooManyParts,
    /// The parts would exceed the maximum of bytes.
    #[error("the parts of an upload of {size_bytes} bytes may have {limit_bytes} bytes")]
    TooManyBytes {
        /// The declared size, in bytes.
        size_bytes: u64,
        /// The maximum of the parts' total size, in bytes.
        limit_bytes: u64,
    },
    /// The Upload does not have exactly the bytes before the part.
    #[error("the part begins elsewhere than the upload ends")]
    WrongOffset,
    /// Another File of the workspace has the chosen name.
    #[error("another file has the chosen name")]
    NameTaken,
    /// The Upload has no such part.
    #[error("the upload has no part {0}")]
    UnknownPart(PartId),
    /// The cursor is not a part of the Upload.
    #[error("the upload has no part {0}, after which the list should begin")]
    UnknownCursor(PartId),
    /// A part is named twice.
    #[error("the part {0} is named twice")]
    RepeatedPart(PartId),
    /// The parts do not add up to the declared size.
    #[error("the parts have {sum_bytes} bytes, {size_bytes} were declared")]
    WrongSize {
        /// The sum of the parts' sizes, in bytes.
        sum_bytes: u64,
        /// The declared size, in bytes.
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
            grows_to_bytes: None,
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
