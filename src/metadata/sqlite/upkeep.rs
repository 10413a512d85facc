//! Time, readiness and disk space of the store.

use super::spare;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::upkeep::UpkeepStore;
use async_trait::async_trait;

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn now_seconds(&self) -> Result<u64, MetadataError> {
        Ok(self.clock.now_seconds())
    }

    /// Commits an empty transaction: the writer runs, and no other process locks the database.
    async fn probe(&self) -> Result<(), MetadataError> {
        self.writer.write(|_| Ok(())).await
    }

    async fn give_back_room(&self, limit: u32) -> Result<usize, MetadataError> {
        if self.fullness.refuse_bytes().is_err() {
            return Ok(0);
        }
        self.writer.write(move |transaction| spare::give_back(transaction, limit)).await
    }
}
