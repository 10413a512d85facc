//! Rows of Files. Every statement of a request has the workspace in its `WHERE` and does not see expired Files; only
//! the sweeper looks across workspaces.

use super::reserve::Fullness;
use super::store::SqliteStore;
use super::writer::Change;
use super::{answers, audit, blobs, default_expiries, ledger, limits, releases, rows};
use crate::metadata::error::MetadataError;
use crate::metadata::files::{FileStore, StoredContent};
use crate::metadata::room::with_room;
use crate::metadata::rules;
use crate::metadata::rules::columns::{self, BEHIND_FILE, FILE};
use crate::metadata::rules::files::new_file;
use crate::model::blob::ContentLocation;
use crate::model::caller::Caller;
use crate::model::file::{File, FileDigest, NewFile};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{BlobId, FileId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::limits::Limits;
use crate::model::page::{FileQuery, Order, Page};
use crate::model::purpose::Purpose;
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, ToSql, params};
use std::sync::LazyLock;

/// Finds a File with the blob that holds it as a whole.
static FIND_CONTENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {file}, b.id, f.size_bytes, b.checksums, b.content FROM files f LEFT JOIN blobs b ON b.id = f.blob_id
         WHERE f.workspace_id = ?1 AND f.id = ?3 AND (f.expires_at IS NULL OR f.expires_at > ?2)",
        file = columns::of("f", FILE)
    )
});
const ALIVE: &str = "(expires_at IS NULL OR expires_at > ?2)";

/// Pages up to this are read like points: about 0.4 ms.
const POINT_PAGE_FILES: u32 = 500;

#[async_trait]
impl FileStore for SqliteStore {
    async fn create_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Idempotency<File>>,
    ) -> Result<IdempotentOutcome<Option<File>>, MetadataError> {
        if matches!(file.place, ContentLocation::Inline(_)) {
            self.refuse_while(Fullness::refuse_bytes).await?;
        }
        with_room(self, caller.workspace, || self.write_file(caller, file.clone(), once.clone())).await
    }

    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.current(|connection| find(connection, workspace, id, now_seconds))
    }

    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.current_or_long(move |connection| find_content(connection, workspace, id, now_seconds)).await
    }

    async fn list_files(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let list = move |connection: &Connection| list(connection, workspace, query, now_seconds);
        if query.limit <= POINT_PAGE_FILES {
            self.readers.current_or_long(list).await
        } else {
            self.readers.long(list).await
        }
    }

    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write_for(caller.workspace, move |change| delete(change.connection, caller, id, now_ms)).await
    }
}

impl SqliteStore {
    async fn write_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Idempotency<File>>,
    ) -> Result<IdempotentOutcome<Option<File>>, MetadataError> {
        let clock = self.clock.clone();
        let change = move |change: &mut Change<'_>| {
            let now_ms = clock.now_ms();
            let work = |change: &mut Change<'_>, quotas: &Limits| match limits::refuse(
                change.connection,
                caller,
                quotas,
                file.content.size_bytes,
            )? {
                Some(refused) => Ok(Err(refused)),
                None => create(change, caller, &file, now_ms).map(Ok),
            };
            answers::once(change, caller, once, now_ms / 1000, work, Option::as_ref)
        };
        self.writer.write_for(caller.workspace, change).await
    }
}

/// The id of a File that is made in this transaction, so that the order of ids is the order of commits.
pub(super) fn next_id(change: &mut Change<'_>, now_ms: u64) -> FileId {
    let id = FileId::next(*change.last_file_id, now_ms, random::bytes());
    *change.last_file_id = Some(id);
    id
}

fn create(change: &mut Change<'_>, caller: Caller, new: &NewFile, now_ms: u64) -> Result<Option<File>> {
    let workspace = caller.workspace;
    let Some(blob) = blobs::settle(change.connection, workspace, &new.place, &new.content, now_ms)? else {
        return Ok(None);
    };
    let expires_after = default_expiries::decide(change.connection, workspace, new.purpose, new.expires_after)?;
    let file = new_file(next_id(change, now_ms), new, expires_after);
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
    let sql = format!("SELECT {FILE} FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3");
    connection
        .prepare_cached(&sql)?
        .query_row(params![workspace.to_string(), now_seconds, id.to_string()], rows::file)
        .optional()
}

/// On a connection that is in a transaction, so that a File of parts that is deleted meanwhile is either there with its
/// blobs or not at all.
fn find_content(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now_seconds: u64,
) -> Result<Option<StoredContent>> {
    let content = |row: &Row<'_>| {
        let file = rows::file(row)?;
        let is_whole = matches!(file.digest, FileDigest::Whole(_));
        Ok((file, is_whole.then(|| rows::blob(row, BEHIND_FILE)).transpose()?))
    };
    let values = params![workspace.to_string(), now_seconds, id.to_string()];
    match connection.prepare_cached(&FIND_CONTENT)?.query_row(values, content).optional()? {
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

fn list(connection: &Connection, workspace: WorkspaceId, query: FileQuery, now_seconds: u64) -> Result<Page<File>> {
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
        "SELECT {FILE} FROM files {index}
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

fn delete(connection: &Connection, caller: Caller, id: FileId, now_ms: u64) -> Result<bool> {
    let (workspace, now_seconds) = (caller.workspace, now_ms / 1000);
    let sql = format!(
        "DELETE FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3 RETURNING workspace_id, id, blob_id, expires_at"
    );
    if delete_all(connection, &sql, params![workspace.to_string(), now_seconds, id.to_string()], now_seconds)? == 0 {
        return Ok(false);
    }
    audit::note(connection, caller.into(), rules::audit::file_deleted(workspace, id), now_ms)?;
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
