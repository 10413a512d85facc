//! Rows about the installation itself: its stamp, who holds blobs, how far the scrub has come.

use super::rows::parsed;
use crate::model::ids::HoldId;
use crate::model::scrub::ScrubProgress;
use crate::model::stamp::Stamp;
use rusqlite::{Connection, OptionalExtension, Result, params};

const STAMP: &str = "stamp";

pub(super) fn stamp(connection: &Connection) -> Result<Option<Stamp>> {
    let mut select = connection.prepare_cached("SELECT value FROM installation WHERE name = ?1")?;
    select.query_row([STAMP], |row| parsed(row, 0)).optional()
}

pub(super) fn set_stamp(connection: &Connection, new: Stamp) -> Result<()> {
    if stamp(connection)?.is_some_and(|known| !new.follows(known)) {
        return Ok(());
    }
    let sql = "INSERT INTO installation (name, value) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(params![STAMP, new.to_string()]).map(drop)
}

/// Ended holds are nobody's any more; they go when the next one comes.
pub(super) fn hold(connection: &Connection, hold: HoldId, expires_at: u64, now_seconds: u64) -> Result<()> {
    connection.prepare_cached("DELETE FROM holds WHERE expires_at <= ?1")?.execute([now_seconds])?;
    let sql = "INSERT INTO holds (id, expires_at) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![hold.to_string(), expires_at]).map(drop)
}

pub(super) fn renew(connection: &Connection, hold: HoldId, expires_at: u64, now_seconds: u64) -> Result<bool> {
    let sql = "UPDATE holds SET expires_at = ?2 WHERE id = ?1 AND expires_at > ?3";
    Ok(connection.prepare_cached(sql)?.execute(params![hold.to_string(), expires_at, now_seconds])? == 1)
}

pub(super) fn release(connection: &Connection, hold: HoldId) -> Result<()> {
    connection.prepare_cached("DELETE FROM holds WHERE id = ?1")?.execute([hold.to_string()]).map(drop)
}

pub(super) fn scrub_progress(connection: &Connection) -> Result<Option<ScrubProgress>> {
    let mut select = connection.prepare_cached("SELECT begun_at, ended_at, after, blobs, bytes, damaged FROM scrub")?;
    let progress = |row: &rusqlite::Row<'_>| {
        let after = row.get_ref(2)?.as_str_or_null()?.is_some();
        Ok(ScrubProgress {
            begun_at: row.get(0)?,
            ended_at: row.get(1)?,
            after: if after { Some(parsed(row, 2)?) } else { None },
            blobs: row.get(3)?,
            bytes: row.get(4)?,
            damaged: row.get(5)?,
        })
    };
    select.query_row([], progress).optional()
}

pub(super) fn save_scrub_progress(connection: &Connection, progress: ScrubProgress) -> Result<()> {
    let sql =
        "INSERT INTO scrub (only, begun_at, ended_at, after, blobs, bytes, damaged) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (only) DO UPDATE SET begun_at = excluded.begun_at, ended_at = excluded.ended_at,
               after = excluded.after, blobs = excluded.blobs, bytes = excluded.bytes, damaged = excluded.damaged";
    let ScrubProgress { begun_at, ended_at, after, blobs, bytes, damaged } = progress;
    let row = params![begun_at, ended_at, after.map(|blob| blob.to_string()), blobs, bytes, damaged];
    connection.prepare_cached(sql)?.execute(row).map(drop)
}
