//! The newest id ever given to a File.

use super::rows::parsed;
use crate::model::ids::FileId;
use rusqlite::{Connection, OptionalExtension, Result, params};

const LAST_FILE_ID: &str = "last_file_id";

/// The newest id ever given to a File.
pub(super) fn last_file_id(connection: &Connection) -> Result<Option<FileId>> {
    connection
        .query_row("SELECT value FROM installation WHERE name = ?1", [LAST_FILE_ID], |row| parsed(row, 0))
        .optional()
}

/// Notes the newest id, so that ids go on from it after a restart even when the clock was set back and the File deleted.
pub(super) fn note_last_file_id(connection: &Connection, id: FileId) -> Result<()> {
    let note = "INSERT INTO installation (name, value) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(note)?.execute(params![LAST_FILE_ID, id.to_string()])?;
    Ok(())
}
