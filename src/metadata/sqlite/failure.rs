//! The mapping of errors of SQLite to errors of the store.

use crate::metadata::error::MetadataError;
use rusqlite::ffi::{
    SQLITE_CORRUPT, SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ, SQLITE_NOTADB,
};
use std::sync::Arc;

/// The mask of the primary result code, which is the lowest byte of an extended one.
const PRIMARY: i32 = 0xff;

impl From<rusqlite::Error> for MetadataError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) if failure.code == rusqlite::ErrorCode::DiskFull => {
                Self::OutOfSpace(Arc::new(error))
            }
            rusqlite::Error::SqliteFailure(failure, _) if is_damage(failure.extended_code) => {
                Self::Damaged(Arc::new(error))
            }
            rusqlite::Error::SqliteFailure(..) => Self::Unavailable(Arc::new(error)),
            _ => Self::Broken(Arc::new(error)),
        }
    }
}

/// Returns whether a result code means that the file is damaged or cannot be read.
const fn is_damage(extended_code: i32) -> bool {
    matches!(extended_code & PRIMARY, SQLITE_CORRUPT | SQLITE_NOTADB)
        || matches!(extended_code, SQLITE_IOERR_READ | SQLITE_IOERR_SHORT_READ | SQLITE_IOERR_CORRUPTFS)
}
