//! Rows about the installation itself: its stamp, who holds blobs, which servers live, how far the scrub has come.

use super::connections::{Session, Values};
use super::failure::Failure;
use super::rows::{self, number, optional_number, parsed, stored};
use crate::metadata::LEASE_SECONDS;
use crate::model::ids::{HoldId, ProcessId};
use crate::model::scrub::ScrubProgress;
use crate::model::stamp::Stamp;
use tokio_postgres::Row;

const STAMP: &str = "stamp";

pub(super) async fn stamp(session: &Session) -> Result<Option<Stamp>, Failure> {
    let found = session.row("SELECT value FROM installation WHERE name = $1", &[&STAMP]).await?;
    found.map(|row| parsed(&row, 0)).transpose()
}

pub(super) async fn set_stamp(session: &Session, stamp: Stamp) -> Result<(), Failure> {
    let sql = "INSERT INTO installation (name, value) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.execute(sql, &[&STAMP, &stamp.to_string()]).await.map(drop)
}

/// Ended holds are nobody's any more; they go when the next one comes. Repeated, it changes nothing.
pub(super) async fn hold(session: &Session, hold: HoldId, seconds: u64, set_ms: Option<i64>) -> Result<(), Failure> {
    let sql = "WITH ended AS (DELETE FROM holds WHERE expires_at <= now_ms($3) / 1000)
               INSERT INTO holds (id, expires_at) VALUES ($1, now_ms($3) / 1000 + $2) ON CONFLICT (id) DO NOTHING";
    session.execute(sql, &[&hold.to_string(), &stored(seconds), &set_ms]).await.map(drop)
}

pub(super) async fn renew(session: &Session, hold: HoldId, seconds: u64, set_ms: Option<i64>) -> Result<bool, Failure> {
    let sql = "UPDATE holds SET expires_at = now_ms($3) / 1000 + $2 WHERE id = $1 AND expires_at > now_ms($3) / 1000";
    Ok(session.execute(sql, &[&hold.to_string(), &stored(seconds), &set_ms]).await? == 1)
}

pub(super) async fn release(session: &Session, hold: HoldId) -> Result<(), Failure> {
    session.execute("DELETE FROM holds WHERE id = $1", &[&hold.to_string()]).await.map(drop)
}

/// Rows of servers that ended long ago go when one says that it lives.
pub(super) async fn renew_process(session: &Session, process: ProcessId, set_ms: Option<i64>) -> Result<(), Failure> {
    let sql = "WITH ended AS (DELETE FROM processes WHERE lease_until_ms <= now_ms($3) - $2 AND id <> $1)
               INSERT INTO processes (id, lease_until_ms) VALUES ($1, now_ms($3) + $2)
               ON CONFLICT (id) DO UPDATE SET lease_until_ms = excluded.lease_until_ms";
    session.execute(sql, &[&process.to_string(), &stored(LEASE_SECONDS * 1000), &set_ms]).await.map(drop)
}

pub(super) async fn end_process(session: &Session, process: ProcessId) -> Result<(), Failure> {
    session.execute("DELETE FROM processes WHERE id = $1", &[&process.to_string()]).await.map(drop)
}

pub(super) async fn scrub_progress(session: &Session) -> Result<Option<ScrubProgress>, Failure> {
    let sql = "SELECT begun_at, ended_at, after, blobs, bytes, damaged FROM scrub";
    let progress = |row: Row| {
        Ok(ScrubProgress {
            begun_at: number(&row, 0)?,
            ended_at: optional_number(&row, 1)?,
            after: rows::optional(&row, 2)?,
            blobs: number(&row, 3)?,
            bytes: number(&row, 4)?,
            damaged: number(&row, 5)?,
        })
    };
    session.row(sql, &[]).await?.map(progress).transpose()
}

pub(super) async fn save_scrub_progress(session: &Session, progress: ScrubProgress) -> Result<(), Failure> {
    let sql =
        "INSERT INTO scrub (\"only\", begun_at, ended_at, after, blobs, bytes, damaged) VALUES (1, $1, $2, $3, $4, $5, $6)
         ON CONFLICT (\"only\") DO UPDATE SET begun_at = excluded.begun_at, ended_at = excluded.ended_at,
         after = excluded.after, blobs = excluded.blobs, bytes = excluded.bytes, damaged = excluded.damaged";
    let ScrubProgress { begun_at, ended_at, after, blobs, bytes, damaged } = progress;
    let after = after.map(|blob| blob.to_string());
    let [begun_at, blobs, bytes, damaged] = [begun_at, blobs, bytes, damaged].map(stored);
    let values: Values<'_> = &[&begun_at, &ended_at.map(stored), &after, &blobs, &bytes, &damaged];
    session.execute(sql, values).await.map(drop)
}
