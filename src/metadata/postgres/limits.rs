//! Rows of limits, and the totals that count against quotas.

use super::answers::AdminGuard;
use super::audit;
use super::connections::Session;
use super::failure::Failure;
use super::rows::{self, named, number, optional, parsed, stored};
use super::store::{PostgresStore, read, read_long, transaction};
use super::writer::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::limits::{LimitStore, USAGE_EXPIRED_ROWS};
use crate::metadata::rows::STORAGE_USAGE;
use crate::metadata::rules;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, LimitsInForce, StorageUsage};
use async_trait::async_trait;
use tokio_postgres::Row;

#[async_trait]
impl LimitStore for PostgresStore {
    async fn limits(&self, owner: LimitOwner) -> Result<Limits, MetadataError> {
        read!(self, |session| get(session, owner).await)
    }

    async fn set_limits(
        &self,
        owner: LimitOwner,
        wanted: Vec<(Limit, Option<u64>)>,
        origin: Origin,
        once: Option<Idempotency<Limits>>,
    ) -> Result<IdempotentOutcome<Option<Limits>>, MetadataError> {
        let (wanted, once) = (wanted.as_slice(), once.as_ref());
        transaction!(self, |tx| set(tx, owner, wanted, origin, once).await)
    }

    async fn workspaces_with_limit(&self, limit: Limit) -> Result<Vec<(WorkspaceId, u64)>, MetadataError> {
        read_long!(self, |session| {
            let sql = "SELECT w.id, l.value FROM limits l JOIN workspaces w ON w.id = l.owner_id
                       WHERE l.name = $1 ORDER BY w.id";
            let found = session.rows(sql, &[&limit.to_string()]).await?;
            found.iter().map(|row| Ok((parsed(row, 0)?, number(row, 1)?))).collect()
        })
    }

    async fn storage_usage(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        read!(self, workspace, |session| {
            let sql = "SELECT w.stored_bytes, w.stored_files, w.reserved_bytes, w.reserved_files,
                     e.bytes, e.files, r.bytes, r.files
                 FROM workspaces w
                 CROSS JOIN LATERAL (
                     SELECT coalesce(sum(size_bytes), 0)::bigint AS bytes, count(*) AS files FROM (
                         SELECT size_bytes FROM files WHERE workspace_id = w.id AND expires_at <= now_ms() / 1000
                         ORDER BY expires_at LIMIT $2) f) e
                 CROSS JOIN LATERAL (
                     SELECT coalesce(sum(greatest(size_bytes, parts_bytes)), 0)::bigint AS bytes, count(*) AS files
                     FROM (
                         SELECT size_bytes, parts_bytes FROM uploads
                         WHERE workspace_id = w.id AND status = 'pending' AND expires_at <= now_ms() / 1000
                         ORDER BY expires_at LIMIT $2) u) r
                 WHERE w.id = $1";
            let found = session.row(sql, &[&workspace.to_string(), &i64::from(USAGE_EXPIRED_ROWS)]).await?;
            let Some(row) = found else { return Ok(StorageUsage::default()) };
            let mut row = rows::reader(&row);
            let (stored, expired): (StorageUsage, StorageUsage) = (row.value()?, row.value()?);
            Ok(stored.without(expired))
        })
    }

    async fn storage_totals(&self, workspace: WorkspaceId) -> Result<StorageUsage, MetadataError> {
        read!(self, workspace, |session| {
            let sql = format!("SELECT {STORAGE_USAGE} FROM workspaces WHERE id = $1");
            let found = session.row(&sql, &[&workspace.to_string()]).await?;
            Ok(found.as_ref().map(rows::read).transpose()?.unwrap_or_default())
        })
    }

    async fn stored_bytes(&self) -> Result<u64, MetadataError> {
        // Reads every workspace; a scrub calls it as a pass begins.
        read_long!(self, |session| {
            let sql = "SELECT coalesce(sum(stored_bytes), 0)::bigint FROM workspaces";
            session.row(sql, &[]).await?.map_or(Ok(0), |row| number(&row, 0))
        })
    }
}

async fn get(session: &Session, owner: LimitOwner) -> Result<Limits, Failure> {
    let found = session.rows("SELECT name, value FROM limits WHERE owner_id = $1", &[&owner.to_string()]).await?;
    let limit = |row: &Row| Ok((named(row, 0, Limit::named)?, number(row, 1)?));
    Ok(Limits::new(found.iter().map(limit).collect::<Result<_, Failure>>()?))
}

/// The columns of the limits of a workspace `w` and of a key `k`, which [`in_force`] reads.
pub(super) const LIMITS_IN_FORCE: &str = "
    ARRAY(SELECT m.name || '=' || m.value FROM limits m WHERE m.owner_id = w.id ORDER BY m.name),
    ARRAY(SELECT m.name || '=' || m.value FROM limits m WHERE m.owner_id = k.id ORDER BY m.name)";

/// Reads the columns of [`LIMITS_IN_FORCE`], of which `column` is the first.
pub(super) fn in_force(row: &Row, column: usize) -> Result<LimitsInForce, Failure> {
    let of = |column: usize| parse_limits(&row.try_get::<_, Vec<String>>(column)?);
    Ok(LimitsInForce { workspace: of(column)?, key: of(column + 1)? })
}

/// Parses limits in the form `NAME=VALUE`.
fn parse_limits(limits: &[String]) -> Result<Limits, Failure> {
    let limit = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((Limit::named(name)?, value.parse().ok()?))
    };
    let limits: Option<Vec<_>> = limits.iter().map(limit).collect();
    limits.map(Limits::new).ok_or_else(|| Failure::Unreadable("a limit is malformed".to_owned()))
}

/// Returns the workspace of the owner, which an administrator's key does not have; none when the owner does not exist.
#[allow(clippy::option_option, reason = "the key of an administrator is there and has no workspace")]
async fn find_workspace(session: &Session, owner: LimitOwner) -> Result<Option<Option<WorkspaceId>>, Failure> {
    let sql = match owner {
        LimitOwner::Workspace(_) => "SELECT id FROM workspaces WHERE id = $1",
        LimitOwner::Key(_) => "SELECT workspace_id FROM api_keys WHERE id = $1",
    };
    session.row(sql, &[&owner.to_string()]).await?.map(|row| optional(&row, 0)).transpose()
}

/// Sets limits and returns all limits of the owner; none when the owner does not exist.
async fn set(
    tx: Transaction<'_>,
    owner: LimitOwner,
    wanted: &[(Limit, Option<u64>)],
    origin: Origin,
    once: Option<&Idempotency<Limits>>,
) -> Result<IdempotentOutcome<Option<Limits>>, Failure> {
    let guard = AdminGuard::prepare(&tx, once).await?;
    if let Some(rejection) = guard.begin(None).await? {
        return tx.rollback_with(rejection.into()).await;
    }
    let Some(workspace) = find_workspace(&tx, owner).await? else {
        return tx.rollback_with(IdempotentOutcome::Made(None)).await;
    };
    let (delete, insert) = (
        "DELETE FROM limits WHERE owner_id = $1 AND name = $2",
        "INSERT INTO limits (owner_id, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (owner_id, name) DO UPDATE SET value = excluded.value",
    );
    for (limit, value) in wanted {
        let (owner, name) = (owner.to_string(), limit.to_string());
        match value {
            Some(value) => tx.execute(insert, &[&owner, &name, &stored(*value)]).await?,
            None => tx.execute(delete, &[&owner, &name]).await?,
        };
    }
    audit::note(&tx, origin, rules::audit::limits(owner, workspace, wanted)).await?;
    let limits = get(&tx, owner).await?;
    guard.commit(&limits).await?;
    Ok(IdempotentOutcome::Made(Some(limits)))
}
