//! The expiry of Files (docs/contract.md, section 3).

use super::purpose::Purpose;
use std::ops::RangeInclusive;

/// The bounds of `expires_after` that a client may set, in seconds after creation.
pub const EXPIRES_AFTER_SECONDS: RangeInclusive<u64> = 3600..=2_592_000;

/// The bounds of default expiries that an operator may set, in seconds after creation: an hour to a hundred years of
/// 365.25 days.
pub const DEFAULT_EXPIRY_SECONDS: RangeInclusive<u64> = 3600..=3_155_760_000;

/// The default expiry of `batch` Files: 30 days.
const BATCH_SECONDS: u64 = 2_592_000;

/// A number of seconds after creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAfter(u64);

impl ExpiresAfter {
    /// Returns the expiry that a client asked for; none outside [`EXPIRES_AFTER_SECONDS`].
    #[must_use]
    pub fn seconds(seconds: u64) -> Option<Self> {
        EXPIRES_AFTER_SECONDS.contains(&seconds).then_some(Self(seconds))
    }

    /// Returns an expiry without checking its bounds.
    #[must_use]
    pub const fn stored(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// Returns the Unix second at which a File created at `created_at` expires.
    #[must_use]
    pub const fn at(self, created_at: u64) -> u64 {
        created_at + self.0
    }
}

/// The expiry of Files of one purpose whose clients ask for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultExpiry {
    /// The Files do not expire.
    Never,
    /// The Files expire.
    After(ExpiresAfter),
}

impl DefaultExpiry {
    /// Returns the default that an operator asked for; none outside [`DEFAULT_EXPIRY_SECONDS`].
    #[must_use]
    pub fn seconds(seconds: u64) -> Option<Self> {
        DEFAULT_EXPIRY_SECONDS.contains(&seconds).then_some(Self::After(ExpiresAfter(seconds)))
    }

    /// Returns the built-in default of a purpose.
    #[must_use]
    pub fn of(purpose: Purpose) -> Self {
        if purpose == Purpose::Batch { Self::After(ExpiresAfter(BATCH_SECONDS)) } else { Self::Never }
    }

    /// Returns the expiry; none for [`Self::Never`].
    #[must_use]
    pub const fn expires_after(self) -> Option<ExpiresAfter> {
        match self {
            Self::Never => None,
            Self::After(after) => Some(after),
        }
    }
}
