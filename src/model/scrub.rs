//! How far reading every blob has come.

use super::ids::BlobId;

/// What was read so far, in the order of the blobs' ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubProgress {
    /// When it began, in Unix seconds.
    pub begun_at: u64,
    /// When it came to its end, in Unix seconds; none while it is under way.
    pub ended_at: Option<u64>,
    /// The last blob that was looked at; none at the beginning.
    pub after: Option<BlobId>,
    /// Blobs that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of the blobs that are damaged.
    pub damaged: u64,
}
