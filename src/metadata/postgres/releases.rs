//! Parts of deleted Files and ended Uploads: their blobs are released in bounded steps, workspace by workspace.

use super::blobs::release;
use super::connections::Values;
use super::failure::Failure;
use super::rows::{count, number, parsed};
use super::store::{PostgresStore, read, transaction};
use super::writer::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::releases::ReleaseStore;
use crate::model::ids::WorkspaceId;
use async_trait::async_trait;
use futures_util::try_join;

/// The Files and Uploads of one step. Those that another server is working on are skipped.
const OWNERS: &str = "SELECT owner_id, released_at FROM releases WHERE workspace_id = $1 ORDER BY owner_id LIMIT 64
    FOR UPDATE SKIP LOCKED";

#[async_trait]
impl ReleaseStore for PostgresStore {
    async fn next_release(&self, after: Option<WorkspaceId>) -> Result<Option<WorkspaceId>, MetadataError> {
        read!(self, |session| {
            let sql = "SELECT workspace_id FROM releases WHERE workspace_id > $1 ORDER BY workspace_id LIMIT 1";
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            session.row(sql, &[&after]).await?.map(|row| parsed(&row, 0)).transpose()
        })
    }

    async fn release_parts(&self, workspace: WorkspaceId, limit: u32) -> Result<usize, MetadataError> {
        transaction!(self, |tx| release_some(tx, workspace, limit).await).map(count)
    }
}

/// Releases at most `limit` parts of a workspace. Returns the number of parts, plus the number of Files and Uploads
/// that have none left.
async fn release_some(tx: Transaction<'_>, workspace: WorkspaceId, limit: u32) -> Result<u64, Failure> {
    let released = format!(
        "WITH owner AS MATERIALIZED ({OWNERS}),
         chosen AS MATERIALIZED (
             SELECT o.owner_id, o.released_at, p.is_file, p.place FROM owner o CROSS JOIN LATERAL (
                 SELECT true AS is_file, position AS place FROM file_parts
                 WHERE workspace_id = $1 AND file_id = o.owner_id
                 UNION ALL
                 SELECT false, seq FROM parts WHERE workspace_id = $1 AND upload_id = o.owner_id) p
             LIMIT $2),
         of_file AS (DELETE FROM file_parts p USING chosen c
                     WHERE c.is_file AND p.workspace_id = $1 AND p.file_id = c.owner_id AND p.position = c.place
                     RETURNING p.blob_id, c.released_at),
         of_upload AS (DELETE FROM parts p USING chosen c WHERE NOT c.is_file AND p.seq = c.place
                       RETURNING p.blob_id, c.released_at),
         freed AS (SELECT * FROM of_file UNION ALL SELECT * FROM of_upload),
         {release}
         SELECT count(*) FROM chosen",
        release = release("freed.released_at")
    );
    let finished = format!(
        "WITH owner AS MATERIALIZED ({OWNERS}),
         finished AS (DELETE FROM releases r USING owner o WHERE r.workspace_id = $1 AND r.owner_id = o.owner_id
             AND NOT EXISTS (SELECT 1 FROM file_parts WHERE workspace_id = $1 AND file_id = o.owner_id)
             AND NOT EXISTS (SELECT 1 FROM parts WHERE workspace_id = $1 AND upload_id = o.owner_id)
             RETURNING r.owner_id)
         SELECT count(*) FROM finished"
    );
    let (released, finished) = (tx.prepare(&released).await?, tx.prepare(&finished).await?);
    let (workspace, limit) = (workspace.to_string(), i64::from(limit));
    let (of_parts, of_owners): (Values<'_>, Values<'_>) = (&[&workspace, &limit], &[&workspace]);
    let (released, finished) =
        tx.begin(&[], async { try_join!(released.row(of_parts), finished.row(of_owners)) }).await?;
    let count = |row: Option<tokio_postgres::Row>| row.map_or(Ok(0), |row| number(&row, 0));
    let done = count(released)? + count(finished)?;
    if done == 0 {
        return tx.rollback_with(0).await;
    }
    tx.commit(async { Ok(()) }).await?;
    Ok(done)
}
