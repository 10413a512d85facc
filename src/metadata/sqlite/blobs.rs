//! Rows of blobs: from the intent to write one to the proof that it is gone.

use super::reserve::Fullness;
use super::rows::{self, parsed};
use super::store::SqliteStore;
use crate::metadata::blobs::{BlobRows, ReadyBlob};
use crate::metadata::error::MetadataError;
use crate::model::blob::{BlobOwner, ContentLocation};
use crate::model::digest::{ContentDigest, Sha256Digest};
use crate::model::ids::{BlobId, ProcessId, WorkspaceId};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashSet;

/// Since when nobody is given the bytes of a part that never became part of a File, in Unix seconds.
pub(super) const NOBODY_READS: u64 = 0;

#[async_trait]
impl BlobRows for SqliteStore {
    async fn begin_blob(&self, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<(), MetadataError> {
        self.refuse_while(Fullness::refuse).await?;
        self.writer.write_for(workspace, move |change| begin(change.connection, workspace, blob, process)).await
    }

    async fn note_blob_upload(&self, blob: BlobId, upload: &str) -> Result<bool, MetadataError> {
        let upload = upload.to_owned();
        self.writer.write(move |change| note_upload(change.connection, blob, &upload)).await
    }

    async fn blob_uploads(&self, blobs: Vec<BlobId>) -> Result<Vec<(BlobId, String)>, MetadataError> {
        self.readers.point(|connection| uploads(connection, &blobs))
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
        self.readers.long(move |connection| known(connection, &blobs)).await
    }
}

fn begin(connection: &Connection, workspace: WorkspaceId, blob: BlobId, process: ProcessId) -> Result<()> {
    let sql = "INSERT INTO blobs (id, workspace_id, process_id, state) VALUES (?1, ?2, ?3, 'pending')";
    let row = params![blob.to_string(), workspace.to_string(), process.to_string()];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Keeps received bytes under a fresh name, or turns the pending blob that holds them to `ready`; none when it is not
/// pending in this workspace.
pub(super) fn settle(
    connection: &Connection,
    workspace: WorkspaceId,
    place: &ContentLocation,
    content: &ContentDigest,
    now_ms: u64,
) -> Result<Option<BlobId>> {
    match place {
        ContentLocation::Store(blob) => Ok(claim(connection, workspace, *blob, content)?.then_some(*blob)),
        ContentLocation::Inline(bytes) => keep(connection, workspace, bytes, content, now_ms).map(Some),
    }
}

/// Names grow with the time, so that rows and their index grow at the end. No process needs to be known of such a blob.
fn keep(
    connection: &Connection,
    workspace: WorkspaceId,
    bytes: &[u8],
    content: &ContentDigest,
    now_ms: u64,
) -> Result<BlobId> {
    let blob = BlobId::ordered(now_ms, random::bytes());
    let sql = "INSERT INTO blobs (id, workspace_id, process_id, state, size_bytes, sha256, checksums, content)
               VALUES (?1, ?2, '', 'ready', ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        blob.to_string(),
        workspace.to_string(),
        content.size_bytes,
        content.sha256.0,
        content.checksums.to_bytes(),
        bytes,
    ])?;
    Ok(blob)
}

/// Turns a pending blob of this workspace to `ready`; false when there is none.
pub(super) fn claim(
    connection: &Connection,
    workspace: WorkspaceId,
    blob: BlobId,
    content: &ContentDigest,
) -> Result<bool> {
    let sql = "UPDATE blobs SET state = 'ready', size_bytes = ?3, sha256 = ?4, checksums = ?5, upload_id = NULL
               WHERE id = ?1 AND workspace_id = ?2 AND state = 'pending'";
    let (size_bytes, sha256, checksums) = (content.size_bytes, content.sha256.0, content.checksums.to_bytes());
    let row = params![blob.to_string(), workspace.to_string(), size_bytes, sha256, checksums];
    Ok(connection.prepare_cached(sql)?.execute(row)? == 1)
}

fn note_upload(connection: &Connection, blob: BlobId, upload: &str) -> Result<bool> {
    let sql = "UPDATE blobs SET upload_id = ?2 WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.execute(params![blob.to_string(), upload])? == 1)
}

fn uploads(connection: &Connection, blobs: &[BlobId]) -> Result<Vec<(BlobId, String)>> {
    let sql = "SELECT upload_id FROM blobs WHERE id = ?1 AND state <> 'ready' AND upload_id IS NOT NULL";
    let mut select = connection.prepare_cached(sql)?;
    let of = |blob: &BlobId| -> Result<Option<(BlobId, String)>> {
        let mut found = select.query_map([blob.to_string()], |row| row.get(0))?;
        found.next().transpose().map(|upload| upload.map(|upload| (*blob, upload)))
    };
    blobs.iter().map(of).filter_map(Result::transpose).collect()
}

pub(super) fn ready(connection: &Connection, after: Option<BlobId>, limit: u32) -> Result<Vec<ReadyBlob>> {
    let sql = "SELECT id, size_bytes, checksums, content, sha256 FROM blobs WHERE id > ?1 AND state = 'ready' ORDER BY id LIMIT ?2";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let ready = |row: &Row<'_>| Ok(ReadyBlob { stored: rows::blob(row, 0)?, sha256: Sha256Digest(row.get(4)?) });
    connection.prepare_cached(sql)?.query_map(params![after, limit], ready)?.collect()
}

pub(super) fn is_ready(connection: &Connection, blob: BlobId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM blobs WHERE id = ?1 AND state = 'ready')";
    connection.prepare_cached(sql)?.query_row([blob.to_string()], |row| row.get(0))
}

pub(super) fn owner(connection: &Connection, blob: BlobId) -> Result<Option<BlobOwner>> {
    let sql = "SELECT workspace_id, id FROM files WHERE blob_id = ?1
               UNION ALL SELECT workspace_id, file_id FROM file_parts WHERE blob_id = ?1
               UNION ALL SELECT workspace_id, upload_id FROM parts WHERE blob_id = ?1";
    let owner = |row: &Row<'_>| Ok(BlobOwner { workspace: parsed(row, 0)?, id: row.get(1)? });
    connection.prepare_cached(sql)?.query_row([blob.to_string()], owner).optional()
}

fn known(connection: &Connection, blobs: &[BlobId]) -> Result<HashSet<BlobId>> {
    let mut select = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM blobs WHERE id = ?1)")?;
    let mut known = HashSet::new();
    for blob in blobs {
        if select.query_row([blob.to_string()], |row| row.get::<_, bool>(0))? {
            known.insert(*blob);
        }
    }
    Ok(known)
}

/// Turns the ready blob of something that is gone to `deleting`, of which nobody is given the bytes from `now_seconds` on;
/// one whose bytes stand in its row is gone at once.
pub(super) fn release(connection: &Connection, blob: &str, now_seconds: u64) -> Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM blobs WHERE id = ?1 AND content IS NOT NULL")?;
    if delete.execute([blob])? > 0 {
        return Ok(());
    }
    let sql =
        "UPDATE blobs SET state = 'deleting', checksums = NULL, deleted_at = ?2 WHERE id = ?1 AND state = 'ready'";
    connection.prepare_cached(sql)?.execute(params![blob, now_seconds]).map(drop)
}
