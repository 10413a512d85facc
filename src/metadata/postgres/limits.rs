//! Rows of limits, and what is counted against quotas.

use super::answers::AdminOpening;
use super::connections::Session;
use super::failure::Failure;
use super::rows::{named, number, parsed, stored};
use super::writer::Change;
use super::{audit, keys, workspaces};
use crate::metadata::USAGE_EXPIRED_ROWS;
use crate::model::audit::{Action, NewEntry, Origin};
use crate::model::idempotency::{Effect, Once};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, StorageUsage};
use serde_json::{Map, json};
use tokio_postgres::Row;

pub(super) async fn get(session: &Session, owner: LimitOwner) -> Result<Limits, Failure> {
    let found = session.rows("SELECT name, value FROM limits WHERE owner_id = $1", &[&owner.to_string()]).await?;
    let limit = |row: &Row| Ok((named(row, 0, Limit::named)?, number(row, 1)?));
    Ok(Limits::new(found.iter().map(limit).collect::<Result<_, Failure>>()?))
}

/// Limits as `NAME=VALUE`.
pub(super) fn written(limits: &[String]) -> Result<Limits, Failure> {
    let limit = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((Limit::named(name)?, value.parse().ok()?))
    };
    let limits: Option<Vec<_>> = limits.iter().map(limit).collect();
    limits.map(Limits::new).ok_or_else(|| Failure::Unreadable("there is a limit that is none".to_owned()))
}

/// Every workspace that has this limit.
pub(super) async fn workspaces_with(session: &Session, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, Failure> {
    let sql =
        "SELECT w.id, l.value FROM limits l JOIN workspaces w ON w.id = l.owner_id WHERE l.name = $1 ORDER BY w.id";
    let found = session.rows(sql, &[&limit.to_string()]).await?;
    found.iter().map(|row| Ok((parsed(row, 0)?, number(row, 1)?))).collect()
}

/// Returns the limits as they are then; none when there is no such workspace or key.
pub(super) async fn set(
    change: Change<'_>,
    owner: LimitOwner,
    wanted: &[(Limit, Option<u64>)],
    origin: Origin,
    once: Option<&Once<Limits>>,
) -> Result<Effect<Option<Limits>>, Failure> {
    let opening = AdminOpening::prepare(&change, once).await?;
    if let Some(stop) = opening.begin(None).await? {
        return change.give_up(stop.into()).await;
    }
    let found = match owner {
        LimitOwner::Workspace(id) => workspaces::find(&change, id).await?.map(|workspace| Some(workspace.id)),
        LimitOwner::Key(id) => keys::find(&change, id).await?.map(|key| key.opens.workspace()),
    };
    let Some(workspace) = found else { return change.give_up(Effect::Made(None)).await };
    let (delete, insert) = (
        "DELETE FROM limits WHERE owner_id = $1 AND name = $2",
        "INSERT INTO limits (owner_id, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (owner_id, name) DO UPDATE SET value = excluded.value",
    );
    if wanted.is_empty() {
        let limits = get(&change, owner).await?;
        opening.commit(&limits).await?;
        return Ok(Effect::Made(Some(limits)));
    }
    let mut details = Map::new();
    for (limit, value) in wanted {
        let (owner, name) = (owner.to_string(), limit.to_string());
        match value {
            Some(value) => change.execute(insert, &[&owner, &name, &stored(*value)]).await?,
            None => change.execute(delete, &[&owner, &name]).await?,
        };
        details.insert(name, json!(value));
    }
    let (action, object, details) = (Action::LimitsUpdated, owner.to_string(), Some(details.into()));
    audit::note(&change, origin, NewEntry { action, workspace, object, details }).await?;
    let limits = get(&change, owner).await?;
    opening.commit(&limits).await?;
    Ok(Effect::Made(Some(limits)))
}

/// The bytes of the Files of all workspaces. It reads all workspaces, so it is asked for once an hour at most.
pub(super) async fn stored_bytes(session: &Session) -> Result<u64, Failure> {
    let sql = "SELECT coalesce(sum(stored_bytes), 0)::bigint FROM workspaces";
    session.row(sql, &[]).await?.map_or(Ok(0), |row| number(&row, 0))
}

/// What the workspace has, with all that has expired and is not removed yet: one row is read.
pub(super) async fn totals(session: &Session, workspace: WorkspaceId) -> Result<StorageUsage, Failure> {
    let sql = "SELECT stored_bytes, stored_files, reserved_bytes, reserved_files FROM workspaces WHERE id = $1";
    session.row(sql, &[&workspace.to_string()]).await?.map_or(Ok(StorageUsage::default()), |row| storage_usage(&row))
}

/// What the workspace has at this second.
pub(super) async fn usage(
    session: &Session,
    workspace: WorkspaceId,
    set_ms: Option<i64>,
) -> Result<StorageUsage, Failure> {
    let sql = "SELECT w.stored_bytes - e.bytes, w.stored_files - e.files, w.reserved_bytes - r.bytes, w.reserved_files - r.files
        FROM workspaces w
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(size_bytes), 0)::bigint AS bytes, count(*) AS files FROM (
                SELECT size_bytes FROM files WHERE workspace_id = w.id AND expires_at <= now_ms($2) / 1000
                ORDER BY expires_at LIMIT $3) f) e
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(greatest(size_bytes, parts_bytes)), 0)::bigint AS bytes, count(*) AS files FROM (
                SELECT size_bytes, parts_bytes FROM uploads
                WHERE workspace_id = w.id AND status = 'pending' AND expires_at <= now_ms($2) / 1000
                ORDER BY expires_at LIMIT $3) u) r
        WHERE w.id = $1";
    let found = session.row(sql, &[&workspace.to_string(), &set_ms, &i64::from(USAGE_EXPIRED_ROWS)]).await?;
    found.map_or(Ok(StorageUsage::default()), |row| storage_usage(&row))
}

fn storage_usage(row: &Row) -> Result<StorageUsage, Failure> {
    Ok(StorageUsage {
        stored_bytes: number(row, 0)?,
        stored_files: number(row, 1)?,
        reserved_bytes: number(row, 2)?,
        reserved_files: number(row, 3)?,
    })
}
