//! Snapshots of the database, made while it is written to.

use super::connection::DATABASE_MODE;
use super::migrate::MigrationError;
use super::store::SqliteStore;
use super::{blobs, migrate, stamps};
use crate::filesystem::folder_of;
use crate::metadata::blobs::ReadyBlob;
use crate::metadata::error::MetadataError;
use crate::metadata::migrations::SchemaState;
use crate::metadata::snapshot::SnapshotStore;
use crate::model::blob::BlobOwner;
use crate::model::ids::BlobId;
use crate::model::stamp::Stamp;
use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, Result};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn snapshot(&self, database: &Path) -> Result<(), MetadataError> {
        let path = database.to_owned();
        self.readers.copy(move |connection| write(connection, &path)).await?
    }
}

/// A snapshot file, to which no process writes.
#[derive(Debug)]
pub struct Snapshot(Connection);

impl Snapshot {
    /// Opens a snapshot, and creates no file beside it. Its rows can be read if [`Self::schema`] is current.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, MetadataError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
        Ok(Self(connection))
    }

    /// Returns the state of its schema.
    ///
    /// # Errors
    /// When it cannot be read, or is newer than this program.
    pub fn schema(&self) -> std::result::Result<SchemaState, MigrationError> {
        migrate::state(&self.0)
    }

    /// Returns at most `limit` blobs that are `ready`, behind `after` in the order of their ids.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError> {
        Ok(blobs::ready(&self.0, after, limit)?)
    }

    /// Returns whether the blob is `ready`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError> {
        Ok(blobs::is_ready(&self.0, blob)?)
    }

    /// Returns the owner of a blob: a File, or a pending Upload. Returns none when it has no owner.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError> {
        Ok(blobs::owner(&self.0, blob)?)
    }

    /// Returns the stamp of the store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stamp(&self) -> Result<Option<Stamp>, MetadataError> {
        Ok(stamps::find(&self.0)?)
    }
}

/// Writes a snapshot to a new file, durably. `VACUUM INTO` blocks no writer, fills an empty file and does not flush it.
fn write(connection: &Connection, path: &Path) -> Result<std::result::Result<(), MetadataError>> {
    let named = path.to_str().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"));
    match named.and_then(|name| create(path).map(|()| name)) {
        Ok(name) => connection.execute("VACUUM INTO ?1", [name])?,
        Err(error) => return Ok(Err(refused(error))),
    };
    Ok(flush(path).map_err(refused))
}

fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().create_new(true).write(true).mode(DATABASE_MODE).open(path).map(drop)
}

fn flush(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    File::open(folder_of(path))?.sync_all()
}

pub(super) fn refused(error: io::Error) -> MetadataError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => MetadataError::OutOfSpace(Arc::new(error)),
        _ => MetadataError::Unavailable(Arc::new(error)),
    }
}
