//! Errors of a metadata store.

use std::error::Error;
use std::sync::Arc;

/// The cause of an error. It is shared, because one failed commit fails every write in it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// An error of a metadata store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MetadataError {
    /// There is no space for more rows.
    #[error("the metadata store has no room left")]
    OutOfSpace(#[source] Cause),
    /// The store has rows that it cannot read, or has a fault. A retry does not help.
    #[error("the metadata store is broken")]
    Broken(#[source] Cause),
    /// The database is damaged. Its rows may be wrong, so the store refuses all writes.
    #[error("the database is damaged")]
    Damaged(#[source] Cause),
    /// The store accepts no writes at the moment. Nothing was changed.
    #[error("the metadata store takes no changes")]
    ReadOnly(#[source] Cause),
    /// A read exceeded its time limit.
    #[error("the metadata store ended a read that took too long")]
    TookTooLong(#[source] Cause),
    /// The store failed. Whether a write took effect is unknown.
    #[error("the metadata store failed")]
    Unavailable(#[source] Cause),
    /// Too many operations of the workspace wait for the store. Nothing was changed.
    #[error("too much of the workspace waits for the metadata store")]
    Crowded(#[source] Cause),
}
