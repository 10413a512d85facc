//! Rows of workspaces.

use super::answers::AdminOpening;
use super::connections::Session;
use super::failure::Failure;
use super::rows::{optional_number, parsed, stored};
use super::store::{PostgresStore, read, transaction};
use super::writer::{Change, Lock};
use super::{audit, files, uploads};
use crate::metadata::error::MetadataError;
use crate::metadata::rules::columns::WORKSPACE;
use crate::metadata::rules::update::Update;
use crate::metadata::rules::workspaces as rules;
use crate::metadata::workspaces::{Purged, WorkspaceStore};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::page::Page;
use crate::model::workspace::{NameTaken, Workspace};
use crate::random;
use async_trait::async_trait;
use tokio_postgres::Row;

#[async_trait]
impl WorkspaceStore for PostgresStore {
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, |change| create(change, name, origin, once).await)
    }

    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError> {
        read!(self, |session| {
            let which = if with_archived { "true" } else { "archived_at IS NULL" };
            let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE id > $1 AND {which} ORDER BY id LIMIT $2");
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            let found = session.rows(&sql, &[&after, &(i64::from(limit) + 1)]).await?;
            Ok(Page::cut(found.iter().map(workspace).collect::<Result<_, _>>()?, limit))
        })
    }

    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError> {
        read!(self, |session| find(session, id).await)
    }

    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError> {
        read!(self, |session| {
            let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE name = $1");
            session.row(&sql, &[&name]).await?.map(|row| workspace(&row)).transpose()
        })
    }

    async fn rename_workspace(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Result<Workspace, NameTaken>>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, |change| rename(change, id, name, origin, once).await)
    }

    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, |change| archive(change, id, origin, once).await)
    }

    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError> {
        transaction!(self, |change| purge(change, id, limit, origin).await)
    }
}

async fn create(
    change: Change<'_>,
    name: &str,
    origin: Origin,
    once: Option<&Idempotency<Workspace>>,
) -> Result<IdempotentOutcome<Option<Workspace>>, Failure> {
    let opening = AdminOpening::prepare(&change, once).await?;
    if let Some(stop) = opening.begin(None).await? {
        return change.give_up(stop.into()).await;
    }
    let id = WorkspaceId::next(None, change.now_ms(), random::bytes());
    let sql = "INSERT INTO workspaces (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    if change.execute(sql, &[&id.to_string(), &name]).await? == 0 {
        return change.give_up(IdempotentOutcome::Made(None)).await;
    }
    let (workspace, entry) = rules::create(id, name);
    audit::note(&change, origin, entry).await?;
    opening.commit(&workspace).await?;
    Ok(IdempotentOutcome::Made(Some(workspace)))
}

async fn find(session: &Session, id: WorkspaceId) -> Result<Option<Workspace>, Failure> {
    let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE id = $1");
    session.row(&sql, &[&id.to_string()]).await?.map(|row| workspace(&row)).transpose()
}

/// The workspace, which nobody else changes until the end of the transaction.
async fn take(change: &Change<'_>, id: WorkspaceId) -> Result<Option<Workspace>, Failure> {
    change.begin(&[Lock::Workspace(id)], async { Ok(()) }).await?;
    find(change, id).await
}

async fn rename(
    change: Change<'_>,
    id: WorkspaceId,
    name: Option<&str>,
    origin: Origin,
    once: Option<&Idempotency<Workspace>>,
) -> Result<IdempotentOutcome<Option<Result<Workspace, NameTaken>>>, Failure> {
    let opening = AdminOpening::prepare(&change, once).await?;
    if let Some(stop) = opening.begin(Some(Lock::Workspace(id))).await? {
        return change.give_up(stop.into()).await;
    }
    let Some(known) = find(&change, id).await? else { return change.give_up(IdempotentOutcome::Made(None)).await };
    let Update { row: renamed, entry } = rules::rename(known, name);
    if let Some(entry) = entry {
        let sql = "UPDATE workspaces SET name = $2 WHERE id = $1";
        match change.execute(sql, &[&id.to_string(), &renamed.name]).await {
            Err(failure) if failure.is_taken() => {
                return change.give_up(IdempotentOutcome::Made(Some(Err(NameTaken)))).await;
            }
            other => other?,
        };
        audit::note(&change, origin, entry).await?;
    }
    opening.commit(&renamed).await?;
    Ok(IdempotentOutcome::Made(Some(Ok(renamed))))
}

async fn archive(
    change: Change<'_>,
    id: WorkspaceId,
    origin: Origin,
    once: Option<&Idempotency<Workspace>>,
) -> Result<IdempotentOutcome<Option<Workspace>>, Failure> {
    let opening = AdminOpening::prepare(&change, once).await?;
    if let Some(stop) = opening.begin(Some(Lock::Workspace(id))).await? {
        return change.give_up(stop.into()).await;
    }
    let Some(known) = find(&change, id).await? else { return change.give_up(IdempotentOutcome::Made(None)).await };
    let Update { row: archived, entry } = rules::archive(known, change.now_seconds());
    if let Some(entry) = entry {
        let sql = "UPDATE workspaces SET archived_at = $2 WHERE id = $1";
        change.execute(sql, &[&id.to_string(), &archived.archived_at.map(stored)]).await?;
        audit::note(&change, origin, entry).await?;
    }
    opening.commit(&archived).await?;
    Ok(IdempotentOutcome::Made(Some(archived)))
}

async fn purge(change: Change<'_>, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, Failure> {
    if let Some(refused) = rules::refuse_purge(take(&change, id).await?.as_ref()) {
        change.abandon().await?;
        return Ok(refused);
    }
    let files = files::delete_some(&change, id, limit).await?;
    let removed = files + uploads::cancel_some(&change, id, limit).await?;
    let purged = if removed > 0 {
        Purged::Some(usize::try_from(removed).unwrap_or(usize::MAX))
    } else if remove_rows(&change, id, limit).await? {
        Purged::Some(0)
    } else {
        remove_rest(&change, id, origin).await?;
        Purged::All
    };
    change.commit(async { Ok(()) }).await?;
    Ok(purged)
}

/// Removes at most `limit` rows of what a workspace may have many of; false when there is none.
async fn remove_rows(change: &Change<'_>, id: WorkspaceId, limit: u32) -> Result<bool, Failure> {
    for sql in [
        "DELETE FROM answers WHERE workspace_id = $1 AND key IN
         (SELECT key FROM answers WHERE workspace_id = $1 LIMIT $2)",
        "DELETE FROM uploads WHERE workspace_id = $1 AND id IN
         (SELECT id FROM uploads WHERE workspace_id = $1 LIMIT $2)",
    ] {
        if change.execute(sql, &[&id.to_string(), &i64::from(limit)]).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn remove_rest(change: &Change<'_>, id: WorkspaceId, origin: Origin) -> Result<(), Failure> {
    let owner = id.to_string();
    let secrets = "DELETE FROM key_secrets WHERE key_id IN (SELECT id FROM api_keys WHERE workspace_id = $1)";
    let removed_secrets = change.execute(secrets, &[&owner]).await?;
    let limits =
        "DELETE FROM limits WHERE owner_id = ANY(ARRAY(SELECT id FROM api_keys WHERE workspace_id = $1) || $1::text)";
    change.execute(limits, &[&owner]).await?;
    for table in ["api_keys", "default_expiries"] {
        change.execute(&format!("DELETE FROM {table} WHERE workspace_id = $1"), &[&owner]).await?;
    }
    audit::note(change, origin, rules::purged(id, removed_secrets)).await
}

fn workspace(row: &Row) -> Result<Workspace, Failure> {
    Ok(Workspace { id: parsed(row, 0)?, name: row.try_get(1)?, archived_at: optional_number(row, 2)? })
}
