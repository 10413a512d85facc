//! Rows of blobs that the sweeper removes.

use super::rows::parsed;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::sweep::{DeletingCursor, DeletingPage, PendingBlob, SweepShare, SweepStore};
use crate::model::ids::{BlobId, ProcessId};
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

#[async_trait]
impl SweepStore for SqliteStore {
    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError> {
        self.readers.long(pending).await
    }

    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        self.writer.write(move |change| abandon(change.connection, &blobs)).await
    }

    /// One server has the database.
    async fn sweep_share(&self, _process: ProcessId) -> Result<SweepShare, MetadataError> {
        Ok(SweepShare::WHOLE)
    }

    async fn deleting_blobs(
        &self,
        _share: SweepShare,
        after: Option<DeletingCursor>,
        limit: u32,
        delay_seconds: u64,
    ) -> Result<DeletingPage, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| deleting(connection, after, limit, delay_seconds, now_seconds)).await
    }

    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        self.writer.write(move |change| forget(change.connection, &blobs)).await
    }
}

/// One server at a time has the database: whoever else began a blob is dead.
fn pending(connection: &Connection) -> Result<Vec<PendingBlob>> {
    let mut select = connection.prepare_cached("SELECT id, process_id FROM blobs WHERE state = 'pending'")?;
    let row = |row: &Row<'_>| Ok(PendingBlob { blob: parsed(row, 0)?, process: parsed(row, 1)?, lives: false });
    select.query_map([], row)?.collect()
}

/// One statement, and so one snapshot: whoever made a hold before a blob was turned to `deleting` is seen with it.
fn deleting(
    connection: &Connection,
    after: Option<DeletingCursor>,
    limit: u32,
    delay_seconds: u64,
    now_seconds: u64,
) -> Result<DeletingPage> {
    let sql = "SELECT deleted_at, id FROM blobs
               WHERE state = 'deleting' AND (deleted_at, id) > (?1, ?2) AND deleted_at <= ?5
                   AND NOT EXISTS (SELECT 1 FROM holds WHERE expires_at > ?4) ORDER BY deleted_at, id LIMIT ?3";
    let (since, blob) = after.map(|after| (after.deleted_at, after.blob.to_string())).unwrap_or_default();
    let values = params![since, blob, limit, now_seconds, now_seconds.saturating_sub(delay_seconds)];
    let own = |row: &Row<'_>| Ok((DeletingCursor { deleted_at: row.get(0)?, blob: parsed(row, 1)? }, true));
    let looked_at = connection.prepare_cached(sql)?.query_map(values, own)?.collect::<Result<_>>()?;
    Ok(DeletingPage::of(looked_at, limit))
}

fn abandon(connection: &Connection, blobs: &[BlobId]) -> Result<()> {
    let sql = "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ?1 AND state = 'pending'";
    let mut update = connection.prepare_cached(sql)?;
    blobs.iter().try_for_each(|blob| update.execute([blob.to_string()]).map(drop))
}

fn forget(connection: &Connection, blobs: &[BlobId]) -> Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM blobs WHERE id = ?1 AND state = 'deleting'")?;
    blobs.iter().try_for_each(|blob| delete.execute([blob.to_string()]).map(drop))
}
