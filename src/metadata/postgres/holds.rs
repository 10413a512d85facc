//! Holds, under which no blob is removed.

use super::connections::Session;
use super::failure::Failure;
use super::rows::stored;
use super::store::{PostgresStore, write};
use crate::metadata::error::MetadataError;
use crate::metadata::holds::HoldStore;
use crate::model::ids::HoldId;
use async_trait::async_trait;

#[async_trait]
impl HoldStore for PostgresStore {
    async fn hold_blobs(&self, hold: HoldId, seconds: u64) -> Result<(), MetadataError> {
        write!(self, |session| add(session, hold, seconds))
    }

    async fn renew_hold(&self, hold: HoldId, seconds: u64) -> Result<bool, MetadataError> {
        write!(self, |session| renew(session, hold, seconds))
    }

    async fn release_hold(&self, hold: HoldId) -> Result<(), MetadataError> {
        write!(self, |session| release(session, hold))
    }
}

/// Ended holds are nobody's any more; they go when the next one comes. Repeated, it changes nothing.
async fn add(session: &Session, hold: HoldId, seconds: u64) -> Result<(), Failure> {
    let sql = "WITH ended AS (DELETE FROM holds WHERE expires_at <= now_ms() / 1000)
               INSERT INTO holds (id, expires_at) VALUES ($1, now_ms() / 1000 + $2) ON CONFLICT (id) DO NOTHING";
    session.execute(sql, &[&hold.to_string(), &stored(seconds)]).await.map(drop)
}

async fn renew(session: &Session, hold: HoldId, seconds: u64) -> Result<bool, Failure> {
    let sql = "UPDATE holds SET expires_at = now_ms() / 1000 + $2 WHERE id = $1 AND expires_at > now_ms() / 1000";
    Ok(session.execute(sql, &[&hold.to_string(), &stored(seconds)]).await? == 1)
}

async fn release(session: &Session, hold: HoldId) -> Result<(), Failure> {
    session.execute("DELETE FROM holds WHERE id = $1", &[&hold.to_string()]).await.map(drop)
}
