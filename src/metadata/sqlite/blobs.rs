//! Rows of blobs: from the intent to write one to the proof that it is gone.

use super::rows::parsed;
use crate::metadata::PendingBlob;
use crate::model::digest::BlockChecksums;
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use rusqlite::{Connection, Result, params};

pub(super) fn begin(connection: &Connection, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<()> {
    let sql = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES (?1, ?2, ?3, 'pending')";
    let row = params![blob.to_string(), workspace.to_string(), process.to_string()];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Turns a pending blob of this workspace to `ready`; false when there is none.
pub(super) fn claim(
    connection: &Connection,
    workspace: WorkspaceId,
    blob: BlobId,
    checksums: &BlockChecksums,
) -> Result<bool> {
    let sql =
        "UPDATE blobs SET state = 'ready', checksums = ?3 WHERE id = ?1 AND workspace_id = ?2 AND state = 'pending'";
    let row = params![blob.to_string(), workspace.to_string(), checksums.to_bytes()];
    Ok(connection.prepare_cached(sql)?.execute(row)? == 1)
}

pub(super) fn pending(connection: &Connection) -> Result<Vec<PendingBlob>> {
    let mut select = connection.prepare_cached("SELECT id, process_id FROM blobs WHERE state = 'pending'")?;
    select.query_map([], |row| Ok(PendingBlob { blob: parsed(row, 0)?, process: parsed(row, 1)? }))?.collect()
}

pub(super) fn deleting(connection: &Connection, after: Option<BlobId>, limit: u32) -> Result<Vec<BlobId>> {
    let sql = "SELECT id FROM blobs WHERE state = 'deleting' AND id > ?1 ORDER BY id LIMIT ?2";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    connection.prepare_cached(sql)?.query_map(params![after, limit], |row| parsed(row, 0))?.collect()
}

pub(super) fn abandon(connection: &Connection, blobs: &[BlobId]) -> Result<()> {
    let sql = "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ?1 AND state = 'pending'";
    let mut update = connection.prepare_cached(sql)?;
    blobs.iter().try_for_each(|blob| update.execute([blob.to_string()]).map(drop))
}

/// Turns the ready blob of something that is gone to `deleting`.
pub(super) fn release(connection: &Connection, blob: &str) -> Result<()> {
    let sql = "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ?1 AND state = 'ready'";
    connection.prepare_cached(sql)?.execute([blob]).map(drop)
}

pub(super) fn forget(connection: &Connection, blobs: &[BlobId]) -> Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM blobs WHERE id = ?1 AND state = 'deleting'")?;
    blobs.iter().try_for_each(|blob| delete.execute([blob.to_string()]).map(drop))
}
