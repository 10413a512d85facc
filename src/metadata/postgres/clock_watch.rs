//! A watch on the database clock: expiry deletes for good, so a clock that jumped forward must not trigger it. Each
//! server compares the database clock with its own uptime and its own clock.

use super::connections::{Session, Values};
use super::failure::Failure;
use super::rows::{number, optional, optional_number, stored};
use super::store::{PostgresStore, read, transaction, write};
use crate::clock::{Clock, Uptime};
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules::clock_watch::{ClockStep, step};
use crate::model::clock_jump::{ClockFacts, ClockJump, FORGET_BOOT_MS, Moment};
use async_trait::async_trait;

const HELD: &str = "expiry_held";
const RELEASE: &str = "DELETE FROM installation WHERE name = $1";
const NOTE: &str = "INSERT INTO clock_moments (boot_id, wall_ms, uptime_ms) VALUES ($1, $2, $3)
    ON CONFLICT (boot_id) DO UPDATE SET wall_ms = excluded.wall_ms, uptime_ms = excluded.uptime_ms";

#[async_trait]
impl ClockStore for PostgresStore {
    async fn may_expire(&self) -> Result<bool, MetadataError> {
        let clock = &self.clock;
        write!(self, |session| may_expire(session, clock).await)
    }

    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError> {
        read!(self, |session| held(session).await)
    }

    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError> {
        let clock = &self.clock;
        transaction!(self, |tx| {
            tx.begin(&[], async { Ok(()) }).await?;
            let held = held(&tx).await?;
            tx.execute("DELETE FROM clock_moments", &[]).await?;
            let (uptime, set_ms) = (clock.uptime(), clock.set_ms());
            note(&tx, uptime, set_ms.unwrap_or(tx.now_ms())).await?;
            tx.execute(RELEASE, &[&HELD]).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(held)
        })
    }
}

/// Returns whether expired rows may be deleted, and records the clock. Returns false after a jump until the clock is
/// back or an operator confirms it.
async fn may_expire(session: &Session, clock: &Clock) -> Result<bool, Failure> {
    // A set clock may move between the start of the session and this line: its time is read beside its uptime.
    let (uptime, set_ms) = (clock.uptime(), clock.set_ms());
    let sql = "SELECT now_ms(), m.wall_ms, m.uptime_ms, (SELECT max(wall_ms) FROM clock_moments),
                      (SELECT value FROM installation WHERE name = $2)
               FROM (SELECT 1) one LEFT JOIN clock_moments m ON m.boot_id = $1";
    let Some(row) = session.row(sql, &[&uptime.boot_id, &HELD]).await? else { return Ok(false) };
    let own = optional_number(&row, 1)?.zip(optional_number(&row, 2)?);
    let facts = ClockFacts {
        now: Moment { wall_ms: set_ms.map_or_else(|| number(&row, 0), Ok)?, uptime_ms: uptime.since_boot_ms },
        own: own.map(|(wall_ms, uptime_ms)| Moment { wall_ms, uptime_ms }),
        newest_ms: optional_number(&row, 3)?,
        witness_ms: set_ms.is_none().then(|| clock.now_ms()),
    };
    let held: Option<ClockJump> = optional(&row, 4)?;
    match step(&facts, held) {
        ClockStep::Held => return Ok(false),
        ClockStep::Hold(jump) => {
            let sql = "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
            session.execute(sql, &[&HELD, &jump.to_string()]).await?;
            tracing::error!(expected_ms = jump.expected_ms, found_ms = jump.found_ms, "clock jumped, expiry held");
            return Ok(false);
        }
        ClockStep::Resume => {
            session.execute(RELEASE, &[&HELD]).await?;
            tracing::warn!("clock recovered, expiry resumed");
        }
        ClockStep::GoOn => {}
    }
    if facts.is_worth_noting() {
        note(session, uptime, facts.now.wall_ms).await?;
    }
    Ok(true)
}

/// Returns the jump for which expiry is held.
async fn held(session: &Session) -> Result<Option<ClockJump>, Failure> {
    let found = session.row("SELECT value FROM installation WHERE name = $1", &[&HELD]).await?;
    found.map_or(Ok(None), |row| optional(&row, 0))
}

async fn note(session: &Session, uptime: Uptime, wall_ms: u64) -> Result<(), Failure> {
    let values: Values<'_> = &[&uptime.boot_id, &stored(wall_ms), &stored(uptime.since_boot_ms)];
    session.execute(NOTE, values).await?;
    let forgotten_ms = stored(wall_ms.saturating_sub(FORGET_BOOT_MS));
    session.execute("DELETE FROM clock_moments WHERE wall_ms < $1", &[&forgotten_ms]).await.map(drop)
}
