//! Rows of Files. Every statement of a request has the workspace in its `WHERE` and does not see expired Files; only
//! the sweeper looks across workspaces.

use super::queries::Queries;
use super::reserve::Fullness;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{audit, blobs, default_expiries, ledger, limits, link_uses, releases, rows};
use crate::metadata::error::MetadataError;
use crate::metadata::files::{EXPIRED_KNOWN_SECONDS, FileStore, StoredContent};
use crate::metadata::rows::{FILE, columns, file_values, insert_file};
use crate::metadata::rules;
use crate::metadata::rules::files::new_file;
use crate::metadata::rules::pages::PageBound;
use crate::metadata::rules::quotas::refuse_file;
use crate::model::audit::Origin;
use crate::model::blob::ContentLocation;
use crate::model::caller::{Caller, Refused};
use crate::model::chosen_name::ChosenName;
use crate::model::dialect::Dialect;
use crate::model::file::{File, FileDigest, NewFile};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{BlobId, FileId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::limits::Limits;
use crate::model::page::{FileQuery, NameQuery, Page};
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, ToSql, params, params_from_iter};
use std::sync::LazyLock;

static FIND: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {FILE} FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3"));
static FIND_NAMED: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {FILE} FROM files WHERE workspace_id = ?1 AND {ALIVE} AND chosen_name = ?3"));
/// Finds a File with the blob that holds it as a whole.
static FIND_CONTENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {file}, b.id, f.size_bytes, b.checksums, b.content FROM files f LEFT JOIN blobs b ON b.id = f.blob_id
         WHERE f.workspace_id = ?1 AND f.id = ?3 AND (f.expires_at IS NULL OR f.expires_at > ?2)",
        file = columns::of("f", FILE)
    )
});
/// An expired File until it is swept, and then the end in the ledger that no request caused.
static HAS_EXPIRED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT EXISTS (SELECT 1 FROM files WHERE workspace_id = ?1 AND NOT {ALIVE} AND id = ?3)
             OR EXISTS (SELECT 1 FROM ledger e JOIN ledger b ON b.event_id = 'st+:' || ?3
                        WHERE e.event_id = 'st-:' || ?3 AND e.workspace_id = ?1 AND e.ts > ?4
                            AND e.dialect IS NULL AND b.dialect IS NOT NULL)"
    )
});
const ALIVE: &str = "(expires_at IS NULL OR expires_at > ?2)";

/// The longest page that is read on the calling thread, which takes about 0.4 ms.
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
        let write = move |transaction: &Transaction<'_>, quotas: &Limits| {
            let refuse = |usage| refuse_file(quotas, usage, file.content.size_bytes);
            if let Some(link) = file.link
                && !link_uses::is_unused(transaction, caller.workspace, link)?
            {
                return Ok(Err(Refused::LinkEnded));
            }
            match limits::refuse(transaction, caller.workspace, quotas, refuse)? {
                Some(refused) => Ok(Err(refused)),
                None => create(transaction, caller, &file).map(Ok),
            }
        };
        self.write_once(caller, once, write, Option::as_ref).await
    }

    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.current(|connection| find(connection, workspace, id, now_seconds))
    }

    async fn find_named_file(&self, workspace: WorkspaceId, name: ChosenName) -> Result<Option<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.current(|connection| find_named(connection, workspace, &name, now_seconds))
    }

    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.current_or_long(move |connection| find_content(connection, workspace, id, now_seconds)).await
    }

    async fn has_expired(&self, workspace: WorkspaceId, id: FileId) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let known_from = now_seconds.saturating_sub(EXPIRED_KNOWN_SECONDS);
        self.readers.current(|connection| {
            let values = params![workspace, now_seconds, id, known_from];
            connection.row(&HAS_EXPIRED, values, |row| row.get(0)).map(Option::unwrap_or_default)
        })
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

    async fn list_files_by_name(&self, workspace: WorkspaceId, query: NameQuery) -> Result<Page<File>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let is_short = query.limit <= POINT_PAGE_FILES;
        let list = move |connection: &Connection| list_by_name(connection, workspace, &query, now_seconds);
        if is_short { self.readers.current_or_long(list).await } else { self.readers.long(list).await }
    }

    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError> {
        let workspace = caller.workspace;
        self.writer
            .write_for(workspace, move |transaction| {
                let sql = format!(
                    "DELETE FROM files WHERE workspace_id = ?1 AND {ALIVE} AND id = ?3
                     RETURNING workspace_id, id, blob_id, expires_at"
                );
                let values = params![workspace, transaction.now_seconds(), id];
                if delete_all(transaction, &sql, values, Some(caller.dialect))? == 0 {
                    return Ok(false);
                }
                audit::add(transaction, caller.into(), rules::audit::file_deleted(workspace, id))?;
                Ok(true)
            })
            .await
    }
}

fn create(transaction: &Transaction<'_>, caller: Caller, new: &NewFile) -> Result<Option<File>> {
    let workspace = caller.workspace;
    let Some(blob) = blobs::finalize(transaction, workspace, &new.place, &new.content)? else { return Ok(None) };
    let expires_after = default_expiries::decide(transaction, workspace, new.purpose, new.expires_after)?;
    let file = new_file(transaction.next_file_id(), new, expires_after);
    insert(transaction, workspace, &file, Some(blob))?;
    ledger::begin(transaction, caller, &file, Fact::Create)?;
    if let Some(link) = new.link {
        link_uses::use_up(transaction, (workspace, link, caller.key), file.id, Origin::of_link_user(caller))?;
    }
    Ok(Some(file))
}

/// Inserts a File with its blob, or one whose blobs are in `file_parts`.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    file: &File,
    blob: Option<BlobId>,
) -> Result<()> {
    static INSERT: LazyLock<String> = LazyLock::new(|| insert_file('?'));
    transaction.change(&INSERT, params_from_iter(file_values(workspace, blob, file))).map(drop)
}

pub(super) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now_seconds: u64,
) -> Result<Option<File>> {
    connection.row(&FIND, params![workspace, now_seconds, id], rows::read)
}

/// Finds the File that has a chosen name.
pub(super) fn find_named(
    connection: &Connection,
    workspace: WorkspaceId,
    name: &ChosenName,
    now_seconds: u64,
) -> Result<Option<File>> {
    connection.row(&FIND_NAMED, params![workspace, now_seconds, name.as_str()], rows::read)
}

/// Takes a chosen name from a File that has expired.
pub(super) fn free_name(transaction: &Transaction<'_>, workspace: WorkspaceId, name: &ChosenName) -> Result<()> {
    let sql = "UPDATE files SET chosen_name = NULL WHERE workspace_id = ?1 AND chosen_name = ?2 AND expires_at <= ?3";
    transaction.change(sql, params![workspace, name.as_str(), transaction.now_seconds()]).map(drop)
}

/// Finds a File with its blobs. The connection is in a transaction, so that a File of parts that is deleted meanwhile
/// is either found with its blobs or not found.
fn find_content(
    connection: &Connection,
    workspace: WorkspaceId,
    id: FileId,
    now_seconds: u64,
) -> Result<Option<StoredContent>> {
    let content = |row: &Row<'_>| {
        let mut row = rows::reader(row);
        let file: File = row.value()?;
        let is_whole = matches!(file.digest, FileDigest::Whole(_));
        Ok((file, is_whole.then(|| row.value()).transpose()?))
    };
    let values = params![workspace, now_seconds, id];
    let blobs_of_parts = || {
        let sql = "SELECT b.id, p.size_bytes, b.checksums, b.content FROM file_parts p JOIN blobs b ON b.id = p.blob_id
                   WHERE p.workspace_id = ?1 AND p.file_id = ?2 ORDER BY p.position";
        connection.rows(sql, (workspace, id), rows::read)
    };
    Ok(match connection.row(&FIND_CONTENT, values, content)? {
        None => None,
        Some((file, Some(blob))) => Some(StoredContent { file, blobs: vec![blob] }),
        Some((file, None)) => Some(StoredContent { file, blobs: blobs_of_parts()? }),
    })
}

fn list(connection: &Connection, workspace: WorkspaceId, query: FileQuery, now_seconds: u64) -> Result<Page<File>> {
    let PageBound { comparison, direction, .. } = PageBound::behind(query.after, query.order);
    let after = if query.after.is_some() { format!("AND id {comparison} ?3") } else { "AND ?3 IS NULL".to_owned() };
    // Without statistics the planner prefers the primary key, which reads the Files of every purpose.
    let (index, purpose) = match query.purpose {
        Some(_) => ("INDEXED BY files_by_purpose", "AND purpose = ?4"),
        None => ("", "AND ?4 IS NULL"),
    };
    let sql = format!(
        "SELECT {FILE} FROM files {index}
         WHERE workspace_id = ?1 AND {ALIVE} {after} {purpose} ORDER BY id {direction} LIMIT ?5"
    );
    let values =
        params![workspace, now_seconds, query.after, query.purpose.map(Purpose::name), u64::from(query.limit) + 1];
    Ok(Page::cut(connection.rows(&sql, values, rows::read)?, query.limit))
}

fn list_by_name(
    connection: &Connection,
    workspace: WorkspaceId,
    query: &NameQuery,
    now_seconds: u64,
) -> Result<Page<File>> {
    let PageBound { comparison, direction, .. } = PageBound::behind(None::<FileId>, query.order);
    let after = match query.after {
        Some(_) => format!("AND (lower(filename), id) {comparison} (?5, ?6)"),
        None => "AND ?5 IS NULL AND ?6 IS NULL".to_owned(),
    };
    let sql = format!(
        "SELECT {FILE} FROM files INDEXED BY files_by_name
         WHERE workspace_id = ?1 AND {ALIVE} AND lower(filename) >= ?3 AND lower(filename) < ?4 {after}
         ORDER BY lower(filename) {direction}, id {direction} LIMIT ?7"
    );
    let (least, bound) = (query.prefix.least(), query.prefix.bound());
    let (name, id) = query.after.as_ref().map(|after| (&after.name, after.id)).unzip();
    let values = params![workspace, now_seconds, least, bound, name, id, u64::from(query.limit) + 1];
    Ok(Page::cut(connection.rows(&sql, values, rows::read)?, query.limit))
}

/// Deletes at most `limit` Files of a workspace. Returns their number.
pub(super) fn delete_some(transaction: &Transaction<'_>, workspace: WorkspaceId, limit: u32) -> Result<usize> {
    let sql = "DELETE FROM files WHERE workspace_id = ?1 AND id IN
               (SELECT id FROM files WHERE workspace_id = ?1 ORDER BY id LIMIT ?2)
               RETURNING workspace_id, id, blob_id, expires_at";
    delete_all(transaction, sql, params![workspace, limit], None)
}

/// Deletes at most `limit` expired Files of a workspace. Returns their number.
pub(super) fn delete_expired(transaction: &Transaction<'_>, workspace: WorkspaceId, limit: u32) -> Result<usize> {
    let sql = "DELETE FROM files WHERE workspace_id = ?1 AND id IN
               (SELECT id FROM files WHERE workspace_id = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)
               RETURNING workspace_id, id, blob_id, expires_at";
    delete_all(transaction, sql, params![workspace, transaction.now_seconds(), limit], None)
}

/// Runs a statement that deletes Files, enters their ends and releases their blobs. Returns the number of Files. The
/// dialect is that of the request that deletes them, if one does.
fn delete_all(
    transaction: &Transaction<'_>,
    sql: &str,
    values: &[&dyn ToSql],
    dialect: Option<Dialect>,
) -> Result<usize> {
    let now_seconds = transaction.now_seconds();
    let file = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let deleted: Vec<(String, String, Option<String>, Option<u64>)> = transaction.rows(sql, values, file)?;
    for (workspace, id, blob, expires_at) in &deleted {
        ledger::end(transaction, id, *expires_at, dialect)?;
        match blob {
            Some(blob) => blobs::release(transaction, blob, now_seconds)?,
            None => releases::add(transaction, workspace, id, now_seconds)?,
        }
    }
    Ok(deleted.len())
}
