//! Rows of Files. Every statement of a request has the workspace in its `WHERE` and does not see expired Files; only
//! the sweeper looks across workspaces.

use super::rows::{self, parsed};
use super::writer::Change;
use super::{audit, blobs, expiries, ledger, releases};
use crate::metadata::StoredContent;
use crate::model::audit::{Action, NewEntry};
use crate::model::caller::Caller;
use crate::model::file::{File, FileDigest, NewFile};
use crate::model::ids::{BlobId, FileId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::page::{FileQuery, Order, Page};
use crate::model::purpose::Purpose;
use crate::random;
use rusqlite::{Connection, OptionalExtension, Result, Row, ToSql, params};

const COLUMNS: &str = "id, purpose, filename, size_bytes, sha256, parts_sha256, part_count, expires_at, status_details";
/// How many those are.
const FILE_COLUMNS: usize = 9;
const ALIVE: &str = "(expires_at IS NULL OR expires_at > ?2)";
const LAST_FILE_ID: &str = "last_file_id";

/// The newest id ever given to a File.
pub(super) fn last_file_id(connection: &Connection) -> Result<Option<FileId>> {
    connection
        .query_row("SELECT value FROM installation WHERE name = ?1", [LAST_FILE_ID], |row| parsed(row, 0))
        .optional()
}

/// The id of a File that is made in this transaction, so that the order of ids is the order of commits.
pub(super) fn next_id(change: &mut Change<'_>, now_ms: u64) -> FileId {
    let id = FileId::next(*change.last_file_id, now_ms, random::bytes());
    *change.last_file_id = Some(id);
    id
}

/// Notes the newest id, so that ids go on from it after a restart even when the clock was set back and the File deleted.
pub(super) fn note_last_file_id(connection: &Connection, id: FileId) -> Result<()> {
    let note = "INSERT INTO installation (name, value) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(note)?.execute(params![LAST_FILE_ID, id.to_string()])?;
    Ok(())
}

pub(super) fn create(change: &mut Change<'_>, caller: Caller, new: NewFile, now_ms: u64) -> Result<Option<File>> {
    let workspace = caller.workspace;
    let Some(blob) = blobs::settle(change.connection, workspace, &new.place, &new.content, now_ms)? else {
        return Ok(None);
    };
    let expires_after = expiries::decide(change.connection, workspace, new.purpose, new.expires_after)?;
    let id = next_id(change, now_ms);
    let file = File {
        id,
        purpose: new.purpose,
        filename: new.filename,
        size_bytes: new.content.size_bytes,
        digest: FileDigest::Whole(new.content.sha256),
        expires_at: expires_after.map(|after| after.at(id.created_at())),
        status_details: new.status_details,
    };
    insert(change.connection, workspace, &file, Some(blob))?;
    ledger::begin(change.connection, caller, &file, Fact::Create)?;
    Ok(Some(file))
}

/// A File with its blob, or one whose blobs stand in `file_parts`.
pub(super) fn insert(connection: &Connection, workspace: WorkspaceId, file: &File, blob: Option<BlobId>) -> Result<()> {
    let sql = "INSERT INTO files (workspace_id, id, blob_id, purpose, filename, size_bytes, sha256, parts_sha256,
                                  part_count, expires_at, status_details)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let parts = match file.digest {
        FileDigest::Whole(_) => None,
        FileDigest::Parts { of_parts, count, .. } => Some((of_parts.0, count)),
    };
    connection.prepare_cached(sql)?.execute(params![
        workspace.to_string(),
        file.id.to_string(),
        blob.map(|blob| blob.to_string()),
        file.purpose.name(),
        file.filename.as_str(),
        file.size_bytes,
        file.digest.sha256().map(|sha256| sha256.0),
        parts.map(|(of_parts, _)| of_parts),
        parts.map(|(_, count)| count),
        file.expires_at,
        file.status_details,
    ])?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now_seconds: u64,
) -> Result<Option<File>> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3");
    connection
        .prepare_cached(&sql)?
        .query_row(params![workspace.to_string(), now_seconds, id.to_string()], rows::file)
        .optional()
}

/// On a connection that is in a transaction, so that a File of parts that is deleted meanwhile is either there with its
/// blobs or not at all.
pub(super) fn find_content(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now_seconds: u64,
) -> Result<Option<StoredContent>> {
    let sql = "SELECT f.id, f.purpose, f.filename, f.size_bytes, f.sha256, f.parts_sha256, f.part_count, f.expires_at,
                      f.status_details, b.id, f.size_bytes, b.checksums, b.content
               FROM files f LEFT JOIN blobs b ON b.id = f.blob_id
               WHERE f.workspace_id = ?1 AND f.id = ?3 AND (f.expires_at IS NULL OR f.expires_at > ?2)";
    let content = |row: &Row<'_>| {
        let file = rows::file(row)?;
        let is_whole = matches!(file.digest, FileDigest::Whole(_));
        Ok((file, is_whole.then(|| rows::blob(row, FILE_COLUMNS)).transpose()?))
    };
    let values = params![workspace.to_string(), now_seconds, id.to_string()];
    match connection.prepare_cached(sql)?.query_row(values, content).optional()? {
        None => Ok(None),
        Some((file, Some(blob))) => Ok(Some(StoredContent { file, blobs: vec![blob] })),
        Some((_, None)) => find_parts(connection, workspace, id, now_seconds),
    }
}

/// The same of a File that was completed from parts.
fn find_parts(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now_seconds: u64,
) -> Result<Option<StoredContent>> {
    let Some(file) = find(connection, workspace, id, now_seconds)? else { return Ok(None) };
    let sql = "SELECT b.id, p.size_bytes, b.checksums, b.content FROM file_parts p JOIN blobs b ON b.id = p.blob_id
               WHERE p.workspace_id = ?1 AND p.file_id = ?2 ORDER BY p.position";
    let mut select = connection.prepare_cached(sql)?;
    let blobs = select.query_map(params![workspace.to_string(), id.to_string()], |row| rows::blob(row, 0))?;
    Ok(Some(StoredContent { file, blobs: blobs.collect::<Result<_>>()? }))
}

pub(super) fn list(
    connection: &Connection,
    workspace: WorkspaceId,
    query: FileQuery,
    now_seconds: u64,
) -> Result<Page<File>> {
    let (beyond, direction) = match query.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    let after = if query.after.is_some() { format!("AND id {beyond} ?3") } else { "AND ?3 IS NULL".to_owned() };
    // Without statistics the planner prefers the primary key, which reads the Files of every purpose.
    let (index, purpose) = match query.purpose {
        Some(_) => ("INDEXED BY files_by_purpose", "AND purpose = ?4"),
        None => ("", "AND ?4 IS NULL"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM files {index}
         WHERE workspace_id = ?1 AND {ALIVE} {after} {purpose} ORDER BY id {direction} LIMIT ?5"
    );
    let values = params![
        workspace.to_string(),
        now_seconds,
        query.after.map(|id| id.to_string()),
        query.purpose.map(Purpose::name),
        u64::from(query.limit) + 1
    ];
    let rows = connection.prepare_cached(&sql)?.query_map(values, rows::file)?.collect::<Result<_>>()?;
    Ok(Page::cut(rows, query.limit))
}

pub(super) fn delete(connection: &Connection, caller: Caller, id: FileId, now_ms: u64) -> Result<bool> {
    let (workspace, now_seconds) = (caller.workspace, now_ms / 1000);
    let sql = format!(
        "DELETE FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3 RETURNING workspace_id, id, blob_id, expires_at"
    );
    if delete_all(connection, &sql, params![workspace.to_string(), now_seconds, id.to_string()], now_seconds)? == 0 {
        return Ok(false);
    }
    let (action, object) = (Action::FileDeleted, id.to_string());
    let entry = NewEntry { action, workspace: Some(workspace), object, details: None };
    audit::note(connection, caller.into(), entry, now_ms)?;
    Ok(true)
}

/// Deletes at most `limit` Files of a workspace, whatever they are; how many there were.
pub(super) fn delete_some(
    connection: &Connection,
    workspace: WorkspaceId,
    limit: u32,
    now_seconds: u64,
) -> Result<usize> {
    let sql = "DELETE FROM files WHERE workspace_id = ?1 AND id IN
               (SELECT id FROM files WHERE workspace_id = ?1 ORDER BY id LIMIT ?2)
               RETURNING workspace_id, id, blob_id, expires_at";
    delete_all(connection, sql, params![workspace.to_string(), limit], now_seconds)
}

/// Deletes at most `limit` expired Files of a workspace; how many there were.
pub(super) fn delete_expired(
    connection: &Connection,
    workspace: WorkspaceId,
    limit: u32,
    now_seconds: u64,
) -> Result<usize> {
    let sql = "DELETE FROM files WHERE workspace_id = ?1 AND id IN
               (SELECT id FROM files WHERE workspace_id = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)
               RETURNING workspace_id, id, blob_id, expires_at";
    delete_all(connection, sql, params![workspace.to_string(), now_seconds, limit], now_seconds)
}

/// Runs a statement that deletes Files, enters their ends and releases what they had; how many there were.
fn delete_all(connection: &Connection, sql: &str, values: &[&dyn ToSql], now_seconds: u64) -> Result<usize> {
    let mut delete = connection.prepare_cached(sql)?;
    let deleted: Vec<(String, String, Option<String>, Option<u64>)> = delete
        .query_map(values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_>>()?;
    for (workspace, id, blob, expires_at) in &deleted {
        ledger::end(connection, id, *expires_at, now_seconds)?;
        match blob {
            Some(blob) => blobs::release(connection, blob, now_seconds)?,
            None => releases::add(connection, workspace, id, now_seconds)?,
        }
    }
    Ok(deleted.len())
}
