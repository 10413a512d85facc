//! The progress of the scrub.

use super::queries::Queries;
use super::rows::optional;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::scrub::ScrubStore;
use crate::model::ids::ProcessId;
use crate::model::scrub::ScrubProgress;
use async_trait::async_trait;
use rusqlite::params;

#[async_trait]
impl ScrubStore for SqliteStore {
    /// One server at a time has the database open.
    async fn claim_scrub(&self, _process: ProcessId) -> Result<bool, MetadataError> {
        Ok(true)
    }

    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError> {
        self.readers.point(|connection| {
            let sql = "SELECT begun_at, ended_at, after, blobs, bytes, damaged FROM scrub";
            connection.row(sql, [], |row| {
                Ok(ScrubProgress {
                    begun_at: row.get(0)?,
                    ended_at: row.get(1)?,
                    after: optional(row, 2)?,
                    blobs: row.get(3)?,
                    bytes: row.get(4)?,
                    damaged: row.get(5)?,
                })
            })
        })
    }

    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "INSERT INTO scrub (only, begun_at, ended_at, after, blobs, bytes, damaged)
                           VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
                           ON CONFLICT (only) DO UPDATE SET begun_at = excluded.begun_at, ended_at = excluded.ended_at,
                           after = excluded.after, blobs = excluded.blobs, bytes = excluded.bytes,
                           damaged = excluded.damaged";
                let ScrubProgress { begun_at, ended_at, after, blobs, bytes, damaged } = progress;
                let values = params![begun_at, ended_at, after, blobs, bytes, damaged];
                transaction.change(sql, values).map(drop)
            })
            .await
    }
}
