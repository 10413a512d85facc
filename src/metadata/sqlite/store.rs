//! The store: its writer and its readers.

use super::connection::{DATABASE_MODE, OpenError, connect};
use super::health::Health;
use super::installation::{self, LAST_FILE_ID};
use super::log::Log;
use super::migrate;
use super::readers::Readers;
use super::reserve::{Fullness, Reserve};
use super::spare::{self, CompactError, Compacted};
use super::writer::{Housekeeping, Writer};
use crate::clock::Clock;
use crate::metadata::error::MetadataError;
use crate::metadata::migrations::{Outdated, SchemaState};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// The number of SQLite 3.51.3, the first version without the WAL-reset bug.
const MIN_SQLITE_VERSION: i32 = 3_051_003;

/// A metadata store in a SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) health: Health,
    pub(super) fullness: Fullness,
    pub(super) clock: Clock,
}

/// The program that opens a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The server, which holds the lock and reserves disk space for the database.
    Server,
    /// A command that holds the lock instead of a server, and may migrate a database of an earlier version.
    Owner,
    /// A command without the lock, beside a server or not.
    Command,
}

impl SqliteStore {
    /// Opens the database. A holder of the lock creates a missing one and migrates its schema.
    ///
    /// Blocks: must be called before the runtime serves requests, or on the blocking pool.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, is older or missing and may not be migrated, or would not
    /// be durable.
    pub fn open(path: &Path, clock: Clock, opener: Opener) -> Result<Self, OpenError> {
        if rusqlite::version_number() < MIN_SQLITE_VERSION {
            return Err(OpenError::NotDurable(format!("SQLite {} has the WAL-reset bug", rusqlite::version())));
        }
        // SQLite gives the files beside the database the mode of the database.
        let created = opener != Opener::Command;
        OpenOptions::new().create(created).truncate(false).write(true).mode(DATABASE_MODE).open(path)?;
        let mut connection = connect(path)?;
        let outdated = match opener {
            Opener::Server | Opener::Owner => Outdated::Migrate,
            Opener::Command => Outdated::Refuse,
        };
        migrate::migrate(&mut connection, outdated, clock.now_seconds())?;
        let last_file_id = installation::find(&connection, LAST_FILE_ID)?;
        let health = Health::default();
        let readers = Readers::open(health.clone(), || connect(path))?;
        let fullness = Fullness::default();
        let snapshots = readers.snapshots();
        let housekeeping = match opener {
            Opener::Server => {
                let reserve = Reserve::open(path, fullness.clone())?;
                let snapshots = Arc::clone(&snapshots);
                let log = Log::take_over(&mut connection, connect(path)?, snapshots, reserve.bytes())?;
                Some(Housekeeping { reserve, log })
            }
            Opener::Owner | Opener::Command => None,
        };
        let committed = move || snapshots.committed();
        let writer = Writer::start(connection, health.clone(), clock.clone(), last_file_id, housekeeping, committed)?;
        Ok(Self { writer, readers, health, fullness, clock })
    }

    /// Returns the state of the schema of an existing database, after a check that a server can write to it. Blocks.
    ///
    /// # Errors
    /// When it cannot be opened or written to, is newer than this program, or would not be durable.
    pub fn examine(path: &Path) -> Result<SchemaState, OpenError> {
        let connection = connect(path)?;
        connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
        Ok(migrate::state(&connection)?)
    }

    /// Frees all unused pages of a database. Blocks. No other process has the database open.
    ///
    /// # Errors
    /// When the disk is too full, or SQLite fails. The database stays as it was.
    pub fn compact(path: &Path) -> Result<Compacted, CompactError> {
        spare::compact(path)
    }

    /// Returns the error of `full`. Checks a full disk again first, because it may have been emptied since the last
    /// commit.
    pub(super) async fn refuse_while(
        &self,
        full: fn(&Fullness) -> Result<(), MetadataError>,
    ) -> Result<(), MetadataError> {
        if full(&self.fullness).is_ok() {
            return Ok(());
        }
        self.writer.write(|_| Ok(())).await?;
        full(&self.fullness)
    }
}
