//! Rows of limits, and what is counted against quotas.

use super::rows::{named, parsed};
use super::{audit, keys, workspaces};
use crate::model::audit::{Action, NewEntry, Origin};
use crate::model::caller::{Caller, Refused};
use crate::model::ids::{UploadId, WorkspaceId};
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::{Map, json};

pub(super) fn get(connection: &Connection, owner: LimitOwner) -> Result<Limits> {
    let sql = "SELECT name, value FROM limits WHERE owner_id = ?1";
    let limit = |row: &Row<'_>| Ok((named(row, 0, Limit::named)?, row.get(1)?));
    let set = connection.prepare_cached(sql)?.query_map([owner.to_string()], limit)?.collect::<Result<_>>()?;
    Ok(Limits::new(set))
}

/// False when there is no such workspace or key.
pub(super) fn set(
    connection: &Connection,
    owner: LimitOwner,
    wanted: &[(Limit, Option<u64>)],
    origin: Origin,
    now_ms: u64,
) -> Result<bool> {
    let workspace = match owner {
        LimitOwner::Workspace(id) if workspaces::find(connection, id)?.is_none() => return Ok(false),
        LimitOwner::Workspace(id) => Some(id),
        LimitOwner::Key(id) => match keys::find(connection, id)? {
            Some(key) => key.opens.workspace(),
            None => return Ok(false),
        },
    };
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
    Ok(true)
}

/// Every workspace that has this limit.
pub(super) fn workspaces_with(connection: &Connection, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>> {
    let sql =
        "SELECT w.id, l.value FROM limits l JOIN workspaces w ON w.id = l.owner_id WHERE l.name = ?1 ORDER BY w.id";
    let of = |row: &Row<'_>| Ok((parsed(row, 0)?, row.get(1)?));
    connection.prepare_cached(sql)?.query_map([limit.to_string()], of)?.collect()
}

/// What the workspace has at this second; the Upload `except` is not counted among what is reserved.
pub(super) fn usage(
    connection: &Connection,
    workspace: WorkspaceId,
    except: Option<UploadId>,
    now_seconds: u64,
) -> Result<StorageUsage> {
    let id = workspace.to_string();
    let pair = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?));
    let stored = "SELECT stored_bytes, stored_files FROM workspaces WHERE id = ?1";
    let stored = connection.prepare_cached(stored)?.query_row([&id], pair).optional()?.unwrap_or_default();
    let expired =
        "SELECT coalesce(sum(size_bytes), 0), count(*) FROM files WHERE workspace_id = ?1 AND expires_at <= ?2";
    let expired = connection.prepare_cached(expired)?.query_row(params![id, now_seconds], pair)?;
    let reserved = "SELECT coalesce(sum(size_bytes), 0), count(*) FROM uploads
                    WHERE workspace_id = ?1 AND status = 'pending' AND expires_at > ?2 AND id <> ?3";
    let except = except.map(|upload| upload.to_string()).unwrap_or_default();
    let reserved = connection.prepare_cached(reserved)?.query_row(params![id, now_seconds, except], pair)?;
    Ok(StorageUsage {
        stored_bytes: stored.0.saturating_sub(expired.0),
        stored_files: stored.1.saturating_sub(expired.1),
        reserved_bytes: reserved.0,
        reserved_files: reserved.1,
    })
}

/// Why the workspace may not have one more File of so many bytes, which may be what the Upload `except` was reserved for.
pub(super) fn refuse(
    connection: &Connection,
    caller: Caller,
    limits: &Limits,
    size_bytes: u64,
    except: Option<UploadId>,
    now_seconds: u64,
) -> Result<Option<Refused>> {
    if *limits == Limits::default() {
        return Ok(None);
    }
    let usage = usage(connection, caller.workspace, except, now_seconds)?;
    Ok(usage.refuse(limits, size_bytes).map(Refused::Quota))
}
