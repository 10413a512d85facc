//! Rows of workspaces.

use super::answers::AdminGuard;
use super::connections::Session;
use super::failure::Failure;
use super::rows::{self, stored};
use super::store::{PostgresStore, read, transaction};
use super::writer::{Lock, Transaction};
use super::{audit, files, upload_ends};
use crate::metadata::error::MetadataError;
use crate::metadata::rows::WORKSPACE;
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

#[async_trait]
impl WorkspaceStore for PostgresStore {
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, |tx| {
            let guard = AdminGuard::prepare(&tx, once).await?;
            if let Some(rejection) = guard.begin(None).await? {
                return tx.rollback_with(rejection.into()).await;
            }
            let id = WorkspaceId::next(None, tx.now_ms(), random::bytes());
            let sql = "INSERT INTO workspaces (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
            if tx.execute(sql, &[&id.to_string(), &name]).await? == 0 {
                return tx.rollback_with(IdempotentOutcome::Made(None)).await;
            }
            let (workspace, entry) = rules::create(id, name);
            audit::note(&tx, origin, entry).await?;
            guard.commit(&workspace).await?;
            Ok(IdempotentOutcome::Made(Some(workspace)))
        })
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
            Ok(Page::cut(rows::read_all(&found)?, limit))
        })
    }

    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError> {
        read!(self, |session| find(session, id).await)
    }

    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError> {
        read!(self, |session| {
            let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE name = $1");
            session.row(&sql, &[&name]).await?.as_ref().map(rows::read).transpose()
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
        transaction!(self, |tx| {
            let guard = AdminGuard::prepare(&tx, once).await?;
            if let Some(rejection) = guard.begin(Some(Lock::Workspace(id))).await? {
                return tx.rollback_with(rejection.into()).await;
            }
            let Some(known) = find(&tx, id).await? else {
                return tx.rollback_with(IdempotentOutcome::Made(None)).await;
            };
            let Update { row: renamed, entry } = rules::rename(known, name);
            if let Some(entry) = entry {
                let sql = "UPDATE workspaces SET name = $2 WHERE id = $1";
                match tx.execute(sql, &[&id.to_string(), &renamed.name]).await {
                    Err(failure) if failure.is_taken() => {
                        return tx.rollback_with(IdempotentOutcome::Made(Some(Err(NameTaken)))).await;
                    }
                    other => other?,
                };
                audit::note(&tx, origin, entry).await?;
            }
            guard.commit(&renamed).await?;
            Ok(IdempotentOutcome::Made(Some(Ok(renamed))))
        })
    }

    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, |tx| {
            let guard = AdminGuard::prepare(&tx, once).await?;
            if let Some(rejection) = guard.begin(Some(Lock::Workspace(id))).await? {
                return tx.rollback_with(rejection.into()).await;
            }
            let Some(known) = find(&tx, id).await? else {
                return tx.rollback_with(IdempotentOutcome::Made(None)).await;
            };
            let Update { row: archived, entry } = rules::archive(known, tx.now_seconds());
            if let Some(entry) = entry {
                let sql = "UPDATE workspaces SET archived_at = $2 WHERE id = $1";
                tx.execute(sql, &[&id.to_string(), &archived.archived_at.map(stored)]).await?;
                audit::note(&tx, origin, entry).await?;
            }
            guard.commit(&archived).await?;
            Ok(IdempotentOutcome::Made(Some(archived)))
        })
    }

    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError> {
        transaction!(self, |tx| {
            if let Some(refused) = rules::refuse_purge(take(&tx, id).await?.as_ref()) {
                tx.rollback().await?;
                return Ok(refused);
            }
            let files = files::delete_some(&tx, id, limit).await?;
            let removed = files + upload_ends::cancel_some(&tx, id, limit).await?;
            let purged = if removed > 0 {
                Purged::Some(usize::try_from(removed).unwrap_or(usize::MAX))
            } else if remove_rows(&tx, id, limit).await? {
                Purged::Some(0)
            } else {
                remove_rest(&tx, id, origin).await?;
                Purged::All
            };
            tx.commit(async { Ok(()) }).await?;
            Ok(purged)
        })
    }
}

async fn find(session: &Session, id: WorkspaceId) -> Result<Option<Workspace>, Failure> {
    let sql = format!("SELECT {WORKSPACE} FROM workspaces WHERE id = $1");
    session.row(&sql, &[&id.to_string()]).await?.as_ref().map(rows::read).transpose()
}

/// Returns a workspace and locks its row until the end of the transaction.
async fn take(tx: &Transaction<'_>, id: WorkspaceId) -> Result<Option<Workspace>, Failure> {
    tx.begin(&[Lock::Workspace(id)], async { Ok(()) }).await?;
    find(tx, id).await
}

/// Removes at most `limit` rows of a table with many rows per workspace. Returns false when no such row is left.
async fn remove_rows(tx: &Transaction<'_>, id: WorkspaceId, limit: u32) -> Result<bool, Failure> {
    for sql in [
        "DELETE FROM answers WHERE workspace_id = $1 AND key IN
         (SELECT key FROM answers WHERE workspace_id = $1 LIMIT $2)",
        "DELETE FROM links WHERE id = ANY(ARRAY(SELECT id FROM links WHERE workspace_id = $1 LIMIT $2))",
        "DELETE FROM uploads WHERE workspace_id = $1 AND id IN
         (SELECT id FROM uploads WHERE workspace_id = $1 LIMIT $2)",
    ] {
        if tx.execute(sql, &[&id.to_string(), &i64::from(limit)]).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn remove_rest(tx: &Transaction<'_>, id: WorkspaceId, origin: Origin) -> Result<(), Failure> {
    let owner = id.to_string();
    let secrets = "DELETE FROM key_secrets WHERE key_id IN (SELECT id FROM api_keys WHERE workspace_id = $1)";
    let removed_secrets = tx.execute(secrets, &[&owner]).await?;
    let limits =
        "DELETE FROM limits WHERE owner_id = ANY(ARRAY(SELECT id FROM api_keys WHERE workspace_id = $1) || $1::text)";
    tx.execute(limits, &[&owner]).await?;
    for table in ["api_keys", "default_expiries"] {
        tx.execute(&format!("DELETE FROM {table} WHERE workspace_id = $1"), &[&owner]).await?;
    }
    audit::note(tx, origin, rules::purged(id, removed_secrets)).await
}
