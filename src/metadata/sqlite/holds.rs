//! Holds, under which no blob is removed.

use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::holds::HoldStore;
use crate::model::ids::HoldId;
use async_trait::async_trait;
use rusqlite::{Connection, Result, params};

#[async_trait]
impl HoldStore for SqliteStore {
    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let until = now_seconds.saturating_add(seconds);
        self.writer.write(move |change| add(change.connection, hold, until, now_seconds)).await
    }

    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let until = now_seconds.saturating_add(seconds);
        self.writer.write(move |change| renew(change.connection, hold, until, now_seconds)).await
    }

    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError> {
        self.writer.write(move |change| release(change.connection, hold)).await
    }
}

/// Ended holds are nobody's any more; they go when the next one comes.
fn add(connection: &Connection, hold: HoldId, expires_at: u64, now_seconds: u64) -> Result<()> {
    connection.prepare_cached("DELETE FROM holds WHERE expires_at <= ?1")?.execute([now_seconds])?;
    let sql = "INSERT INTO holds (id, expires_at) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![hold.to_string(), expires_at]).map(drop)
}

fn renew(connection: &Connection, hold: HoldId, expires_at: u64, now_seconds: u64) -> Result<bool> {
    let sql = "UPDATE holds SET expires_at = ?2 WHERE id = ?1 AND expires_at > ?3";
    Ok(connection.prepare_cached(sql)?.execute(params![hold.to_string(), expires_at, now_seconds])? == 1)
}

fn release(connection: &Connection, hold: HoldId) -> Result<()> {
    connection.prepare_cached("DELETE FROM holds WHERE id = ?1")?.execute([hold.to_string()]).map(drop)
}
