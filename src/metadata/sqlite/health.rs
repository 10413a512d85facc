//! Whether the database has shown that it is damaged. From then on it changes nothing and vouches for nothing, until the
//! server is started again on one that is whole: by the word of a damaged database blobs would be taken for nobody's.

use super::MetadataError;
use rusqlite::ffi::{
    SQLITE_CORRUPT, SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ, SQLITE_NOTADB,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a result code has in its lowest byte, whatever more it says above.
const PRIMARY: i32 = 0xff;

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
                "the database is damaged: uploads and removals are refused until a whole one is put in its place \
                 (docs/operations.md, \"A damaged database\")"
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

/// Whether a result code of SQLite says that the file is damaged, or cannot be read where it lies.
pub(super) const fn is_damage(extended_code: i32) -> bool {
    matches!(extended_code & PRIMARY, SQLITE_CORRUPT | SQLITE_NOTADB)
        || matches!(extended_code, SQLITE_IOERR_READ | SQLITE_IOERR_SHORT_READ | SQLITE_IOERR_CORRUPTFS)
}
