//! Rows of workspaces.

use super::answers::made;
use super::rows::parsed;
use super::store::SqliteStore;
use super::{audit, files, uploads};
use crate::metadata::error::MetadataError;
use crate::metadata::rules;
use crate::metadata::rules::columns::WORKSPACE;
use crate::metadata::workspaces::{Purged, WorkspaceStore};
use crate::model::audit::{Action, Origin};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::page::Page;
use crate::model::workspace::{NameTaken, Workspace};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl WorkspaceStore for SqliteStore {
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let (name, now_ms) = (name.to_owned(), self.clock.now_ms());
        let create = move |connection: &Connection| create(connection, &name, origin, now_ms);
        self.administer(once, now_ms, create, Option::as_ref).await
    }

    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError> {
        self.readers.point(|connection| list(connection, after, limit, with_archived))
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
        let (name, now_ms) = (name.map(str::to_owned), self.clock.now_ms());
        let rename = move |connection: &Connection| rename(connection, id, name.as_deref(), origin, now_ms);
        self.administer(once, now_ms, rename, made).await
    }

    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let archive = move |connection: &Connection| archive(connection, id, origin, now_ms);
        self.administer(once, now_ms, archive, Option::as_ref).await
    }

    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| purge(change.connection, id, limit, origin, now_ms)).await
    }
}

fn create(connection: &Connection, name: &str, origin: Origin, now_ms: u64) -> Result<Option<Workspace>> {
    let id = WorkspaceId::next(None, now_ms, random::bytes());
    let mut insert =
        connection.prepare_cached("INSERT INTO workspaces (id, name) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING")?;
    if insert.execute(params![id.to_string(), name])? == 0 {
        return Ok(None);
    }
    audit::note(connection, origin, rules::audit::workspace_named(Action::WorkspaceCreated, id, name), now_ms)?;
    Ok(Some(Workspace { id, name: name.to_owned(), archived_at: None }))
}

fn list(
    connection: &Connection,
    after: Option<WorkspaceId>,
    limit: u32,
    with_archived: bool,
) -> Result<Page<Workspace>> {
    let which = if with_archived {
        "WHERE id > ?1"
    } else {
        "INDEXED BY workspaces_not_archived WHERE id > ?1 AND archived_at IS NULL"
    };
    let sql = format!("SELECT {WORKSPACE} FROM workspaces {which} ORDER BY id LIMIT ?2");
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_map(params![after, u64::from(limit) + 1], workspace)?;
    Ok(Page::cut(found.collect::<Result<_>>()?, limit))
}

fn find(connection: &Connection, id: WorkspaceId) -> Result<Option<Workspace>> {
    let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.to_string()], workspace).optional()
}

fn find_named(connection: &Connection, name: &str) -> Result<Option<Workspace>> {
    let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE name = ?1");
    connection.prepare_cached(&sql)?.query_row([name], workspace).optional()
}

fn rename(
    connection: &Connection,
    id: WorkspaceId,
    name: Option<&str>,
    origin: Origin,
    now_ms: u64,
) -> Result<Option<std::result::Result<Workspace, NameTaken>>> {
    let Some(known) = find(connection, id)? else { return Ok(None) };
    let Some(name) = name.filter(|name| *name != known.name) else { return Ok(Some(Ok(known))) };
    if find_named(connection, name)?.is_some() {
        return Ok(Some(Err(NameTaken)));
    }
    let sql = "UPDATE workspaces SET name = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.to_string(), name])?;
    audit::note(connection, origin, rules::audit::workspace_named(Action::WorkspaceUpdated, id, name), now_ms)?;
    Ok(Some(Ok(Workspace { name: name.to_owned(), ..known })))
}

fn archive(connection: &Connection, id: WorkspaceId, origin: Origin, now_ms: u64) -> Result<Option<Workspace>> {
    let Some(known) = find(connection, id)? else { return Ok(None) };
    if known.archived_at.is_some() {
        return Ok(Some(known));
    }
    let archived_at = Some(now_ms / 1000);
    let sql = "UPDATE workspaces SET archived_at = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.to_string(), archived_at])?;
    audit::note(connection, origin, rules::audit::workspace(Action::WorkspaceArchived, id), now_ms)?;
    Ok(Some(Workspace { archived_at, ..known }))
}

fn purge(connection: &Connection, id: WorkspaceId, limit: u32, origin: Origin, now_ms: u64) -> Result<Purged> {
    match find(connection, id)? {
        None => return Ok(Purged::NotFound),
        Some(workspace) if workspace.archived_at.is_none() => return Ok(Purged::NotArchived),
        Some(_) => {}
    }
    let removed =
        files::delete_some(connection, id, limit, now_ms / 1000)? + uploads::cancel_some(connection, id, limit)?;
    if removed > 0 {
        return Ok(Purged::Some(removed));
    }
    let owner = id.to_string();
    for sql in [
        "DELETE FROM answers WHERE workspace_id = ?1 AND key IN
         (SELECT key FROM answers WHERE workspace_id = ?1 LIMIT ?2)",
        "DELETE FROM uploads WHERE workspace_id = ?1 AND id IN (SELECT id FROM uploads WHERE workspace_id = ?1 LIMIT ?2)",
    ] {
        if connection.prepare_cached(sql)?.execute(params![owner, limit])? > 0 {
            return Ok(Purged::Some(0));
        }
    }
    let secrets = "DELETE FROM key_secrets WHERE key_id IN (SELECT id FROM api_keys WHERE workspace_id = ?1)";
    let keys = connection.prepare_cached(secrets)?.execute([&owner])?;
    let limits =
        "DELETE FROM limits WHERE owner_id = ?1 OR owner_id IN (SELECT id FROM api_keys WHERE workspace_id = ?1)";
    connection.prepare_cached(limits)?.execute([&owner])?;
    for table in ["api_keys", "default_expiries"] {
        connection.execute(&format!("DELETE FROM {table} WHERE workspace_id = ?1"), [&owner])?;
    }
    if keys > 0 {
        audit::note(connection, origin, rules::audit::workspace(Action::WorkspacePurged, id), now_ms)?;
    }
    Ok(Purged::All)
}

fn workspace(row: &Row<'_>) -> Result<Workspace> {
    Ok(Workspace { id: parsed(row, 0)?, name: row.get(1)?, archived_at: row.get(2)? })
}
