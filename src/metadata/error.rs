//! What a metadata store fails with.

use std::error::Error;
use std::sync::Arc;

/// Why the store failed; shared, because one failed commit fails every change in it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// What a metadata store can fail with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MetadataError {
    /// No room for more rows.
    #[error("the metadata store has no room left")]
    OutOfSpace(#[source] Cause),
    /// The store holds what it cannot read, or made a mistake; asking again does not help.
    #[error("the metadata store is broken")]
    Broken(#[source] Cause),
    /// The database is damaged: what it says may be wrong, and nothing is changed or removed by it any more.
    #[error("the database is damaged")]
    Damaged(#[source] Cause),
    /// The store takes no changes at the moment; nothing was changed.
    #[error("the metadata store takes no changes")]
    ReadOnly(#[source] Cause),
    /// A read took longer than it may, and was ended.
    #[error("the metadata store ended a read that took too long")]
    TookTooLong(#[source] Cause),
    /// The store does not answer as it should; whether a change took place is not known.
    #[error("the metadata store failed")]
    Unavailable(#[source] Cause),
    /// Too many operations of the same workspace wait for the store already; nothing was done.
    #[error("too much of the workspace waits for the metadata store")]
    Crowded(#[source] Cause),
}
