//! The progress of a scrub.

use super::ids::BlobId;

/// The progress of a scrub, in the order of blob ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubProgress {
    /// The Unix second of its start.
    pub begun_at: u64,
    /// The Unix second of its end; none while it is running.
    pub ended_at: Option<u64>,
    /// The last blob read; none at the start.
    pub after: Option<BlobId>,
    /// The number of blobs read.
    pub blobs: u64,
    /// The bytes read.
    pub bytes: u64,
    /// The number of damaged blobs.
    pub damaged: u64,
}
