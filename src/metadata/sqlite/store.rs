//! The store: its writer, its readers, and how it is opened.

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
use crate::metadata::migrations::Outdated;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// The first version without the WAL-reset bug, 3.51.3, as SQLite numbers them.
const MIN_SQLITE_VERSION: i32 = 3_051_003;

/// Rows in a SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) health: Health,
    pub(super) fullness: Fullness,
    pub(super) clock: Clock,
}

/// Who opens a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The one server, which holds the lock and keeps room for the database.
    Server,
    /// A command that holds the lock in place of a server, and may migrate what an earlier version made.
    Owner,
    /// A command, beside a server or without one.
    Command,
}

impl SqliteStore {
    /// Opens the database, creating it; its schema is brought up to date by whoever holds the lock.
    ///
    /// Blocks: to be called before the runtime serves anything, or on the blocking pool.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or older and may not be migrated, or would not be durable.
    pub fn open(path: &Path, clock: Clock, opener: Opener) -> Result<Self, OpenError> {
        if rusqlite::version_number() < MIN_SQLITE_VERSION {
            return Err(OpenError::NotDurable(format!("SQLite {} has the WAL-reset bug", rusqlite::version())));
        }
        // SQLite gives the files beside the database the mode of the database.
        OpenOptions::new().create(true).truncate(false).write(true).mode(DATABASE_MODE).open(path)?;
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

    /// Gives all room in a database that no row has back to the disk. Blocks; nobody else has the database open.
    ///
    /// # Errors
    /// When the disk is too full for it, or SQLite refuses; the database is as it was.
    pub fn compact(path: &Path) -> Result<Compacted, CompactError> {
        spare::compact(path)
    }

    /// Returns an error while `full` does. A full disk is looked at again before it counts: it may have been emptied since the
    /// last transaction.
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
