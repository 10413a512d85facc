//! Rows of workspaces.

use super::answers::made;
use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{audit, files, uploads};
use crate::metadata::error::MetadataError;
use crate::metadata::rows::WORKSPACE;
use crate::metadata::rules::workspaces as rules;
use crate::metadata::workspaces::{Purged, WorkspaceStore};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::page::Page;
use crate::model::workspace::{NameTaken, Workspace};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, Result, params};

#[async_trait]
impl WorkspaceStore for SqliteStore {
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let name = name.to_owned();
        let create = move |transaction: &Transaction<'_>| {
            let id = WorkspaceId::next(None, transaction.now_ms(), random::bytes());
            let sql = "INSERT INTO workspaces (id, name) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
            if transaction.change(sql, params![id, name])? == 0 {
                return Ok(None);
            }
            let (workspace, entry) = rules::create(id, &name);
            audit::add(transaction, origin, entry)?;
            Ok(Some(workspace))
        };
        self.administer(once, create, Option::as_ref).await
    }

    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError> {
        let which = if with_archived {
            "WHERE id > ?1"
        } else {
            "INDEXED BY workspaces_not_archived WHERE id > ?1 AND archived_at IS NULL"
        };
        let sql = format!("SELECT {WORKSPACE} FROM workspaces {which} ORDER BY id LIMIT ?2");
        let values = params![after.map(|id| id.to_string()).unwrap_or_default(), u64::from(limit) + 1];
        self.readers.point(|connection| Ok(Page::cut(connection.rows(&sql, values, rows::read)?, limit)))
    }

    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError> {
        self.readers.point(|connection| find(connection, id))
    }

    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError> {
        self.readers.point(|connection| find_named(connection, name))
    }

    async fn rename_workspace(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Result<Workspace, NameTaken>>>, MetadataError> {
        let name = name.map(str::to_owned);
        let rename = move |transaction: &Transaction<'_>| {
            let Some(known) = find(transaction, id)? else { return Ok(None) };
            let renamed = rules::rename(known, name.as_deref());
            if let Some(entry) = renamed.entry {
                if find_named(transaction, &renamed.row.name)?.is_some() {
                    return Ok(Some(Err(NameTaken)));
                }
                let sql = "UPDATE workspaces SET name = ?2 WHERE id = ?1";
                transaction.change(sql, params![id, renamed.row.name])?;
                audit::add(transaction, origin, entry)?;
            }
            Ok(Some(Ok(renamed.row)))
        };
        self.administer(once, rename, made).await
    }

    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let archive = move |transaction: &Transaction<'_>| {
            let Some(known) = find(transaction, id)? else { return Ok(None) };
            let archived = rules::archive(known, transaction.now_seconds());
            if let Some(entry) = archived.entry {
                let sql = "UPDATE workspaces SET archived_at = ?2 WHERE id = ?1";
                transaction.change(sql, params![id, archived.row.archived_at])?;
                audit::add(transaction, origin, entry)?;
            }
            Ok(Some(archived.row))
        };
        self.administer(once, archive, Option::as_ref).await
    }

    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError> {
        self.writer.write(move |transaction| purge(transaction, id, limit, origin)).await
    }
}

fn find(connection: &Connection, id: WorkspaceId) -> Result<Option<Workspace>> {
    connection.row(&format!("SELECT {WORKSPACE} FROM workspaces WHERE id = ?1"), [id], rows::read)
}

fn find_named(connection: &Connection, name: &str) -> Result<Option<Workspace>> {
    connection.row(&format!("SELECT {WORKSPACE} FROM workspaces WHERE name = ?1"), [name], rows::read)
}

fn purge(transaction: &Transaction<'_>, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged> {
    if let Some(refused) = rules::refuse_purge(find(transaction, id)?.as_ref()) {
        return Ok(refused);
    }
    let removed = files::delete_some(transaction, id, limit)? + uploads::cancel_some(transaction, id, limit)?;
    if removed > 0 {
        return Ok(Purged::Some(removed));
    }
    let owner = id.to_string();
    for sql in [
        "DELETE FROM answers WHERE workspace_id = ?1 AND key IN
         (SELECT key FROM answers WHERE workspace_id = ?1 LIMIT ?2)",
        "DELETE FROM links WHERE id IN
         (SELECT id FROM links INDEXED BY links_by_workspace WHERE workspace_id = ?1 LIMIT ?2)",
        "DELETE FROM uploads WHERE workspace_id = ?1 AND id IN
         (SELECT id FROM uploads WHERE workspace_id = ?1 LIMIT ?2)",
    ] {
        if transaction.change(sql, params![owner, limit])? > 0 {
            return Ok(Purged::Some(0));
        }
    }
    let secrets = "DELETE FROM key_secrets WHERE key_id IN (SELECT id FROM api_keys WHERE workspace_id = ?1)";
    let removed_secrets = transaction.change(secrets, [&owner])? as u64;
    let limits =
        "DELETE FROM limits WHERE owner_id = ?1 OR owner_id IN (SELECT id FROM api_keys WHERE workspace_id = ?1)";
    transaction.change(limits, [&owner])?;
    for table in ["api_keys", "default_expiries"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE workspace_id = ?1"), [&owner])?;
    }
    audit::add(transaction, origin, rules::purged(id, removed_secrets))?;
    Ok(Purged::All)
}
