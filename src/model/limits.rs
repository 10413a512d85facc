//! Limits of workspaces and keys (docs/design/billing.md, section 4).

use super::ids::{KeyId, WorkspaceId};
use super::purpose::Purpose;
use std::fmt;
use std::ops::RangeInclusive;

/// A limited quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The bytes of a workspace's Files and pending Uploads.
    StorageBytes,
    /// The number of a workspace's Files and pending Uploads.
    MaxFiles,
    /// The size of a File of this purpose, in bytes.
    FileBytes(Purpose),
    /// The number of parallel uploads of Files and parts.
    ConcurrentUploads,
    /// The number of requests per minute.
    RequestsPerMinute,
    /// The number of uploads of Files and parts per minute.
    UploadsPerMinute,
    /// The cost of a workspace in a calendar month (UTC), in US cents.
    MonthlySpendCents,
}

impl Limit {
    /// Returns every limit, in listing order.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::StorageBytes, Self::MaxFiles, Self::MonthlySpendCents]
            .into_iter()
            .chain([Self::ConcurrentUploads, Self::RequestsPerMinute, Self::UploadsPerMinute])
            .chain(Purpose::ALL.map(Self::FileBytes))
    }

    /// Returns the limit of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|limit| limit.to_string() == name)
    }

    /// Returns its name; for [`Self::FileBytes`] the part before the purpose.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StorageBytes => "storage_bytes",
            Self::MaxFiles => "max_files",
            Self::FileBytes(_) => "file_bytes",
            Self::ConcurrentUploads => "concurrent_uploads",
            Self::RequestsPerMinute => "requests_per_minute",
            Self::UploadsPerMinute => "uploads_per_minute",
            Self::MonthlySpendCents => "monthly_spend_cents",
        }
    }

    /// Returns the valid values. Quotas may be 0; rates may not, since a rate of 0 would be a revocation.
    #[must_use]
    pub const fn bounds(self) -> RangeInclusive<u64> {
        match self {
            Self::StorageBytes | Self::MaxFiles | Self::FileBytes(_) => 0..=i64::MAX as u64,
            Self::MonthlySpendCents => 0..=1_000_000_000_000,
            Self::ConcurrentUploads | Self::RequestsPerMinute | Self::UploadsPerMinute => 1..=1_000_000_000,
        }
    }

    /// Returns whether a key may have the limit. Storage and cost belong to the workspace.
    #[must_use]
    pub const fn is_of_keys(self) -> bool {
        !matches!(self, Self::StorageBytes | Self::MaxFiles | Self::MonthlySpendCents)
    }
}

impl fmt::Display for Limit {
    /// Formats the full name.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileBytes(purpose) => write!(out, "{}.{purpose}", self.name()),
            other => out.write_str(other.name()),
        }
    }
}

/// The owner of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitOwner {
    /// A workspace, for all its keys together.
    Workspace(WorkspaceId),
    /// A key. The limits of its workspace apply as well.
    Key(KeyId),
}

impl fmt::Display for LimitOwner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(id) => id.fmt(out),
            Self::Key(id) => id.fmt(out),
        }
    }
}

/// Whose limit of concurrent uploads is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConcurrencyScope {
    /// The server's.
    Server,
    /// That of a workspace or key.
    Owner(LimitOwner),
}

/// The set limits of a workspace or key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(Vec<(Limit, u64)>);

impl Limits {
    /// Returns these limits.
    #[must_use]
    pub const fn new(set: Vec<(Limit, u64)>) -> Self {
        Self(set)
    }

    /// Returns the value of a limit, if set.
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        self.0.iter().find(|(known, _)| *known == limit).map(|(_, value)| *value)
    }
}

/// The limits that apply to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsInForce {
    /// The limits of the workspace.
    pub workspace: Limits,
    /// The limits of the key.
    pub key: Limits,
}

impl LimitsInForce {
    /// Returns the tighter value of both.
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        let both = [self.workspace.get(limit), self.key.get(limit)];
        both.into_iter().flatten().min()
    }

    /// Returns whether a storage quota is set.
    #[must_use]
    pub fn has_quota(&self) -> bool {
        [Limit::StorageBytes, Limit::MaxFiles].into_iter().any(|limit| self.workspace.get(limit).is_some())
    }
}

/// The usage of a workspace, as quotas count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageUsage {
    /// The bytes of Files that have not expired.
    pub stored_bytes: u64,
    /// The number of Files that have not expired.
    pub stored_files: u64,
    /// The bytes reserved by pending Uploads.
    pub reserved_bytes: u64,
    /// The number of Files reserved by pending Uploads.
    pub reserved_files: u64,
}

impl StorageUsage {
    /// Returns the quota that one more File of `size_bytes` would exceed.
    #[must_use]
    pub fn refuse(self, limits: &Limits, size_bytes: u64) -> Option<QuotaExceeded> {
        let bytes = self.stored_bytes.saturating_add(self.reserved_bytes).saturating_add(size_bytes);
        let files = self.stored_files.saturating_add(self.reserved_files).saturating_add(1);
        if let Some(limit_bytes) = limits.get(Limit::StorageBytes).filter(|limit| bytes > *limit) {
            return Some(QuotaExceeded::Bytes { limit_bytes });
        }
        limits
            .get(Limit::MaxFiles)
            .filter(|limit| files > *limit)
            .map(|limit_files| QuotaExceeded::Files { limit_files })
    }

    /// Returns the quota that `more_bytes` of a pending Upload would exceed.
    #[must_use]
    pub fn refuse_growth(self, limits: &Limits, more_bytes: u64) -> Option<QuotaExceeded> {
        let bytes = self.stored_bytes.saturating_add(self.reserved_bytes).saturating_add(more_bytes);
        let limit = limits.get(Limit::StorageBytes).filter(|limit| more_bytes > 0 && bytes > *limit);
        limit.map(|limit_bytes| QuotaExceeded::Bytes { limit_bytes })
    }

    /// Returns the usage without one pending Upload.
    #[must_use]
    pub fn without_upload(self, reserved_bytes: u64) -> Self {
        Self {
            reserved_bytes: self.reserved_bytes.saturating_sub(reserved_bytes),
            reserved_files: self.reserved_files.saturating_sub(1),
            ..self
        }
    }

    /// Returns the usage without expired Files and pending Uploads.
    #[must_use]
    pub fn without(self, expired: Self) -> Self {
        Self {
            stored_bytes: self.stored_bytes.saturating_sub(expired.stored_bytes),
            stored_files: self.stored_files.saturating_sub(expired.stored_files),
            reserved_bytes: self.reserved_bytes.saturating_sub(expired.reserved_bytes),
            reserved_files: self.reserved_files.saturating_sub(expired.reserved_files),
        }
    }
}

/// An exceeded quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaExceeded {
    /// The quota of bytes.
    Bytes {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The quota of Files.
    Files {
        /// The limit, in Files.
        limit_files: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_found_by_its_name() {
        for limit in Limit::all() {
            assert_eq!(Limit::named(&limit.to_string()), Some(limit));
        }
        for name in ["file_bytes", "file_bytes.", "file_bytes.notes", "storage"] {
            assert_eq!(Limit::named(name), None, "{name}");
        }
    }

    #[test]
    fn the_tighter_limit_is_in_force() {
        let of = |value| Limits::new(vec![(Limit::RequestsPerMinute, value)]);
        let both = LimitsInForce { workspace: of(5), key: of(7) };
        assert_eq!(both.get(Limit::RequestsPerMinute), Some(5));
        let key = LimitsInForce { key: of(7), ..LimitsInForce::default() };
        assert_eq!((key.get(Limit::RequestsPerMinute), key.get(Limit::UploadsPerMinute)), (Some(7), None));
    }

    #[test]
    fn what_fits_exactly_fits() {
        let limits = Limits::new(vec![(Limit::StorageBytes, 10), (Limit::MaxFiles, 3)]);
        let usage = StorageUsage { stored_bytes: 4, stored_files: 1, reserved_bytes: 3, reserved_files: 1 };
        assert_eq!(usage.refuse(&limits, 3), None);
        assert_eq!(usage.refuse(&limits, 4), Some(QuotaExceeded::Bytes { limit_bytes: 10 }));
        let full = StorageUsage { stored_files: 2, ..usage };
        assert_eq!(full.refuse(&limits, 3), Some(QuotaExceeded::Files { limit_files: 3 }));
        assert_eq!(full.refuse(&Limits::default(), u64::MAX), None);
        assert_eq!(full.refuse_growth(&limits, 3), None, "a growing Upload is no further File");
        assert_eq!(full.refuse_growth(&limits, 4), Some(QuotaExceeded::Bytes { limit_bytes: 10 }));
        let over = StorageUsage { stored_bytes: 11, ..usage };
        assert_eq!(over.refuse_growth(&limits, 0), None, "what was reserved already may come");
    }
}
