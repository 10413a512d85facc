//! The stamp that pairs a metadata store with its blob store.

use super::rows::parsed;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::stamps::StampStore;
use crate::model::stamp::Stamp;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, params};

const STAMP: &str = "stamp";

#[async_trait]
impl StampStore for SqliteStore {
    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError> {
        self.health.refuse_when_damaged()?;
        self.readers.point(stamp)
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError> {
        self.writer.write(move |change| set_stamp(change.connection, stamp)).await
    }
}

pub(super) fn stamp(connection: &Connection) -> Result<Option<Stamp>> {
    let mut select = connection.prepare_cached("SELECT value FROM installation WHERE name = ?1")?;
    select.query_row([STAMP], |row| parsed(row, 0)).optional()
}

fn set_stamp(connection: &Connection, new: Stamp) -> Result<()> {
    if stamp(connection)?.is_some_and(|known| !new.follows(known)) {
        return Ok(());
    }
    let sql = "INSERT INTO installation (name, value) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(params![STAMP, new.to_string()]).map(drop)
}
