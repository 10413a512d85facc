//! The progress of the scrub.

use super::rows::parsed;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::scrub::ScrubStore;
use crate::model::ids::ProcessId;
use crate::model::scrub::ScrubProgress;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, params};

#[async_trait]
impl ScrubStore for SqliteStore {
    /// One server at a time has the database.
    async fn claim_scrub(&self, _process: ProcessId) -> Result<bool, MetadataError> {
        Ok(true)
    }

    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError> {
        self.readers.point(scrub_progress)
    }

    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError> {
        self.writer.write(move |change| save_scrub_progress(change.connection, progress)).await
    }
}

fn scrub_progress(connection: &Connection) -> Result<Option<ScrubProgress>> {
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

fn save_scrub_progress(connection: &Connection, progress: ScrubProgress) -> Result<()> {
    let sql =
        "INSERT INTO scrub (only, begun_at, ended_at, after, blobs, bytes, damaged) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (only) DO UPDATE SET begun_at = excluded.begun_at, ended_at = excluded.ended_at,
               after = excluded.after, blobs = excluded.blobs, bytes = excluded.bytes, damaged = excluded.damaged";
    let ScrubProgress { begun_at, ended_at, after, blobs, bytes, damaged } = progress;
    let row = params![begun_at, ended_at, after.map(|blob| blob.to_string()), blobs, bytes, damaged];
    connection.prepare_cached(sql)?.execute(row).map(drop)
}
