//! The stamp that pairs a metadata store with its blob store.

use super::installation;
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::stamps::StampStore;
use crate::model::stamp::Stamp;
use async_trait::async_trait;
use rusqlite::{Connection, Result};

const STAMP: &str = "stamp";

#[async_trait]
impl StampStore for SqliteStore {
    async fn stamp(&self) -> Result<Option<Stamp>, MetadataError> {
        self.health.refuse_when_damaged()?;
        self.readers.point(find)
    }

    async fn set_stamp(&self, stamp: Stamp) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| match find(transaction)? {
                Some(known) if !stamp.follows(known) => Ok(()),
                _ => installation::set(transaction, STAMP, stamp),
            })
            .await
    }
}

pub(super) fn find(connection: &Connection) -> Result<Option<Stamp>> {
    installation::find(connection, STAMP)
}
