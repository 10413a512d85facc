//! Files and pending Uploads whose time is over.

use super::rows::parsed;
use super::store::SqliteStore;
use super::{files, uploads};
use crate::metadata::error::MetadataError;
use crate::metadata::overdue::{Ended, ExpiryStore, Overdue};
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

#[async_trait]
impl ExpiryStore for SqliteStore {
    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| list(connection, after, limit, now_seconds))
    }

    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.expire(move |connection| end(connection, workspace, limit, now_seconds)).await
    }
}

/// Returns where something is overdue, behind `after` in the order of [`Overdue`]. Reads at most `limit` rows of each table.
fn list(connection: &Connection, after: Option<Overdue>, limit: u32, now_seconds: u64) -> Result<Vec<Overdue>> {
    let mut overdue = Vec::new();
    for sql in [
        "SELECT expires_at, workspace_id FROM files
         WHERE expires_at IS NOT NULL AND expires_at <= ?1 AND (expires_at, workspace_id) > (?2, ?3)
         ORDER BY expires_at, workspace_id LIMIT ?4",
        "SELECT expires_at, workspace_id FROM uploads
         WHERE status = 'pending' AND expires_at <= ?1 AND (expires_at, workspace_id) > (?2, ?3)
         ORDER BY expires_at, workspace_id LIMIT ?4",
    ] {
        let (since, workspace) = after.map_or((0, String::new()), |after| (after.since, after.workspace.to_string()));
        let row = |row: &Row<'_>| Ok(Overdue { since: row.get(0)?, workspace: parsed(row, 1)? });
        let mut select = connection.prepare_cached(sql)?;
        let found: Vec<Overdue> =
            select.query_map(params![now_seconds, since, workspace, limit], row)?.collect::<Result<_>>()?;
        overdue.push(found);
    }
    Ok(Overdue::merge(overdue, limit as usize))
}

/// Ends at most `limit` Files and as many Uploads of a workspace whose time is over.
fn end(connection: &Connection, workspace: WorkspaceId, limit: u32, now_seconds: u64) -> Result<Ended> {
    Ok(Ended {
        files: files::delete_expired(connection, workspace, limit, now_seconds)?,
        uploads: uploads::expire(connection, workspace, limit, now_seconds)?,
    })
}
