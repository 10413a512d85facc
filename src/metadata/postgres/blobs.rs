//! Rows of blobs, from before their first byte to the proof of their removal.

use super::connections::{Prepared, Values};
use super::failure::Failure;
use super::rows::{self, parsed, stored};
use super::store::{PostgresStore, read, read_long, write};
use crate::metadata::blobs::{BlobRows, ReadyBlob};
use crate::metadata::error::MetadataError;
use crate::model::blob::BlobOwner;
use crate::model::digest::ContentDigest;
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use crate::random;
use async_trait::async_trait;
use std::collections::HashSet;
use tokio_postgres::Row;

/// Turns a pending blob of this workspace to `ready`.
pub(super) const CLAIM: &str =
    "UPDATE blobs SET state = 'ready', size_bytes = $3, sha256 = $4, checksums = $5, upload_id = NULL
    WHERE id = $1 AND workspace_id = $2 AND state = 'pending'";
/// Inserts a ready blob with inline content. Such a blob needs no process.
pub(super) const KEEP: &str = "
    INSERT INTO blobs (id, workspace_id, process_id, state, size_bytes, sha256, checksums, content)
    VALUES ($1, $2, '', 'ready', $3, $4, $5, $6)";
/// The `deleted_at` of parts that never became part of a File: no reader has their bytes, so they can be removed at
/// once.
pub(super) const NEVER_READ: &str = "0";

#[async_trait]
impl BlobRows for PostgresStore {
    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, workspace, |session| {
            let sql = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES ($1, $2, $3, 'pending')";
            session.execute(sql, &[&blob.to_string(), &workspace.to_string(), &process.to_string()]).await.map(drop)
        })
    }

    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError> {
        write!(self, |session| {
            let sql = "UPDATE blobs SET upload_id = $2 WHERE id = $1";
            Ok(session.execute(sql, &[&blob.to_string(), &upload]).await? == 1)
        })
    }

    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError> {
        let blobs = blobs.as_slice();
        read!(self, |session| {
            let sql = "SELECT b.id, b.upload_id FROM unnest($1::text[]) WITH ORDINALITY AS n (id, place)
                       JOIN blobs b ON b.id = n.id WHERE b.state <> 'ready' AND b.upload_id IS NOT NULL
                       ORDER BY n.place";
            let found = session.rows(sql, &[&names(blobs)]).await?;
            found.iter().map(|row| Ok((parsed(row, 0)?, row.try_get(1)?))).collect()
        })
    }

    async fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError> {
        read_long!(self, |session| {
            let sql = "SELECT id, size_bytes, checksums, content, sha256 FROM blobs WHERE id > $1 AND state = 'ready'
                       ORDER BY id LIMIT $2";
            let found = session.rows(sql, &[&behind(after), &i64::from(limit)]).await?;
            let ready = |row: &Row| {
                let mut row = rows::reader(row);
                Ok(ReadyBlob { stored: row.value()?, sha256: row.digest()? })
            };
            found.iter().map(ready).collect()
        })
    }

    async fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError> {
        read!(self, |session| {
            let found =
                session.row("SELECT 1 FROM blobs WHERE id = $1 AND state = 'ready'", &[&blob.to_string()]).await?;
            Ok(found.is_some())
        })
    }

    async fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError> {
        read!(self, |session| {
            let sql = "SELECT workspace_id, id FROM files WHERE blob_id = $1
                       UNION ALL SELECT workspace_id, file_id FROM file_parts WHERE blob_id = $1
                       UNION ALL SELECT workspace_id, upload_id FROM parts WHERE blob_id = $1";
            let found = session.row(sql, &[&blob.to_string()]).await?;
            found.map(|row| Ok(BlobOwner { workspace: parsed(&row, 0)?, id: row.try_get(1)? })).transpose()
        })
    }

    async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, MetadataError> {
        read_long!(self, |session| {
            let found = session.rows("SELECT id FROM blobs WHERE id = ANY($1)", &[&names(&blobs)]).await?;
            found.iter().map(|row| parsed(row, 0)).collect()
        })
    }
}

/// Returns the common table expressions that release the blobs of `freed`: inline blobs are deleted, others turn to
/// `deleting`. No reader gets their bytes from the second `deleted_at` on.
pub(super) fn release(deleted_at: &str) -> String {
    format!(
        "dropped AS (DELETE FROM blobs b USING freed WHERE b.id = freed.blob_id AND b.content IS NOT NULL),
         turned AS (UPDATE blobs b SET state = 'deleting', checksums = NULL, deleted_at = {deleted_at} FROM freed
                    WHERE b.id = freed.blob_id AND b.content IS NULL AND b.state = 'ready')"
    )
}

/// Returns a new blob id. Ids grow with the time, so that rows and their index grow at the end.
pub(super) fn fresh_name(now_ms: u64) -> BlobId {
    BlobId::ordered(now_ms, random::bytes())
}

/// Turns a pending blob to ready. Returns false when it is not pending in this workspace.
pub(super) async fn claim(
    claim: &Prepared<'_>,
    workspace: WorkspaceId,
    blob: BlobId,
    content: &ContentDigest,
) -> Result<bool, Failure> {
    let (blob, workspace, size_bytes) = (blob.to_string(), workspace.to_string(), stored(content.size_bytes));
    let checksums = content.checksums.to_bytes();
    let values: Values<'_> = &[&blob, &workspace, &size_bytes, &content.sha256.0.as_slice(), &checksums];
    Ok(claim.execute(values).await? == 1)
}

pub(super) async fn keep(
    keep: &Prepared<'_>,
    workspace: WorkspaceId,
    blob: BlobId,
    bytes: &[u8],
    content: &ContentDigest,
) -> Result<(), Failure> {
    let (blob, workspace, size_bytes) = (blob.to_string(), workspace.to_string(), stored(content.size_bytes));
    let checksums = content.checksums.to_bytes();
    let values: Values<'_> = &[&blob, &workspace, &size_bytes, &content.sha256.0.as_slice(), &checksums, &bytes];
    keep.execute(values).await.map(drop)
}

pub(super) fn names(blobs: &[BlobId]) -> Vec<String> {
    blobs.iter().map(ToString::to_string).collect()
}

fn behind(after: Option<BlobId>) -> String {
    after.map(|id| id.to_string()).unwrap_or_default()
}
