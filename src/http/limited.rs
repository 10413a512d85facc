//! The names of the limits that answer 429, for the metrics.

use crate::metrics::{LimitLabels, METRICS};

/// A limit that a request or a connection has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Requests per minute of a key or workspace.
    Requests,
    /// Uploads per minute of a key or workspace.
    Uploads,
    /// Requests in flight.
    ConcurrentRequests,
    /// Uploads in flight.
    ConcurrentUploads,
    /// Downloads in flight.
    ConcurrentDownloads,
    /// Long reads in flight.
    LongReads,
    /// Completions with a digest in flight.
    Completions,
    /// Requests that wait for one with the same idempotency key.
    IdempotentRequests,
    /// Operations that wait for the metadata store.
    StoreQueue,
    /// Requests with invalid keys per minute and network.
    FailedLogins,
    /// Open connections of a network.
    Connections,
    /// Sessions of the console.
    Sessions,
    /// The monthly spend of a workspace.
    Spend,
}

impl Limited {
    /// Returns the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_minute",
            Self::Uploads => "uploads_per_minute",
            Self::ConcurrentRequests => "concurrent_requests",
            Self::ConcurrentUploads => "concurrent_uploads",
            Self::ConcurrentDownloads => "concurrent_downloads",
            Self::LongReads => "long_reads",
            Self::Completions => "completions",
            Self::IdempotentRequests => "idempotent_requests",
            Self::StoreQueue => "store_queue",
            Self::FailedLogins => "failed_logins",
            Self::Connections => "connections",
            Self::Sessions => "sessions",
            Self::Spend => "spend",
        }
    }

    /// Counts a request or connection that was answered with 429.
    pub fn count(self) {
        METRICS.http_limited_requests.get_or_create(&LimitLabels { limit: self.name() }).inc();
    }
}
