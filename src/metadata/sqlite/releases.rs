//! The release of the parts of deleted Files and ended Uploads, in bounded steps, workspace by workspace.

use super::blobs;
use super::queries::Queries;
use super::rows::parsed;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::releases::ReleaseStore;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

/// The number of Files and Uploads whose parts one step releases.
const STEP_OWNERS: u32 = 64;

#[async_trait]
impl ReleaseStore for SqliteStore {
    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError> {
        let sql = "SELECT workspace_id FROM releases WHERE workspace_id > ?1 ORDER BY workspace_id LIMIT 1";
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.readers.point(|connection| connection.row(sql, [after], |row| parsed(row, 0)))
    }

    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError> {
        self.writer.write(move |transaction| release_some(transaction, &workspace.to_string(), limit as usize)).await
    }
}

/// Leaves the parts of a deleted File or an ended Upload to be released.
pub(super) fn add(connection: &Connection, workspace: &str, owner: &str, released_at: u64) -> Result<()> {
    let sql = "INSERT INTO releases (workspace_id, owner_id, released_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    connection.change(sql, params![workspace, owner, released_at]).map(drop)
}

/// Releases at most `limit` parts of a workspace. Returns the number of parts and of Files and Uploads that have none
/// left.
fn release_some(connection: &Connection, workspace: &str, limit: usize) -> Result<usize> {
    let sql = "SELECT owner_id, released_at FROM releases WHERE workspace_id = ?1 ORDER BY owner_id LIMIT ?2";
    let owner = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let owners: Vec<(String, u64)> = connection.rows(sql, params![workspace, STEP_OWNERS], owner)?;
    let (mut released, mut finished) = (0, 0);
    for (owner, released_at) in &owners {
        released += release_parts(connection, workspace, owner, *released_at, limit - released)?;
        if released >= limit {
            break;
        }
        let sql = "DELETE FROM releases WHERE workspace_id = ?1 AND owner_id = ?2";
        finished += connection.change(sql, [workspace, owner])?;
    }
    Ok(released + finished)
}

/// Releases at most `limit` parts of a File or an Upload. Returns their number.
fn release_parts(
    connection: &Connection,
    workspace: &str,
    owner: &str,
    released_at: u64,
    limit: usize,
) -> Result<usize> {
    let mut released = 0;
    for sql in [
        "DELETE FROM file_parts WHERE workspace_id = ?1 AND file_id = ?2 AND position IN
         (SELECT position FROM file_parts WHERE workspace_id = ?1 AND file_id = ?2 ORDER BY position LIMIT ?3)
         RETURNING blob_id",
        "DELETE FROM parts WHERE seq IN
         (SELECT seq FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 ORDER BY seq LIMIT ?3) RETURNING blob_id",
    ] {
        let values = params![workspace, owner, limit - released];
        let blobs: Vec<String> = connection.rows(sql, values, |row| row.get(0))?;
        blobs.iter().try_for_each(|blob| blobs::release(connection, blob, released_at))?;
        released += blobs.len();
    }
    Ok(released)
}
