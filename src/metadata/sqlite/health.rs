//! The damage of the database. After the first sign of damage the store refuses all writes until the server is
//! restarted with an intact database, because a damaged database could report blobs as unowned, and they would be
//! removed.

use crate::metadata::error::MetadataError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by everything that uses the database.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(Arc<AtomicBool>);

impl Health {
    /// Hands on what came of an operation, and remembers damage.
    pub(super) fn see<T>(&self, outcome: Result<T, MetadataError>) -> Result<T, MetadataError> {
        if let Err(MetadataError::Damaged(cause)) = &outcome
            && !self.0.swap(true, Ordering::Relaxed)
        {
            tracing::error!(
                error = %cause,
                hint = "restore a whole database: docs/operations.md, \"A damaged database\"",
                "database damaged, uploads and removals refused"
            );
        }
        outcome
    }

    /// # Errors
    /// [`MetadataError::Damaged`] once the database was found damaged.
    pub(super) fn refuse_when_damaged(&self) -> Result<(), MetadataError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(MetadataError::Damaged(Arc::new(io::Error::other("it was found damaged since the start"))));
        }
        Ok(())
    }
}
