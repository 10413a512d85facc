//! Leases of processes that share a store.

use super::rows::stored;
use super::store::{PostgresStore, write};
use crate::metadata::error::MetadataError;
use crate::metadata::processes::{LEASE_SECONDS, ProcessStore};
use crate::model::ids::ProcessId;
use async_trait::async_trait;

/// The milliseconds without a renewal by any server after which the database counts as unavailable: three renewals
/// failed.
const UPTIME_GAP_MS: u64 = LEASE_SECONDS * 1000 / 2;

#[async_trait]
impl ProcessStore for PostgresStore {
    async fn renew_process(&self, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, |session| {
            // The renewal also notes that the database answers, and removes rows of servers that ended long ago.
            let sql = format!(
                "WITH seen AS (INSERT INTO database_uptime AS up (\"only\", since_ms, seen_ms)
                               VALUES (1, now_ms(), now_ms())
                               ON CONFLICT (\"only\") DO UPDATE SET seen_ms = greatest(up.seen_ms, excluded.seen_ms),
                               since_ms = CASE WHEN excluded.seen_ms - up.seen_ms > {UPTIME_GAP_MS}
                                          THEN excluded.seen_ms ELSE up.since_ms END),
                      ended AS (DELETE FROM processes WHERE lease_until_ms <= now_ms() - $2 AND id <> $1 AND {told})
                 INSERT INTO processes (id, lease_until_ms) VALUES ($1, now_ms() + $2)
                 ON CONFLICT (id) DO UPDATE SET lease_until_ms = excluded.lease_until_ms",
                told = leases_are_trustworthy()
            );
            session.execute(&sql, &[&process.to_string(), &stored(LEASE_SECONDS * 1000)]).await.map(drop)
        })
    }

    async fn end_process(&self, process: ProcessId) -> Result<(), MetadataError> {
        write!(self, |session| {
            session.execute("DELETE FROM processes WHERE id = $1", &[&process.to_string()]).await.map(drop)
        })
    }
}

/// Returns the condition that every server had the time to renew its lease: the database has been available for the
/// length of a lease.
pub(super) fn leases_are_trustworthy() -> String {
    format!(
        "EXISTS (SELECT 1 FROM database_uptime
                 WHERE seen_ms > now_ms() - {UPTIME_GAP_MS} AND since_ms <= now_ms() - {})",
        LEASE_SECONDS * 1000
    )
}
