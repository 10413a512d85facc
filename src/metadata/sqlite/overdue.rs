//! Expired Files and pending Uploads.

use super::queries::Queries;
use super::rows::parsed;
use super::store::SqliteStore;
use super::{files, uploads};
use crate::metadata::error::MetadataError;
use crate::metadata::overdue::{Ended, ExpiryStore, Overdue};
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use rusqlite::{Row, params};

#[async_trait]
impl ExpiryStore for SqliteStore {
    /// Reads at most `limit` rows of each table.
    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| {
            let (since, workspace) = after.map(|after| (after.since, after.workspace.to_string())).unwrap_or_default();
            let overdue = |sql| {
                let row = |row: &Row<'_>| Ok(Overdue { since: row.get(0)?, workspace: parsed(row, 1)? });
                connection.rows(sql, params![now_seconds, since, workspace, limit], row)
            };
            let files = overdue(
                "SELECT expires_at, workspace_id FROM files
                 WHERE expires_at IS NOT NULL AND expires_at <= ?1 AND (expires_at, workspace_id) > (?2, ?3)
                 ORDER BY expires_at, workspace_id LIMIT ?4",
            )?;
            let uploads = overdue(
                "SELECT expires_at, workspace_id FROM uploads
                 WHERE status = 'pending' AND expires_at <= ?1 AND (expires_at, workspace_id) > (?2, ?3)
                 ORDER BY expires_at, workspace_id LIMIT ?4",
            )?;
            Ok(Overdue::merge(vec![files, uploads], limit as usize))
        })
    }

    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError> {
        self.expire(move |transaction| {
            Ok(Ended {
                files: files::delete_expired(transaction, workspace, limit)?,
                uploads: uploads::expire(transaction, workspace, limit)?,
            })
        })
        .await
    }
}
