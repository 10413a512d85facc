//! When a File ends by itself (openai-contract.md, section 3).

use super::purpose::Purpose;
use std::ops::RangeInclusive;

/// How many seconds after its creation a File may be told to expire.
pub const EXPIRES_AFTER_SECONDS: RangeInclusive<u64> = 3600..=2_592_000;

/// The life of a `batch` File that names no expiry: 30 days.
pub const BATCH_DEFAULT_SECONDS: u64 = 2_592_000;

/// A number of seconds after creation, within [`EXPIRES_AFTER_SECONDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAfter(u64);

impl ExpiresAfter {
    /// That many seconds, or nothing when they are out of bounds.
    #[must_use]
    pub fn seconds(seconds: u64) -> Option<Self> {
        EXPIRES_AFTER_SECONDS.contains(&seconds).then_some(Self(seconds))
    }

    /// What a File of `purpose` gets when the client asks for nothing.
    #[must_use]
    pub fn default_of(purpose: Purpose) -> Option<Self> {
        (purpose == Purpose::Batch).then_some(Self(BATCH_DEFAULT_SECONDS))
    }

    /// The second at which a File created at `created_at` is gone.
    #[must_use]
    pub const fn at(self, created_at: u64) -> u64 {
        created_at + self.0
    }
}
