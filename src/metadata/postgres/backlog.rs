//! Counts of the rows that wait for the tasks of the server.

use super::rows::{number, stored};
use super::store::{PostgresStore, read};
use super::usage::rolled_seq;
use crate::metadata::backlog::{Backlog, BacklogStore, DELETING};
use crate::metadata::error::MetadataError;
use async_trait::async_trait;

/// Counts rows of the ledger behind `$1` and rows without a number, up to `$2` of each.
const LEDGER: &str =
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2) numbered)
    + (SELECT count(*) FROM (SELECT 1 FROM ledger WHERE seq IS NULL ORDER BY arrival LIMIT $2) unnumbered)";

#[async_trait]
impl BacklogStore for PostgresStore {
    async fn backlog(&self, max_rows: u32) -> Result<Backlog, MetadataError> {
        read!(self, |session| {
            let (max_rows, rolled) = (i64::from(max_rows), stored(rolled_seq(session).await?));
            let mut backlog = Backlog::default();
            if let Some(row) = session.row(DELETING, &[&max_rows]).await? {
                let since: Option<i64> = row.try_get(1)?;
                backlog.deleting_blobs = number(&row, 0)?;
                backlog.deleting_since = since.and_then(|since| u64::try_from(since).ok());
            }
            if let Some(row) = session.row(LEDGER, &[&rolled, &max_rows]).await? {
                backlog.ledger_rows = number(&row, 0)?;
            }
            Ok(backlog)
        })
    }
}
