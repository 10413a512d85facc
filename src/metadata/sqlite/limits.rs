//! Rows of limits, and what is counted against quotas.

use super::audit;
use super::queries::Queries;
use super::rows::{self, named, optional, parsed};
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::limits::{LimitStore, USAGE_EXPIRED_ROWS};
use crate::metadata::rows::STORAGE_USAGE;
use crate::metadata::rules;
use crate::metadata::rules::quotas::applies;
use crate::model::audit::Origin;
use crate::model::caller::Refused;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

#[async_trait]
impl LimitStore for SqliteStore {
    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        self.readers.point(|connection| find(connection, owner))
    }

    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Idempotency<Limits>>,
    ) -> Result<IdempotentOutcome<Option<Limits>>, MetadataError> {
        let set = move |transaction: &Transaction<'_>| {
            let Some(workspace) = find_workspace(transaction, owner)? else { return Ok(None) };
            for (limit, value) in &wanted {
                let (owner, name) = (owner.to_string(), limit.to_string());
                transaction.change("DELETE FROM limits WHERE owner_id = ?1 AND name = ?2", [&owner, &name])?;
                if let Some(value) = value {
                    let sql = "INSERT INTO limits (owner_id, name, value) VALUES (?1, ?2, ?3)";
                    transaction.change(sql, params![owner, name, value])?;
                }
            }
            audit::add(transaction, origin, rules::audit::limits(owner, workspace, &wanted))?;
            find(transaction, owner).map(Some)
        };
        self.administer(once, set, Option::as_ref).await
    }

    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError> {
        self.readers
            .long(move |connection| {
                let sql = "SELECT w.id, l.value FROM limits l JOIN workspaces w ON w.id = l.owner_id
                           WHERE l.name = ?1 ORDER BY l.owner_id";
                connection.rows(sql, [limit.to_string()], |row| Ok((parsed(row, 0)?, row.get(1)?)))
            })
            .await
    }

    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers
            .long(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                Ok(totals(&snapshot, workspace)?.without(expired(&snapshot, workspace, now_seconds)?))
            })
            .await
    }

    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        self.readers.current(|connection| totals(connection, workspace))
    }

    /// Reads all workspaces, so it is called once an hour at most.
    async fn stored_bytes(&self) -> Result<u64, MetadataError> {
        let sql = "SELECT coalesce(sum(stored_bytes), 0) FROM workspaces";
        self.readers.long(move |connection| connection.value(sql, [])).await
    }
}

pub(super) fn find(connection: &Connection, owner: LimitOwner) -> Result<Limits> {
    let limit = |row: &Row<'_>| Ok((named(row, 0, Limit::named)?, row.get(1)?));
    let set = connection.rows("SELECT name, value FROM limits WHERE owner_id = ?1", [owner.to_string()], limit)?;
    Ok(Limits::new(set))
}

/// Returns the workspace of a workspace or key, which an administrator's key does not have. Returns none when there is
/// no such workspace or key.
#[allow(clippy::option_option, reason = "the key of an administrator is there and has no workspace")]
fn find_workspace(connection: &Connection, owner: LimitOwner) -> Result<Option<Option<WorkspaceId>>> {
    let sql = match owner {
        LimitOwner::Workspace(_) => "SELECT id FROM workspaces WHERE id = ?1",
        LimitOwner::Key(_) => "SELECT workspace_id FROM api_keys WHERE id = ?1",
    };
    connection.row(sql, [owner.to_string()], |row| optional(row, 0))
}

/// Returns the totals of a workspace, with all that has expired and is not removed yet. Reads one row.
fn totals(connection: &Connection, workspace: WorkspaceId) -> Result<StorageUsage> {
    let sql = format!("SELECT {STORAGE_USAGE} FROM workspaces WHERE id = ?1");
    Ok(connection.row(&sql, [workspace], rows::read)?.unwrap_or_default())
}

/// Returns what has expired of a workspace and is not removed yet. Reads at most [`USAGE_EXPIRED_ROWS`] Files and
/// Uploads.
fn expired(connection: &Connection, workspace: WorkspaceId, now_seconds: u64) -> Result<StorageUsage> {
    let sum = |sql: &str| {
        let values = params![workspace, now_seconds, USAGE_EXPIRED_ROWS];
        connection.row(sql, values, |row| Ok((row.get(0)?, row.get(1)?))).map(Option::unwrap_or_default)
    };
    let (stored_bytes, stored_files) = sum("SELECT coalesce(sum(size_bytes), 0), count(*) FROM
         (SELECT size_bytes FROM files WHERE workspace_id = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)")?;
    let (reserved_bytes, reserved_files) = sum("SELECT coalesce(sum(max(size_bytes, parts_bytes)), 0), count(*) FROM
         (SELECT size_bytes, parts_bytes FROM uploads
          WHERE workspace_id = ?1 AND status = 'pending' AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)")?;
    Ok(StorageUsage { stored_bytes, stored_files, reserved_bytes, reserved_files })
}

/// Returns why `refuse` refuses a write with the totals of the workspace. Reads them only where there is a quota.
pub(super) fn refuse(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    quotas: &Limits,
    refuse: impl FnOnce(StorageUsage) -> Option<Refused>,
) -> Result<Option<Refused>> {
    if applies(quotas) { Ok(refuse(totals(transaction, workspace)?)) } else { Ok(None) }
}
