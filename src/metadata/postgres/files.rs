//! Rows of Files. Every statement of a request filters by workspace and hides expired Files; only the sweeper crosses
//! workspaces.

use super::admission::AdmissionFacts;
use super::blobs::release;
use super::connections::{Prepared, Session};
use super::failure::Failure;
use super::ledger;
use super::pending::{PendingCreate, PendingDelete};
use super::rows::{self, stored};
use super::store::{PostgresStore, read};
use crate::metadata::error::MetadataError;
use crate::metadata::files::{EXPIRED_KNOWN_SECONDS, FileStore, StoredContent};
use crate::metadata::room::with_room;
use crate::metadata::rows::{FILE, FILE_COLUMNS, RowReader, columns, file_values, insert_file};
use crate::metadata::rules::pages::PageBound;
use crate::model::caller::Caller;
use crate::model::chosen_name::ChosenName;
use crate::model::file::{File, FileDigest, NewFile};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{BlobId, FileId, WorkspaceId};
use crate::model::page::{FileQuery, NameQuery, Page};
use crate::model::purpose::Purpose;
use crate::random;
use async_trait::async_trait;
use std::sync::LazyLock;
use tokio_postgres::types::ToSql;

pub(super) const ALIVE: &str = "(f.expires_at IS NULL OR f.expires_at > now_ms() / 1000)";
pub(super) static INSERT: LazyLock<String> = LazyLock::new(|| insert_file('$'));

#[async_trait]
impl FileStore for PostgresStore {
    async fn create_file(
        &self,
        caller: Caller,
        file: NewFile,
        once: Option<Idempotency<File>>,
    ) -> Result<IdempotentOutcome<Option<File>>, MetadataError> {
        let coming = || PendingCreate { caller, new: file.clone(), once: once.clone() };
        with_room(self, caller.workspace, || self.creates.make(coming())).await
    }

    async fn find_file(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<File>, MetadataError> {
        read!(self, workspace, |session| {
            let sql = format!("SELECT {FILE} FROM files f WHERE f.workspace_id = $1 AND {ALIVE} AND f.id = $2");
            let found = session.row(&sql, &[&workspace.to_string(), &id.to_string()]).await?;
            found.as_ref().map(rows::read).transpose()
        })
    }

    async fn find_named_file(&self, workspace: WorkspaceId, name: ChosenName) -> Result<Option<File>, MetadataError> {
        let name = &name;
        read!(self, workspace, |session| {
            let sql =
                format!("SELECT {FILE} FROM files f WHERE f.workspace_id = $1 AND {ALIVE} AND f.chosen_name = $2");
            let found = session.row(&sql, &[&workspace.to_string(), &name.as_str()]).await?;
            found.as_ref().map(rows::read).transpose()
        })
    }

    async fn find_content(&self, workspace: WorkspaceId, id: FileId) -> Result<Option<StoredContent>, MetadataError> {
        read!(self, workspace, |session| {
            // One statement, with one row for each blob in order: a File of parts that is deleted meanwhile is found
            // with all its blobs or not at all.
            let sql = format!(
                "SELECT {file}, b.id, coalesce(p.size_bytes, f.size_bytes), b.checksums, b.content
                 FROM files f LEFT JOIN file_parts p
                     ON f.blob_id IS NULL AND p.workspace_id = f.workspace_id AND p.file_id = f.id
                 LEFT JOIN blobs b ON b.id = coalesce(f.blob_id, p.blob_id)
                 WHERE f.workspace_id = $1 AND {ALIVE} AND f.id = $2 ORDER BY p.position",
                file = columns::of("f", FILE)
            );
            let found = session.rows(&sql, &[&workspace.to_string(), &id.to_string()]).await?;
            let Some(first) = found.first() else { return Ok(None) };
            let file: File = rows::read(first)?;
            let no_parts = matches!(file.digest, FileDigest::Parts { count: 0, .. });
            let blobs = found.iter().filter(|_| !no_parts).map(|row| RowReader::from_column(row, FILE_COLUMNS).value());
            Ok(Some(StoredContent { file, blobs: blobs.collect::<Result<_, _>>()? }))
        })
    }

    async fn has_expired(&self, workspace: WorkspaceId, id: FileId) -> Result<bool, MetadataError> {
        read!(self, workspace, |session| {
            // An expired File until it is swept, and then the end in the ledger that no request caused.
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM files f WHERE f.workspace_id = $1 AND NOT {ALIVE} AND f.id = $2)
                     OR EXISTS (SELECT 1 FROM ledger e JOIN ledger b ON b.event_id = 'st+:' || $2::text
                                WHERE e.event_id = 'st-:' || $2::text AND e.workspace_id = $1
                                    AND e.ts > now_ms() / 1000 - $3 AND e.dialect IS NULL AND b.dialect IS NOT NULL)"
            );
            let known_seconds = stored(EXPIRED_KNOWN_SECONDS);
            let found = session.row(&sql, &[&workspace.to_string(), &id.to_string(), &known_seconds]).await?;
            Ok(found.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
        })
    }

    async fn list_files(&self, workspace: WorkspaceId, query: FileQuery) -> Result<Page<File>, MetadataError> {
        read!(self, workspace, |session| {
            let PageBound { comparison, direction, .. } = PageBound::behind(query.after, query.order);
            // The comparison of both columns keeps the planner from the primary key, which has the Files of every
            // purpose.
            let after = match (query.after, query.purpose) {
                (None, _) => "$2::text IS NULL".to_owned(),
                (Some(_), None) => format!("f.id {comparison} $2"),
                (Some(_), Some(_)) => format!("(f.purpose, f.id) {comparison} ($3, $2)"),
            };
            let purpose = if query.purpose.is_some() { "f.purpose = $3" } else { "$3::text IS NULL" };
            let sql = format!(
                "SELECT {FILE} FROM files f WHERE f.workspace_id = $1 AND {ALIVE} AND {after} AND {purpose}
                 ORDER BY f.id {direction} LIMIT $4"
            );
            let (workspace, after) = (workspace.to_string(), query.after.map(|id| id.to_string()));
            let (purpose, limit) = (query.purpose.map(Purpose::name), i64::from(query.limit) + 1);
            let found = session.rows(&sql, &[&workspace, &after, &purpose, &limit]).await?;
            Ok(Page::cut(rows::read_all(&found)?, query.limit))
        })
    }

    async fn list_files_by_name(&self, workspace: WorkspaceId, query: NameQuery) -> Result<Page<File>, MetadataError> {
        let NameQuery { prefix, limit, order, after } = &query;
        let PageBound { comparison, direction, .. } = PageBound::behind(None::<FileId>, *order);
        let behind = match after {
            Some(_) => format!("(lower(f.filename), f.id) {comparison} ($4, $5)"),
            None => "$4::text IS NULL AND $5::text IS NULL".to_owned(),
        };
        let sql = &format!(
            "SELECT {FILE} FROM files f WHERE f.workspace_id = $1 AND {ALIVE}
                 AND lower(f.filename) >= $2 AND lower(f.filename) < $3 AND {behind}
             ORDER BY lower(f.filename) {direction}, f.id {direction} LIMIT $6"
        );
        let (least, bound) = (&prefix.least(), &prefix.bound());
        let (name, id) = &after.as_ref().map(|after| (&after.name, after.id.to_string())).unzip();
        read!(self, workspace, |session| {
            let (workspace, most) = (workspace.to_string(), i64::from(*limit) + 1);
            let found = session.rows(sql, &[&workspace, least, bound, name, id, &most]).await?;
            Ok(Page::cut(rows::read_all(&found)?, *limit))
        })
    }

    async fn delete_file(&self, caller: Caller, id: FileId) -> Result<bool, MetadataError> {
        self.deletes.make(PendingDelete { caller, file: id }).await
    }
}

/// Returns the next File id of a workspace. Must be called under the lock of the workspace, so that ids are in the
/// order of commits.
pub(super) fn next_id(facts: &AdmissionFacts, now_ms: u64) -> FileId {
    FileId::next(facts.last_file_id, now_ms, random::bytes())
}

/// Inserts a File with its blob, or without one if its parts are in `file_parts`.
pub(super) async fn insert(
    insert: &Prepared<'_>,
    workspace: WorkspaceId,
    file: &File,
    blob: Option<BlobId>,
) -> Result<(), Failure> {
    let values = file_values(workspace, blob, file);
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    insert.execute(&values).await.map(drop)
}

/// Deletes at most `limit` Files of a workspace, expired or not. Returns their number.
pub(super) async fn delete_some(session: &Session, workspace: WorkspaceId, limit: u32) -> Result<u64, Failure> {
    let chosen = "SELECT workspace_id, id FROM files WHERE workspace_id = $1 ORDER BY id LIMIT $2 FOR UPDATE";
    let sql = removal(chosen, OF_CHOSEN, NO_DIALECT);
    let deleted = session.row(&sql, &[&workspace.to_string(), &i64::from(limit)]).await?;
    deleted.map_or(Ok(0), |row| rows::number(&row, 0))
}

/// Deletes at most `limit` expired Files of a workspace. Returns their number. Skips Files that another server is
/// deleting.
pub(super) async fn delete_expired(session: &Session, workspace: WorkspaceId, limit: u32) -> Result<u64, Failure> {
    let chosen = "SELECT workspace_id, id FROM files WHERE workspace_id = $1 AND expires_at <= now_ms() / 1000
                  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED";
    let sql = removal(chosen, OF_CHOSEN, NO_DIALECT);
    let deleted = session.row(&sql, &[&workspace.to_string(), &i64::from(limit)]).await?;
    deleted.map_or(Ok(0), |row| rows::number(&row, 0))
}

const OF_CHOSEN: &str = "DELETE FROM files f USING chosen c WHERE f.workspace_id = c.workspace_id AND f.id = c.id";
/// The dialect of a removal that no request asked for.
const NO_DIALECT: &str = "NULL::text";

/// Returns a statement that runs `delete`, on the Files that `chosen` selects if it is not empty, adds their ledger
/// rows, and releases their blobs or queues their parts for release. Its result is the number of Files. `dialect` is
/// the SQL of the dialect of the request that removes the File `f`.
pub(super) fn removal(chosen: &str, delete: &str, dialect: &str) -> String {
    let chosen = if chosen.is_empty() { String::new() } else { format!("chosen AS MATERIALIZED ({chosen}),") };
    let (end, release) = (ledger::END, release("now_ms() / 1000"));
    format!(
        "WITH {chosen}
         gone AS ({delete} RETURNING f.workspace_id, f.id, f.blob_id, f.expires_at, {dialect} AS dialect),
         left_parts AS (INSERT INTO releases (workspace_id, owner_id, released_at)
                        SELECT workspace_id, id, now_ms() / 1000 FROM gone WHERE blob_id IS NULL
                        ON CONFLICT DO NOTHING),
         freed AS (SELECT blob_id FROM gone WHERE blob_id IS NOT NULL),
         {release},
         ended AS ({end})
         SELECT count(*) FROM gone"
    )
}
