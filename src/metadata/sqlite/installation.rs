//! Values of the installation, by name.

use super::queries::Queries;
use super::rows::parsed;
use rusqlite::{Connection, Result};
use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

/// The name of the newest id ever given to a File. Ids go on from it after a restart, even when the clock was set back
/// and the File was deleted.
pub(super) const LAST_FILE_ID: &str = "last_file_id";

/// Returns the value of a name.
pub(super) fn find<T: FromStr<Err: Error + Send + Sync + 'static>>(
    connection: &Connection,
    name: &str,
) -> Result<Option<T>> {
    connection.row("SELECT value FROM installation WHERE name = ?1", [name], |row| parsed(row, 0))
}

/// Sets the value of a name.
pub(super) fn set(connection: &Connection, name: &str, value: impl Display) -> Result<()> {
    let sql = "INSERT INTO installation (name, value) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.change(sql, [name, &value.to_string()]).map(drop)
}

/// Removes the value of a name.
pub(super) fn remove(connection: &Connection, name: &str) -> Result<()> {
    connection.change("DELETE FROM installation WHERE name = ?1", [name]).map(drop)
}
