//! Counts of the rows that wait for the tasks of the server.

use super::queries::Queries;
use super::store::SqliteStore;
use super::usage::rolled_seq;
use crate::metadata::backlog::{Backlog, BacklogStore, DELETING};
use crate::metadata::error::MetadataError;
use async_trait::async_trait;
use rusqlite::params;

#[async_trait]
impl BacklogStore for SqliteStore {
    async fn backlog(&self, max_rows: u32) -> Result<Backlog, MetadataError> {
        self.readers
            .long(move |connection| {
                let deleting = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
                let deleting = connection.row(DELETING, [max_rows], deleting)?;
                let (deleting_blobs, deleting_since) = deleting.unwrap_or_default();
                let ledger = "SELECT count(*) FROM (SELECT seq FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
                let ledger_rows = connection.value(ledger, params![rolled_seq(connection)?, max_rows])?;
                Ok(Backlog { deleting_blobs, deleting_since, ledger_rows })
            })
            .await
    }
}
