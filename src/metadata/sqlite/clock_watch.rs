//! The clock, watched: what has expired is ended for good, so that a clock which jumped forward must not decide it.

use super::rows::parsed;
use super::store::SqliteStore;
use crate::clock::Clock;
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::model::clock_jump::{ClockFacts, ClockJump, FORGET_BOOT_MS, Moment};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

const HELD: &str = "expiry_held";

#[async_trait]
impl ClockStore for SqliteStore {
    async fn may_expire(&self) -> Result<bool, MetadataError> {
        let clock = self.clock.clone();
        self.writer.write(move |change| may_expire(change.connection, &clock)).await
    }

    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError> {
        self.readers.point(held)
    }

    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError> {
        let clock = self.clock.clone();
        self.writer.write(move |change| confirm(change.connection, &clock)).await
    }
}

impl SqliteStore {
    /// Ends something whose time is over, unless the clock by which it is over has jumped: nothing is ended then.
    pub(super) async fn expire<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let clock = self.clock.clone();
        self.writer
            .write(move |change| {
                let may_expire = may_expire(change.connection, &clock)?;
                if may_expire { work(change.connection) } else { Ok(T::default()) }
            })
            .await
    }
}

/// Returns whether what has expired may be ended now, and notes the clock. False from a jump on until the clock is back or an
/// operator has [confirmed](confirm) it.
fn may_expire(connection: &Connection, clock: &Clock) -> Result<bool> {
    let uptime = clock.uptime();
    let moment = |row: &Row<'_>| Ok(Moment { wall_ms: row.get(0)?, uptime_ms: row.get(1)? });
    let own = "SELECT wall_ms, uptime_ms FROM clock_moments WHERE boot_id = ?1";
    let newest = "SELECT max(wall_ms) FROM clock_moments";
    let facts = ClockFacts {
        now: Moment { wall_ms: clock.now_ms(), uptime_ms: uptime.since_boot_ms },
        own: connection.prepare_cached(own)?.query_row([uptime.boot_id], moment).optional()?,
        newest_ms: connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?,
        witness_ms: None,
    };
    match (facts.jump(), held(connection)?) {
        (Some(_), Some(_)) => return Ok(false),
        (Some(jump), None) => {
            let sql = "INSERT INTO installation (name, value) VALUES (?1, ?2)";
            connection.prepare_cached(sql)?.execute([HELD, &jump.to_string()])?;
            tracing::error!(expected_ms = jump.expected_ms, found_ms = jump.found_ms, "clock jumped, expiry held");
            return Ok(false);
        }
        (None, Some(_)) => {
            release(connection)?;
            tracing::warn!("clock recovered, expiry resumed");
        }
        (None, None) => {}
    }
    if facts.is_worth_noting() {
        note(connection, uptime.boot_id, facts.now)?;
    }
    Ok(true)
}

/// The jump for which expiry is held.
fn held(connection: &Connection) -> Result<Option<ClockJump>> {
    let sql = "SELECT value FROM installation WHERE name = ?1";
    connection.prepare_cached(sql)?.query_row([HELD], |row| parsed(row, 0)).optional()
}

/// Takes the clock as it is for right; the jump for which expiry was held until then.
fn confirm(connection: &Connection, clock: &Clock) -> Result<Option<ClockJump>> {
    let held = held(connection)?;
    let uptime = clock.uptime();
    connection.execute("DELETE FROM clock_moments", [])?;
    note(connection, uptime.boot_id, Moment { wall_ms: clock.now_ms(), uptime_ms: uptime.since_boot_ms })?;
    release(connection)?;
    Ok(held)
}

fn release(connection: &Connection) -> Result<()> {
    connection.prepare_cached("DELETE FROM installation WHERE name = ?1")?.execute([HELD]).map(drop)
}

fn note(connection: &Connection, boot_id: &str, now: Moment) -> Result<()> {
    let sql = "INSERT INTO clock_moments (boot_id, wall_ms, uptime_ms) VALUES (?1, ?2, ?3)
               ON CONFLICT (boot_id) DO UPDATE SET wall_ms = excluded.wall_ms, uptime_ms = excluded.uptime_ms";
    connection.prepare_cached(sql)?.execute(params![boot_id, now.wall_ms, now.uptime_ms])?;
    let sql = "DELETE FROM clock_moments WHERE wall_ms < ?1";
    connection.prepare_cached(sql)?.execute([now.wall_ms.saturating_sub(FORGET_BOOT_MS)]).map(drop)
}
