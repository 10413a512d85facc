//! The progress of the scrub.

use super::connections::Values;
use super::rows::{self, number, optional_number, stored};
use super::store::{PostgresStore, read, write};
use crate::metadata::error::MetadataError;
use crate::metadata::scrub::ScrubStore;
use crate::model::ids::ProcessId;
use crate::model::scrub::ScrubProgress;
use async_trait::async_trait;
use tokio_postgres::Row;

#[async_trait]
impl ScrubStore for PostgresStore {
    async fn claim_scrub(&self, process: ProcessId) -> Result<bool, MetadataError> {
        write!(self, |session| {
            let sql = "INSERT INTO scrubber AS s (\"only\", process_id) VALUES (1, $1)
                       ON CONFLICT (\"only\") DO UPDATE SET process_id = excluded.process_id
                       WHERE s.process_id = excluded.process_id OR NOT EXISTS (
                           SELECT 1 FROM processes p WHERE p.id = s.process_id AND p.lease_until_ms > now_ms())";
            Ok(session.execute(sql, &[&process.to_string()]).await? == 1)
        })
    }

    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError> {
        read!(self, |session| {
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
        })
    }

    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError> {
        write!(self, |session| {
            let sql = "INSERT INTO scrub (\"only\", begun_at, ended_at, after, blobs, bytes, damaged)
                 VALUES (1, $1, $2, $3, $4, $5, $6)
                 ON CONFLICT (\"only\") DO UPDATE SET begun_at = excluded.begun_at, ended_at = excluded.ended_at,
                 after = excluded.after, blobs = excluded.blobs, bytes = excluded.bytes, damaged = excluded.damaged";
            let ScrubProgress { begun_at, ended_at, after, blobs, bytes, damaged } = progress;
            let after = after.map(|blob| blob.to_string());
            let [begun_at, blobs, bytes, damaged] = [begun_at, blobs, bytes, damaged].map(stored);
            let values: Values<'_> = &[&begun_at, &ended_at.map(stored), &after, &blobs, &bytes, &damaged];
            session.execute(sql, values).await.map(drop)
        })
    }
}
