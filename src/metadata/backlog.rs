//! Counts of the rows that wait for the tasks of the server.

use super::error::MetadataError;
use async_trait::async_trait;
use std::fmt::Debug;

/// The rows that wait for the sweep and for the cache of usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The blobs that are `deleting`, as far as they are counted.
    pub deleting_blobs: u64,
    /// The Unix second from which on the oldest of them is not served; none without one that ever was.
    pub deleting_since: Option<u64>,
    /// The rows of the ledger that are not in the cache of usage, as far as they are counted.
    pub ledger_rows: u64,
}

/// The counts of rows that wait.
#[async_trait]
pub trait BacklogStore: Debug + Send + Sync {
    /// Counts the rows of each kind, up to `max_rows`.
    async fn backlog(&self, max_rows: u32) -> Result<Backlog, MetadataError>;
}

/// Counts blobs that are `deleting`, up to `$1`, and returns when the oldest of those that were served was deleted.
pub(super) const DELETING: &str = "SELECT count(*), min(nullif(deleted_at, 0)) FROM
    (SELECT deleted_at FROM blobs WHERE state = 'deleting' ORDER BY deleted_at, id LIMIT $1) AS oldest";
