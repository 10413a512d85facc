//! The stamp that pairs a metadata store with its blob store.

use super::rows::parsed;
use super::store::{PostgresStore, read, write};
use crate::metadata::error::MetadataError;
use crate::metadata::stamps::StampStore;
use crate::model::stamp::Stamp;
use async_trait::async_trait;

const STAMP: &str = "stamp";

#[async_trait]
impl StampStore for PostgresStore {
    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError> {
        read!(self, |session| {
            let found = session.row("SELECT value FROM installation WHERE name = $1", &[&STAMP]).await?;
            found.map(|row| parsed(&row, 0)).transpose()
        })
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError> {
        write!(self, |session| {
            // The text of a stamp is its installation, a space, and its generation.
            let sql = "INSERT INTO installation AS known (name, value) VALUES ($1, $2)
                       ON CONFLICT (name) DO UPDATE SET value = excluded.value
                       WHERE split_part(known.value, ' ', 1) = split_part(excluded.value, ' ', 1)
                           AND split_part(known.value, ' ', 2)::numeric < split_part(excluded.value, ' ', 2)::numeric";
            session.execute(sql, &[&STAMP, &stamp.to_string()]).await.map(drop)
        })
    }
}
