//! Rows of Files. Every statement has the workspace in its `WHERE`; expired Files are invisible to all of them.

use super::blobs;
use super::rows::{self, parsed};
use super::writer::Change;
use crate::metadata::StoredContent;
use crate::model::digest::BlockChecksums;
use crate::model::file::{File, NewFile};
use crate::model::ids::{BlobId, FileId, WorkspaceId};
use crate::model::page::{ListFiles, Order, Page};
use crate::model::purpose::Purpose;
use crate::random;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, params};

const COLUMNS: &str = "id, blob_id, purpose, filename, size_bytes, sha256, expires_at";
const ALIVE: &str = "(expires_at IS NULL OR expires_at > ?2)";
const LAST_FILE_ID: &str = "last_file_id";

/// The newest id ever given to a File.
pub(super) fn last_file_id(connection: &Connection) -> Result<Option<FileId>> {
    connection
        .query_row("SELECT value FROM installation WHERE name = ?1", [LAST_FILE_ID], |row| parsed(row, 0))
        .optional()
}

/// The id is minted here, in the transaction, so that the order of ids is the order of commits; it is noted, so that
/// ids go on from it after a restart even when the clock was set back and the File deleted.
pub(super) fn create(
    change: &mut Change<'_>,
    workspace: WorkspaceId,
    new: NewFile,
    now_ms: u64,
) -> Result<Option<File>> {
    let ready =
        "UPDATE blobs SET state = 'ready', checksums = ?3 WHERE id = ?1 AND workspace_id = ?2 AND state = 'pending'";
    let claimed = params![new.blob.to_string(), workspace.to_string(), new.content.blocks.to_bytes()];
    if change.connection.prepare_cached(ready)?.execute(claimed)? != 1 {
        return Ok(None);
    }
    let id = FileId::next(*change.last_file_id, now_ms, random::bytes());
    *change.last_file_id = Some(id);
    let note = "INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    change.connection.prepare_cached(note)?.execute(params![LAST_FILE_ID, id.to_string()])?;
    let file = File {
        id,
        blob: new.blob,
        purpose: new.purpose,
        filename: new.filename,
        size_bytes: new.content.size_bytes,
        sha256: new.content.sha256,
        expires_at: new.expires_after.map(|after| after.at(id.created_at())),
    };
    insert(change.connection, workspace, &file)?;
    Ok(Some(file))
}

fn insert(connection: &Connection, workspace: WorkspaceId, file: &File) -> Result<()> {
    let sql = "INSERT INTO files (workspace_id, id, blob_id, purpose, filename, size_bytes, sha256, expires_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        workspace.to_string(),
        file.id.to_string(),
        file.blob.to_string(),
        file.purpose.name(),
        file.filename.as_str(),
        file.size_bytes,
        file.sha256.0,
        file.expires_at,
    ])?;
    Ok(())
}

pub(super) fn find(connection: &Connection, workspace: WorkspaceId, id: FileId, now: u64) -> Result<Option<File>> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3");
    connection
        .prepare_cached(&sql)?
        .query_row(params![workspace.to_string(), now, id.to_string()], rows::file)
        .optional()
}

pub(super) fn find_content(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now: u64,
) -> Result<Option<StoredContent>> {
    let Some(file) = find(connection, workspace, id, now)? else { return Ok(None) };
    let checksums = |row: &rusqlite::Row<'_>| {
        let blocks = BlockChecksums::from_bytes(row.get_ref(0)?.as_blob()?);
        blocks.ok_or_else(|| Error::InvalidColumnType(0, "checksums".into(), Type::Blob))
    };
    let mut select = connection
        .prepare_cached("SELECT checksums FROM blobs WHERE id = ?1 AND workspace_id = ?2 AND state = 'ready'")?;
    let blocks = select.query_row(params![file.blob.to_string(), workspace.to_string()], checksums).optional()?;
    // A File that is deleted between the two statements has no ready blob any more.
    Ok(blocks.map(|blocks| StoredContent { file, blocks }))
}

pub(super) fn list(connection: &Connection, workspace: WorkspaceId, list: ListFiles, now: u64) -> Result<Page<File>> {
    let (beyond, direction) = match list.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    let after = if list.after.is_some() { format!("AND id {beyond} ?3") } else { "AND ?3 IS NULL".to_owned() };
    let purpose = if list.purpose.is_some() { "AND purpose = ?4" } else { "AND ?4 IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM files WHERE workspace_id = ?1 AND {ALIVE} {after} {purpose} ORDER BY id {direction} LIMIT ?5"
    );
    let cursor = list.after.map(|id| id.to_string());
    let values =
        params![workspace.to_string(), now, cursor, list.purpose.map(Purpose::name), u64::from(list.limit) + 1];
    let rows = connection.prepare_cached(&sql)?.query_map(values, rows::file)?.collect::<Result<_>>()?;
    Ok(Page::cut(rows, list.limit))
}

pub(super) fn delete(connection: &Connection, workspace: WorkspaceId, id: FileId, now: u64) -> Result<bool> {
    let sql = format!("DELETE FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3 RETURNING blob_id");
    let mut delete = connection.prepare_cached(&sql)?;
    let blob: Option<BlobId> =
        delete.query_row(params![workspace.to_string(), now, id.to_string()], |row| parsed(row, 0)).optional()?;
    blob.map(|blob| blobs::release(connection, blob)).transpose().map(|released| released.is_some())
}

pub(super) fn delete_expired(connection: &Connection, limit: u32, now: u64) -> Result<usize> {
    let sql = "DELETE FROM files WHERE (workspace_id, id) IN
               (SELECT workspace_id, id FROM files WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2) RETURNING blob_id";
    let expired: Vec<BlobId> =
        connection.prepare_cached(sql)?.query_map(params![now, limit], |row| parsed(row, 0))?.collect::<Result<_>>()?;
    expired.iter().try_for_each(|blob| blobs::release(connection, *blob))?;
    Ok(expired.len())
}
