//! The watch over the clock. Expiry is final, so a clock that jumped forwards must not cause it.

use super::installation;
use super::queries::Queries;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::clock::Clock;
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules::clock_watch::{ClockStep, step};
use crate::model::clock_jump::{ClockFacts, ClockJump, FORGET_BOOT_MS, Moment};
use async_trait::async_trait;
use rusqlite::{Connection, Result, Row, params};

const HELD: &str = "expiry_held";

#[async_trait]
impl ClockStore for SqliteStore {
    async fn may_expire(&self) -> Result<bool, MetadataError> {
        let clock = self.clock.clone();
        self.writer.write(move |transaction| may_expire(transaction, &clock)).await
    }

    async fn held_expiry(&self) -> Result<Option<ClockJump>, MetadataError> {
        self.readers.point(held)
    }

    async fn confirm_clock(&self) -> Result<Option<ClockJump>, MetadataError> {
        let clock = self.clock.clone();
        self.writer
            .write(move |transaction| {
                let held = held(transaction)?;
                transaction.execute("DELETE FROM clock_moments", [])?;
                let uptime = clock.uptime();
                let now = Moment { wall_ms: clock.now_ms(), uptime_ms: uptime.since_boot_ms };
                record(transaction, uptime.boot_id, now)?;
                installation::remove(transaction, HELD)?;
                Ok(held)
            })
            .await
    }
}

impl SqliteStore {
    /// Runs a write that ends or removes what has expired. Returns the default without running it while the clock is
    /// not trusted.
    pub(super) async fn expire<T: Default + Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let clock = self.clock.clone();
        self.writer
            .write(move |transaction| {
                let may_expire = may_expire(transaction, &clock)?;
                if may_expire { write(transaction) } else { Ok(T::default()) }
            })
            .await
    }
}

/// Records the clock. Returns whether it is trusted to end what has expired: not from a jump on until the clock is back
/// or an operator has [confirmed](ClockStore::confirm_clock) it.
fn may_expire(transaction: &Transaction<'_>, clock: &Clock) -> Result<bool> {
    let uptime = clock.uptime();
    let moment = |row: &Row<'_>| Ok(Moment { wall_ms: row.get(0)?, uptime_ms: row.get(1)? });
    let own = "SELECT wall_ms, uptime_ms FROM clock_moments WHERE boot_id = ?1";
    let facts = ClockFacts {
        now: Moment { wall_ms: clock.now_ms(), uptime_ms: uptime.since_boot_ms },
        own: transaction.row(own, [uptime.boot_id], moment)?,
        newest_ms: transaction.value("SELECT max(wall_ms) FROM clock_moments", [])?,
        witness_ms: None,
    };
    match step(&facts, held(transaction)?) {
        ClockStep::Held => return Ok(false),
        ClockStep::Hold(jump) => {
            installation::set(transaction, HELD, jump)?;
            tracing::error!(expected_ms = jump.expected_ms, found_ms = jump.found_ms, "clock jumped, expiry held");
            return Ok(false);
        }
        ClockStep::Resume => {
            installation::remove(transaction, HELD)?;
            tracing::warn!("clock recovered, expiry resumed");
        }
        ClockStep::GoOn => {}
    }
    if facts.is_worth_noting() {
        record(transaction, uptime.boot_id, facts.now)?;
    }
    Ok(true)
}

/// Returns the jump for which expiry is held.
fn held(connection: &Connection) -> Result<Option<ClockJump>> {
    installation::find(connection, HELD)
}

fn record(transaction: &Transaction<'_>, boot_id: &str, now: Moment) -> Result<()> {
    let sql = "INSERT INTO clock_moments (boot_id, wall_ms, uptime_ms) VALUES (?1, ?2, ?3)
               ON CONFLICT (boot_id) DO UPDATE SET wall_ms = excluded.wall_ms, uptime_ms = excluded.uptime_ms";
    transaction.change(sql, params![boot_id, now.wall_ms, now.uptime_ms])?;
    let sql = "DELETE FROM clock_moments WHERE wall_ms < ?1";
    transaction.change(sql, [now.wall_ms.saturating_sub(FORGET_BOOT_MS)]).map(drop)
}
