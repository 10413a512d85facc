//! The database time and a probe of its writes.

use super::rows::number;
use super::store::{PostgresStore, read, transaction};
use crate::metadata::error::MetadataError;
use crate::metadata::upkeep::UpkeepStore;
use async_trait::async_trait;

#[async_trait]
impl UpkeepStore for PostgresStore {
    async fn now_seconds(&self) -> Result<u64, MetadataError> {
        read!(self, |session| {
            let now = session.row("SELECT now_ms()", &[]).await?;
            Ok(now.map(|row| number(&row, 0)).transpose()?.unwrap_or_default() / 1000)
        })
    }

    /// Commits an empty transaction, which proves that the database accepts writes.
    async fn probe(&self) -> Result<(), MetadataError> {
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            tx.commit(async { Ok(()) }).await
        })
    }

    async fn give_back_room(&self, _limit: u32) -> Result<usize, MetadataError> {
        Ok(0)
    }
}
