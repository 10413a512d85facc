//! Parts of Files and Uploads that are gone: their blobs are released in bounded steps, workspace by workspace.

use super::blobs;
use super::rows::parsed;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::releases::ReleaseStore;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Files and Uploads that one step looks at.
const STEP_OWNERS: u32 = 64;

#[async_trait]
impl ReleaseStore for SqliteStore {
    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError> {
        self.readers.point(|connection| next_workspace(connection, after))
    }

    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError> {
        self.writer.write(move |change| release_some(change.connection, workspace, limit)).await
    }
}

/// Remembers that the parts of a File or an Upload, which is gone, are to be released.
pub(super) fn add(connection: &Connection, workspace: &str, owner: &str, released_at: u64) -> Result<()> {
    let sql = "INSERT INTO releases (workspace_id, owner_id, released_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![workspace, owner, released_at]).map(drop)
}

/// Returns the first workspace behind `after` that has parts to be released.
fn next_workspace(connection: &Connection, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>> {
    let sql = "SELECT workspace_id FROM releases WHERE workspace_id > ?1 ORDER BY workspace_id LIMIT 1";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    connection.prepare_cached(sql)?.query_row([after], |row| parsed(row, 0)).optional()
}

/// Releases at most `limit` parts of a workspace. Returns how many parts there were, and Files and Uploads that have none left.
fn release_some(connection: &Connection, workspace: WorkspaceId, limit: u32) -> Result<usize> {
    let workspace = workspace.to_string();
    let sql = "SELECT owner_id, released_at FROM releases WHERE workspace_id = ?1 ORDER BY owner_id LIMIT ?2";
    let owners: Vec<(String, u64)> = connection
        .prepare_cached(sql)?
        .query_map(params![workspace, STEP_OWNERS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let (limit, mut released, mut finished) = (limit as usize, 0, 0);
    for (owner, released_at) in &owners {
        released += release_parts(connection, &workspace, owner, *released_at, limit - released)?;
        if released >= limit {
            break;
        }
        let sql = "DELETE FROM releases WHERE workspace_id = ?1 AND owner_id = ?2";
        finished += connection.prepare_cached(sql)?.execute([&workspace, owner])?;
    }
    Ok(released + finished)
}

/// Releases at most `limit` parts of a File or an Upload; how many there were.
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
        let mut delete = connection.prepare_cached(sql)?;
        let values = params![workspace, owner, limit - released];
        let blobs: Vec<String> = delete.query_map(values, |row| row.get(0))?.collect::<Result<_>>()?;
        blobs.iter().try_for_each(|blob| blobs::release(connection, blob, released_at))?;
        released += blobs.len();
    }
    Ok(released)
}
