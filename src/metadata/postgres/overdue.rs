//! Expired Files and pending Uploads.

use super::connections::Session;
use super::failure::Failure;
use super::rows::{count, number, parsed, stored};
use super::store::{PostgresStore, read, transaction, write};
use super::{files, upload_ends};
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::overdue::{Ended, ExpiryStore, Overdue};
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;

#[async_trait]
impl ExpiryStore for PostgresStore {
    async fn overdue_workspaces(&self, after: Option<Overdue>, limit: u32) -> Result<Vec<Overdue>, MetadataError> {
        read!(self, |session| {
            let (since, workspace) =
                after.map_or((0, String::new()), |after| (stored(after.since), after.workspace.to_string()));
            let mut overdue = Vec::new();
            for sql in [
                "SELECT expires_at, workspace_id FROM files
                 WHERE expires_at IS NOT NULL AND expires_at <= now_ms() / 1000
                     AND (expires_at, workspace_id) > ($1, $2)
                 ORDER BY expires_at, workspace_id LIMIT $3",
                "SELECT expires_at, workspace_id FROM uploads
                 WHERE status = 'pending' AND expires_at <= now_ms() / 1000 AND (expires_at, workspace_id) > ($1, $2)
                 ORDER BY expires_at, workspace_id LIMIT $3",
            ] {
                let found = session.rows(sql, &[&since, &workspace, &i64::from(limit)]).await?;
                let row = |row: &tokio_postgres::Row| {
                    Ok::<_, Failure>(Overdue { since: number(row, 0)?, workspace: parsed(row, 1)? })
                };
                overdue.push(found.iter().map(row).collect::<Result<_, _>>()?);
            }
            Ok(Overdue::merge(overdue, limit as usize))
        })
    }

    async fn expire_workspace(&self, workspace: WorkspaceId, limit: u32) -> Result<Ended, MetadataError> {
        if !self.may_expire().await? {
            return Ok(Ended::default());
        }
        let files = write!(self, |session| files::delete_expired(session, workspace, limit).await).map(count)?;
        let uploads = if read!(self, |session| has_uploads(session, workspace).await)? {
            transaction!(self, |tx| upload_ends::expire(tx, workspace, limit).await).map(count)?
        } else {
            0
        };
        Ok(Ended { files, uploads })
    }
}

/// Returns whether the workspace has an expired pending Upload.
async fn has_uploads(session: &Session, workspace: WorkspaceId) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM uploads WHERE workspace_id = $1 AND status = 'pending' AND expires_at <= now_ms() / 1000
               ORDER BY expires_at LIMIT 1";
    Ok(session.row(sql, &[&workspace.to_string()]).await?.is_some())
}
