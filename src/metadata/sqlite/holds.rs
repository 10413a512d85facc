//! Holds, under which no blob is removed.

use super::queries::Queries;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::holds::HoldStore;
use crate::model::ids::HoldId;
use async_trait::async_trait;
use rusqlite::params;

#[async_trait]
impl HoldStore for SqliteStore {
    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let now_seconds = transaction.now_seconds();
                transaction.change("DELETE FROM holds WHERE expires_at <= ?1", [now_seconds])?;
                let sql = "INSERT INTO holds (id, expires_at) VALUES (?1, ?2)";
                transaction.change(sql, params![hold, now_seconds.saturating_add(seconds)]).map(drop)
            })
            .await
    }

    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError> {
        self.writer
            .write(move |transaction| {
                let now_seconds = transaction.now_seconds();
                let sql = "UPDATE holds SET expires_at = ?2 WHERE id = ?1 AND expires_at > ?3";
                let values = params![hold, now_seconds.saturating_add(seconds), now_seconds];
                Ok(transaction.change(sql, values)? == 1)
            })
            .await
    }

    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError> {
        let sql = "DELETE FROM holds WHERE id = ?1";
        self.writer.write(move |transaction| transaction.change(sql, [hold]).map(drop)).await
    }
}
