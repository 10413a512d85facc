//! Rows of blobs that the sweeper removes.

use super::queries::Queries;
use super::rows::parsed;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::sweep::{DeletingCursor, DeletingPage, PendingBlob, SweepShare, SweepStore};
use crate::model::ids::{BlobId, ProcessId};
use async_trait::async_trait;
use rusqlite::{Result, Row, params};

#[async_trait]
impl SweepStore for SqliteStore {
    /// One server at a time has the database open: every other process that began a blob is dead.
    async fn pending_blobs(&self) -> Result<Vec<PendingBlob>, MetadataError> {
        self.readers
            .long(|connection| {
                let sql = "SELECT id, process_id FROM blobs WHERE state = 'pending'";
                let blob =
                    |row: &Row<'_>| Ok(PendingBlob { blob: parsed(row, 0)?, process: parsed(row, 1)?, lives: false });
                connection.rows(sql, [], blob)
            })
            .await
    }

    async fn abandon_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        let sql = "UPDATE blobs SET state = 'deleting', checksums = NULL WHERE id = ?1 AND state = 'pending'";
        self.writer.write(move |transaction| change_each(transaction, sql, &blobs)).await
    }

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
        self.readers
            .long(move |connection| {
                // One statement is one snapshot: it sees every hold that was made before a blob was turned to
                // `deleting`.
                let sql = "SELECT deleted_at, id FROM blobs
                           WHERE state = 'deleting' AND (deleted_at, id) > (?1, ?2) AND deleted_at <= ?5
                               AND NOT EXISTS (SELECT 1 FROM holds WHERE expires_at > ?4)
                           ORDER BY deleted_at, id LIMIT ?3";
                let (since, blob) = after.map(|after| (after.deleted_at, after.blob.to_string())).unwrap_or_default();
                let values = params![since, blob, limit, now_seconds, now_seconds.saturating_sub(delay_seconds)];
                let own = |row: &Row<'_>| Ok((DeletingCursor { deleted_at: row.get(0)?, blob: parsed(row, 1)? }, true));
                Ok(DeletingPage::of(connection.rows(sql, values, own)?, limit))
            })
            .await
    }

    async fn forget_blobs(&self, blobs: Vec<BlobId>) -> Result<(), MetadataError> {
        let sql = "DELETE FROM blobs WHERE id = ?1 AND state = 'deleting'";
        self.writer.write(move |transaction| change_each(transaction, sql, &blobs)).await
    }
}

/// Runs a statement for each of these blobs.
fn change_each(transaction: &Transaction<'_>, sql: &str, blobs: &[BlobId]) -> Result<()> {
    blobs.iter().try_for_each(|blob| transaction.change(sql, [blob]).map(drop))
}
