//! Rows about the installation itself: its stamp, who holds blobs, which servers live, how far the scrub has come.

use super::connections::{Session, Values};
use super::failure::Failure;
use super::rows::{self, number, optional_number, parsed, stored};
use crate::metadata::{LEASE_SECONDS, SweepShare};
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
    // The text of a stamp is its installation, a space, and its generation.
    let sql = "INSERT INTO installation AS known (name, value) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value
               WHERE split_part(known.value, ' ', 1) = split_part(excluded.value, ' ', 1)
                   AND split_part(known.value, ' ', 2)::numeric < split_part(excluded.value, ' ', 2)::numeric";
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

/// Milliseconds without a renewal by any server after which the database counts as having been away: three renewals failed.
const UPTIME_GAP_MS: u64 = LEASE_SECONDS * 1000 / 2;

/// Returns the condition that every server had the time to renew its lease: the database has answered for as long as a lease
/// lasts. `$now` is a time in milliseconds.
pub(super) fn leases_are_told(now: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM database_uptime WHERE seen_ms > {now} - {UPTIME_GAP_MS} AND since_ms <= {now} - {})",
        LEASE_SECONDS * 1000
    )
}

/// Renews a lease, and notes that the database answers. Rows of servers that ended long ago go.
pub(super) async fn renew_process(session: &Session, process: ProcessId, set_ms: Option<i64>) -> Result<(), Failure> {
    let sql = format!(
        "WITH seen AS (INSERT INTO database_uptime AS up (\"only\", since_ms, seen_ms) VALUES (1, now_ms($3), now_ms($3))
                       ON CONFLICT (\"only\") DO UPDATE SET seen_ms = greatest(up.seen_ms, excluded.seen_ms),
                       since_ms = CASE WHEN excluded.seen_ms - up.seen_ms > {UPTIME_GAP_MS} THEN excluded.seen_ms
                                  ELSE up.since_ms END),
              ended AS (DELETE FROM processes WHERE lease_until_ms <= now_ms($3) - $2 AND id <> $1 AND {told})
         INSERT INTO processes (id, lease_until_ms) VALUES ($1, now_ms($3) + $2)
         ON CONFLICT (id) DO UPDATE SET lease_until_ms = excluded.lease_until_ms",
        told = leases_are_told("now_ms($3)")
    );
    session.execute(&sql, &[&process.to_string(), &stored(LEASE_SECONDS * 1000), &set_ms]).await.map(drop)
}

/// Returns the share of a process among those whose leases last; all for one whose own does not.
pub(super) async fn sweep_share(
    session: &Session,
    process: ProcessId,
    set_ms: Option<i64>,
) -> Result<SweepShare, Failure> {
    let sql = "SELECT l.place, l.count FROM (
                   SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS count FROM processes
                   WHERE lease_until_ms > now_ms($2)) l WHERE l.id = $1";
    let Some(row) = session.row(sql, &[&process.to_string(), &set_ms]).await? else { return Ok(SweepShare::WHOLE) };
    let number = |column| Ok::<_, Failure>(u32::try_from(number(&row, column)?).unwrap_or(u32::MAX));
    Ok(SweepShare { place: number(0)?, of: number(1)? })
}

pub(super) async fn now_seconds(session: &Session, set_ms: Option<i64>) -> Result<u64, Failure> {
    let now = session.row("SELECT now_ms($1)", &[&set_ms]).await?;
    Ok(now.map(|row| number(&row, 0)).transpose()?.unwrap_or_default() / 1000)
}

pub(super) async fn end_process(session: &Session, process: ProcessId) -> Result<(), Failure> {
    session.execute("DELETE FROM processes WHERE id = $1", &[&process.to_string()]).await.map(drop)
}

pub(super) async fn claim_scrub(session: &Session, process: ProcessId, set_ms: Option<i64>) -> Result<bool, Failure> {
    let sql = "INSERT INTO scrubber AS s (\"only\", process_id) VALUES (1, $1)
               ON CONFLICT (\"only\") DO UPDATE SET process_id = excluded.process_id
               WHERE s.process_id = excluded.process_id OR NOT EXISTS (
                   SELECT 1 FROM processes p WHERE p.id = s.process_id AND p.lease_until_ms > now_ms($2))";
    Ok(session.execute(sql, &[&process.to_string(), &set_ms]).await? == 1)
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
