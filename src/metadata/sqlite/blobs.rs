//! Rows of blobs: from the intent to write one to the proof that it is gone.

use super::queries::Queries;
use super::reserve::Fullness;
use super::rows::{self, parsed};
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::blobs::{BlobRows, ReadyBlob};
use crate::metadata::error::MetadataError;
use crate::model::blob::{BlobOwner, ContentLocation};
use crate::model::digest::ContentDigest;
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};
use std::collections::HashSet;

/// The deletion time of the blob of a part that never became part of a File, in Unix seconds: no download serves its
/// bytes.
pub(super) const NEVER_SERVED: u64 = 0;

#[async_trait]
impl BlobRows for SqliteStore {
    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError> {
        self.refuse_while(Fullness::refuse).await?;
        let sql = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES (?1, ?2, ?3, 'pending')";
        let values = (blob, workspace, process);
        self.writer.write_for(workspace, move |transaction| transaction.change(sql, values).map(drop)).await
    }

    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError> {
        let values = (blob, upload.to_owned());
        let sql = "UPDATE blobs SET upload_id = ?2 WHERE id = ?1";
        self.writer.write(move |transaction| Ok(transaction.change(sql, values)? == 1)).await
    }

    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError> {
        self.readers.point(|connection| {
            let sql = "SELECT upload_id FROM blobs WHERE id = ?1 AND state <> 'ready' AND upload_id IS NOT NULL";
            let upload = |blob: &BlobId| connection.row(sql, [blob], |row| Ok((*blob, row.get(0)?)));
            blobs.iter().map(upload).filter_map(Result::transpose).collect()
        })
    }

    async fn ready_blobs(&self, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>, MetadataError> {
        self.readers.long(move |connection| ready(connection, after, limit)).await
    }

    async fn is_ready(&self, blob: BlobId) -> Result<bool, MetadataError> {
        self.readers.point(|connection| is_ready(connection, blob))
    }

    async fn blob_owner(&self, blob: BlobId) -> Result<Option<BlobOwner>, MetadataError> {
        self.readers.point(|connection| owner(connection, blob))
    }

    async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, MetadataError> {
        self.readers
            .long(move |connection| {
                let mut known = HashSet::new();
                for blob in blobs {
                    let sql = "SELECT EXISTS (SELECT 1 FROM blobs WHERE id = ?1)";
                    if connection.value(sql, [blob])? {
                        known.insert(blob);
                    }
                }
                Ok(known)
            })
            .await
    }
}

/// Stores received bytes as a new blob, or turns the pending blob that holds them to `ready`. Returns none when that
/// blob is not pending in this workspace.
pub(super) fn finalize(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    place: &ContentLocation,
    content: &ContentDigest,
) -> Result<Option<BlobId>> {
    match place {
        ContentLocation::Store(blob) => Ok(claim(transaction, workspace, *blob, content)?.then_some(*blob)),
        ContentLocation::Inline(bytes) => insert_inline(transaction, workspace, bytes, content).map(Some),
    }
}

/// Inserts a blob with its bytes. Ids grow with the time, so that rows and their index grow at the end. Such a blob has
/// no process.
fn insert_inline(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    bytes: &[u8],
    content: &ContentDigest,
) -> Result<BlobId> {
    let blob = BlobId::ordered(transaction.now_ms(), random::bytes());
    let sql = "INSERT INTO blobs (id, workspace_id, process_id, state, size_bytes, sha256, checksums, content)
               VALUES (?1, ?2, '', 'ready', ?3, ?4, ?5, ?6)";
    let (size_bytes, sha256, checksums) = (content.size_bytes, content.sha256.0, content.checksums.to_bytes());
    transaction.change(sql, params![blob, workspace, size_bytes, sha256, checksums, bytes])?;
    Ok(blob)
}

/// Turns a pending blob of this workspace to `ready`. Returns false when there is none.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    blob: BlobId,
    content: &ContentDigest,
) -> Result<bool> {
    let sql = "UPDATE blobs SET state = 'ready', size_bytes = ?3, sha256 = ?4, checksums = ?5, upload_id = NULL
               WHERE id = ?1 AND workspace_id = ?2 AND state = 'pending'";
    let (size_bytes, sha256, checksums) = (content.size_bytes, content.sha256.0, content.checksums.to_bytes());
    let values = params![blob, workspace, size_bytes, sha256, checksums];
    Ok(transaction.change(sql, values)? == 1)
}

pub(super) fn ready(connection: &Connection, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>> {
    let sql = "SELECT id, size_bytes, checksums, content, sha256 FROM blobs
               WHERE id > ?1 AND state = 'ready' ORDER BY id LIMIT ?2";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let ready = |row: &Row<'_>| {
        let mut row = rows::reader(row);
        Ok(ReadyBlob { stored: row.value()?, sha256: row.digest()? })
    };
    connection.rows(sql, params![after, limit], ready)
}

pub(super) fn is_ready(connection: &Connection, blob: BlobId) -> Result<bool> {
    connection.value("SELECT EXISTS (SELECT 1 FROM blobs WHERE id = ?1 AND state = 'ready')", [blob])
}

pub(super) fn owner(connection: &Connection, blob: BlobId) -> Result<Option<BlobOwner>> {
    let sql = "SELECT workspace_id, id FROM files WHERE blob_id = ?1
               UNION ALL SELECT workspace_id, file_id FROM file_parts WHERE blob_id = ?1
               UNION ALL SELECT workspace_id, upload_id FROM parts WHERE blob_id = ?1";
    let owner = |row: &Row<'_>| Ok(BlobOwner { workspace: parsed(row, 0)?, id: row.get(1)? });
    connection.row(sql, [blob], owner)
}

/// Turns the ready blob of a deleted row to `deleting`. No request is served its bytes from `deleted_at` on, in Unix
/// seconds. Deletes a blob whose bytes are in its row.
pub(super) fn release(connection: &Connection, blob: &str, deleted_at: u64) -> Result<()> {
    if connection.change("DELETE FROM blobs WHERE id = ?1 AND content IS NOT NULL", [blob])? > 0 {
        return Ok(());
    }
    let sql =
        "UPDATE blobs SET state = 'deleting', checksums = NULL, deleted_at = ?2 WHERE id = ?1 AND state = 'ready'";
    connection.change(sql, params![blob, deleted_at]).map(drop)
}
