//! New databases with the rows of a snapshot of another store, for its backups.

use super::connection::{DATABASE_MODE, OpenError};
use super::{migrate, schema};
use crate::filesystem::folder_of;
use crate::metadata::error::MetadataError;
use crate::metadata::migrations::Outdated;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A database that is being filled. It is incomplete before [`finish`](Self::finish).
#[derive(Debug)]
pub struct Import {
    connection: Connection,
    path: PathBuf,
}

impl Import {
    /// Creates the file, which must not exist, with the schema of this program.
    pub fn create(path: &Path, now_seconds: u64) -> Result<Self, MetadataError> {
        let file = OpenOptions::new().create_new(true).write(true).mode(DATABASE_MODE).open(path);
        file.map_err(super::snapshot::refused)?;
        let mut connection = Connection::open(path)?;
        // No process reads it before it is complete.
        connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")?;
        migrate::migrate(&mut connection, Outdated::Create, now_seconds)
            .map_err(|error| MetadataError::Broken(Arc::new(OpenError::Migration(error))))?;
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Returns the quoted names of a table's columns, in their order.
    pub fn columns(&self, table: &str) -> Result<Vec<String>, MetadataError> {
        Ok(schema::columns(&self.connection, table)?)
    }

    /// Inserts rows into a table.
    pub fn add(&mut self, table: &str, columns: &[String], rows: Vec<Vec<Value>>) -> Result<(), MetadataError> {
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({places})", columns.join(", "));
        let mut insert = self.connection.prepare_cached(&sql)?;
        for row in rows {
            insert.execute(params_from_iter(row))?;
        }
        Ok(())
    }

    /// Commits the rows and makes the file durable.
    pub fn finish(self) -> Result<(), MetadataError> {
        self.connection.execute_batch("COMMIT")?;
        self.connection.close().map_err(|(_, error)| error)?;
        let flush = || {
            File::open(&self.path)?.sync_all()?;
            File::open(folder_of(&self.path))?.sync_all()
        };
        flush().map_err(super::snapshot::refused)
    }
}
