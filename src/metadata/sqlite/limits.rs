//! Rows of limits, and what is counted against quotas.

use super::rows::{named, parsed};
use super::{audit, keys, workspaces};
use crate::metadata::USAGE_EXPIRED_ROWS;
use crate::model::audit::{Action, NewEntry, Origin};
use crate::model::caller::{Caller, Refused};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, QuotaExceeded, StorageUsage};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::{Map, json};

pub(super) fn get(connection: &Connection, owner: LimitOwner) -> Result<Limits> {
    let sql = "SELECT name, value FROM limits WHERE owner_id = ?1";
    let limit = |row: &Row<'_>| Ok((named(row, 0, Limit::named)?, row.get(1)?));
    let set = connection.prepare_cached(sql)?.query_map([owner.to_string()], limit)?.collect::<Result<_>>()?;
    Ok(Limits::new(set))
}

/// Returns the limits as they are then; none when there is no such workspace or key.
pub(super) fn set(
    connection: &Connection,
    owner: LimitOwner,
    wanted: &[(Limit, Option<u64>)],
    origin: Origin,
    now_ms: u64,
) -> Result<Option<Limits>> {
    let workspace = match owner {
        LimitOwner::Workspace(id) if workspaces::find(connection, id)?.is_none() => return Ok(None),
        LimitOwner::Workspace(id) => Some(id),
        LimitOwner::Key(id) => match keys::find(connection, id)? {
            Some(key) => key.opens.workspace(),
            None => return Ok(None),
        },
    };
    if wanted.is_empty() {
        return get(connection, owner).map(Some);
    }
    let (delete, insert) = (
        "DELETE FROM limits WHERE owner_id = ?1 AND name = ?2",
        "INSERT INTO limits (owner_id, name, value) VALUES (?1, ?2, ?3)",
    );
    let mut details = Map::new();
    for (limit, value) in wanted {
        let (owner, name) = (owner.to_string(), limit.to_string());
        connection.prepare_cached(delete)?.execute([&owner, &name])?;
        if let Some(value) = value {
            connection.prepare_cached(insert)?.execute(params![owner, name, value])?;
        }
        details.insert(name, json!(value));
    }
    let (action, object, details) = (Action::LimitsUpdated, owner.to_string(), Some(details.into()));
    audit::note(connection, origin, NewEntry { action, workspace, object, details }, now_ms)?;
    get(connection, owner).map(Some)
}

/// Every workspace that has this limit.
pub(super) fn workspaces_with(connection: &Connection, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>> {
    let sql = "SELECT w.id, l.value FROM limits l JOIN workspaces w ON w.id = l.owner_id WHERE l.name = ?1 ORDER BY l.owner_id";
    let of = |row: &Row<'_>| Ok((parsed(row, 0)?, row.get(1)?));
    connection.prepare_cached(sql)?.query_map([limit.to_string()], of)?.collect()
}

/// The bytes of the Files of all workspaces. It reads all workspaces, so it is asked for once an hour at most.
pub(super) fn stored_bytes(connection: &Connection) -> Result<u64> {
    let sql = "SELECT coalesce(sum(stored_bytes), 0) FROM workspaces";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// What the workspace has, with all that has expired and is not removed yet: one row is read.
pub(super) fn totals(connection: &Connection, workspace: WorkspaceId) -> Result<StorageUsage> {
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
pub(super) fn usage(connection: &Connection, workspace: WorkspaceId, now_seconds: u64) -> Result<StorageUsage> {
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
