//! Rows of limits, and what is counted against quotas.

use super::audit;
use super::rows::{named, optional, parsed};
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::limits::{LimitStore, USAGE_EXPIRED_ROWS};
use crate::metadata::rules;
use crate::model::audit::Origin;
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, QuotaExceeded, StorageUsage};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl LimitStore for SqliteStore {
    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        self.readers.point(|connection| get(connection, owner))
    }

    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Idempotency<Limits>>,
    ) -> Result<IdempotentOutcome<Option<Limits>>, MetadataError> {
        let now_ms = self.clock.now_ms();
        let set = move |connection: &Connection| set(connection, owner, &wanted, origin, now_ms);
        self.administer(once, now_ms, set, Option::as_ref).await
    }

    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError> {
        self.readers.long(move |connection| workspaces_with(connection, limit)).await
    }

    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| usage(connection, workspace, now_seconds)).await
    }

    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        self.readers.current(|connection| totals(connection, workspace))
    }

    async fn stored_bytes(&self) -> Result<u64, MetadataError> {
        self.readers.long(stored_bytes).await
    }
}

pub(super) fn get(connection: &Connection, owner: LimitOwner) -> Result<Limits> {
    let sql = "SELECT name, value FROM limits WHERE owner_id = ?1";
    let limit = |row: &Row<'_>| Ok((named(row, 0, Limit::named)?, row.get(1)?));
    let set = connection.prepare_cached(sql)?.query_map([owner.to_string()], limit)?.collect::<Result<_>>()?;
    Ok(Limits::new(set))
}

/// Returns the limits as they are then; none when there is no such workspace or key.
fn set(
    connection: &Connection,
    owner: LimitOwner,
    wanted: &[(Limit, Option<u64>)],
    origin: Origin,
    now_ms: u64,
) -> Result<Option<Limits>> {
    let Some(workspace) = find_workspace(connection, owner)? else { return Ok(None) };
    if wanted.is_empty() {
        return get(connection, owner).map(Some);
    }
    let (delete, insert) = (
        "DELETE FROM limits WHERE owner_id = ?1 AND name = ?2",
        "INSERT INTO limits (owner_id, name, value) VALUES (?1, ?2, ?3)",
    );
    for (limit, value) in wanted {
        let (owner, name) = (owner.to_string(), limit.to_string());
        connection.prepare_cached(delete)?.execute([&owner, &name])?;
        if let Some(value) = value {
            connection.prepare_cached(insert)?.execute(params![owner, name, value])?;
        }
    }
    audit::note(connection, origin, rules::audit::limits(owner, workspace, wanted), now_ms)?;
    get(connection, owner).map(Some)
}

/// Returns the workspace of a workspace or key, which an administrator's key does not have. Returns none when there is no such
/// workspace or key.
#[allow(clippy::option_option, reason = "the key of an administrator is there and has no workspace")]
fn find_workspace(connection: &Connection, owner: LimitOwner) -> Result<Option<Option<WorkspaceId>>> {
    let sql = match owner {
        LimitOwner::Workspace(_) => "SELECT id FROM workspaces WHERE id = ?1",
        LimitOwner::Key(_) => "SELECT workspace_id FROM api_keys WHERE id = ?1",
    };
    connection.prepare_cached(sql)?.query_row([owner.to_string()], |row| optional(row, 0)).optional()
}

/// Every workspace that has this limit.
fn workspaces_with(connection: &Connection, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>> {
    let sql = "SELECT w.id, l.value FROM limits l JOIN workspaces w ON w.id = l.owner_id WHERE l.name = ?1 ORDER BY l.owner_id";
    let of = |row: &Row<'_>| Ok((parsed(row, 0)?, row.get(1)?));
    connection.prepare_cached(sql)?.query_map([limit.to_string()], of)?.collect()
}

/// The bytes of the Files of all workspaces. It reads all workspaces, so it is asked for once an hour at most.
fn stored_bytes(connection: &Connection) -> Result<u64> {
    let sql = "SELECT coalesce(sum(stored_bytes), 0) FROM workspaces";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// What the workspace has, with all that has expired and is not removed yet: one row is read.
fn totals(connection: &Connection, workspace: WorkspaceId) -> Result<StorageUsage> {
    let sql = "SELECT stored_bytes, stored_files, reserved_bytes, reserved_files FROM workspaces WHERE id = ?1";
    let usage = |row: &Row<'_>| {
        Ok(StorageUsage {
            stored_bytes: row.get(0)?,
            stored_files: row.get(1)?,
            reserved_bytes: row.get(2)?,
            reserved_files: row.get(3)?,
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row([workspace.to_string()], usage).optional()?.unwrap_or_default())
}

/// What the workspace has at this second.
fn usage(connection: &Connection, workspace: WorkspaceId, now_seconds: u64) -> Result<StorageUsage> {
    let snapshot = connection.unchecked_transaction()?;
    let sum = |sql: &str| {
        let values = params![workspace.to_string(), now_seconds, USAGE_EXPIRED_ROWS];
        let pair = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?));
        snapshot.prepare_cached(sql)?.query_row(values, pair)
    };
    let (stored_bytes, stored_files) = sum("SELECT coalesce(sum(size_bytes), 0), count(*) FROM
         (SELECT size_bytes FROM files WHERE workspace_id = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)")?;
    let (reserved_bytes, reserved_files) = sum("SELECT coalesce(sum(max(size_bytes, parts_bytes)), 0), count(*) FROM
         (SELECT size_bytes, parts_bytes FROM uploads
          WHERE workspace_id = ?1 AND status = 'pending' AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)")?;
    let expired = StorageUsage { stored_bytes, stored_files, reserved_bytes, reserved_files };
    Ok(totals(&snapshot, workspace)?.without(expired))
}

/// Why the workspace may not have one more File of so many bytes, by its totals.
pub(super) fn refuse(
    connection: &Connection,
    caller: Caller,
    limits: &Limits,
    size_bytes: u64,
) -> Result<Option<Refused>> {
    refuse_by(connection, caller, limits, |usage| usage.refuse(limits, size_bytes))
}

/// Why the workspace may not have what `refuse` finds too much for its totals. They are read only where there is a quota.
pub(super) fn refuse_by(
    connection: &Connection,
    caller: Caller,
    limits: &Limits,
    refuse: impl FnOnce(StorageUsage) -> Option<QuotaExceeded>,
) -> Result<Option<Refused>> {
    if *limits == Limits::default() {
        return Ok(None);
    }
    Ok(refuse(totals(connection, caller.workspace)?).map(Refused::Quota))
}
