//! Rows of blobs: from the intent to write one to the proof that it is gone.

use super::rows::parsed;
use crate::metadata::PendingBlob;
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use rusqlite::{Connection, Result, params};

pub(super) fn begin(connection: &Connection, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<()> {
    let sql = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES (?1, ?2, ?3, 'pending')";
    connection.prepare_cached(sql)?.execute(params![blob.to_string(), workspace.to_string(), process.to_string()])?;
    Ok(())
}

pub(super) fn pending(connection: &Connection) -> Result<Vec<PendingBlob>> {
    let mut select = connection.prepare_cached("SELECT id, process_id FROM blobs WHERE state = 'pending'")?;
    select.query_map([], |row| Ok(PendingBlob { blob: parsed(row, 0)?, process: parsed(row, 1)? }))?.collect()
}

pub(super) fn deleting(connection: &Connection, limit: u32) -> Result<Vec<BlobId>> {
    let mut select = connection.prepare_cached("SELECT id FROM blobs WHERE state = 'deleting' LIMIT ?1")?;
    select.query_map([limit], |row| parsed(row, 0))?.collect()
}

pub(super) fn abandon(connection: &Connection, blobs: &[BlobId]) -> Result<()> {
    for_each(
        connection,
        "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ?1 AND state = 'pending'",
        blobs,
    )
}

/// Turns the blob of a File that is gone to `deleting`.
pub(super) fn release(connection: &Connection, blob: BlobId) -> Result<()> {
    for_each(
        connection,
        "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ?1 AND state = 'ready'",
        &[blob],
    )
}

pub(super) fn forget(connection: &Connection, blobs: &[BlobId]) -> Result<()> {
    for_each(connection, "DELETE FROM blobs WHERE id = ?1 AND state = 'deleting'", blobs)
}

fn for_each(connection: &Connection, sql: &str, blobs: &[BlobId]) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    blobs.iter().try_for_each(|blob| statement.execute([blob.to_string()]).map(drop))
}
