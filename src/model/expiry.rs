//! When a File ends by itself (docs/contract.md, section 3).

use super::purpose::Purpose;
use std::ops::RangeInclusive;

/// How many seconds after its creation a client may let a File expire.
pub const EXPIRES_AFTER_SECONDS: RangeInclusive<u64> = 3600..=2_592_000;

/// How many seconds after their creation an operator may let Files expire: an hour to a hundred years of 365.25 days.
pub const DEFAULT_EXPIRY_SECONDS: RangeInclusive<u64> = 3600..=3_155_760_000;

/// The life of a `batch` File where nobody says otherwise: 30 days.
const BATCH_SECONDS: u64 = 2_592_000;

/// A number of seconds after creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAfter(u64);

impl ExpiresAfter {
    /// What a client asks for, or nothing when it is out of [`EXPIRES_AFTER_SECONDS`].
    #[must_use]
    pub fn seconds(seconds: u64) -> Option<Self> {
        EXPIRES_AFTER_SECONDS.contains(&seconds).then_some(Self(seconds))
    }

    /// What a store kept of one.
    #[must_use]
    pub const fn stored(seconds: u64) -> Self {
        Self(seconds)
    }

    /// How many seconds those are.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// The second at which a File created at `created_at` is gone.
    #[must_use]
    pub const fn at(self, created_at: u64) -> u64 {
        created_at + self.0
    }
}

/// What becomes of Files of one purpose whose clients ask for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultExpiry {
    /// They stay.
    Never,
    /// They expire.
    After(ExpiresAfter),
}

impl DefaultExpiry {
    /// What an operator asks for, or nothing when it is out of [`DEFAULT_EXPIRY_SECONDS`].
    #[must_use]
    pub fn seconds(seconds: u64) -> Option<Self> {
        DEFAULT_EXPIRY_SECONDS.contains(&seconds).then_some(Self::After(ExpiresAfter(seconds)))
    }

    /// What holds where the operator asks for nothing either.
    #[must_use]
    pub fn of(purpose: Purpose) -> Self {
        if purpose == Purpose::Batch { Self::After(ExpiresAfter(BATCH_SECONDS)) } else { Self::Never }
    }

    /// When such Files expire, if they do.
    #[must_use]
    pub const fn expires_after(self) -> Option<ExpiresAfter> {
        match self {
            Self::Never => None,
            Self::After(after) => Some(after),
        }
    }
}
