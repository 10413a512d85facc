//! Holds, which keep blobs from being removed.

use super::rows::stored;
use super::store::{PostgresStore, write};
use crate::metadata::error::MetadataError;
use crate::metadata::holds::HoldStore;
use crate::model::ids::HoldId;
use async_trait::async_trait;

#[async_trait]
impl HoldStore for PostgresStore {
    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError> {
        write!(self, |session| {
            // Holds that have ended are removed here. A repetition changes nothing.
            let sql = "WITH ended AS (DELETE FROM holds WHERE expires_at <= now_ms() / 1000)
                       INSERT INTO holds (id, expires_at) VALUES ($1, now_ms() / 1000 + $2)
                       ON CONFLICT (id) DO NOTHING";
            session.execute(sql, &[&hold.to_string(), &stored(seconds)]).await.map(drop)
        })
    }

    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError> {
        write!(self, |session| {
            let sql =
                "UPDATE holds SET expires_at = now_ms() / 1000 + $2 WHERE id = $1 AND expires_at > now_ms() / 1000";
            Ok(session.execute(sql, &[&hold.to_string(), &stored(seconds)]).await? == 1)
        })
    }

    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError> {
        write!(self, |session| {
            session.execute("DELETE FROM holds WHERE id = $1", &[&hold.to_string()]).await.map(drop)
        })
    }
}
