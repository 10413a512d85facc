//! The rows of a database as of one moment, table by table: what moves to another store.

use crate::metadata::error::MetadataError;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// A database of which everything is read at one moment.
#[derive(Debug)]
pub struct Dump(Connection);

impl Dump {
    /// Opens a database of this program's schema, to which nobody writes.
    pub fn open(path: &Path) -> Result<Self, MetadataError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch("BEGIN")?;
        Ok(Self(connection))
    }

    /// Hands over these columns of every row, in the order in which rows came; until somebody takes no more.
    pub fn read(
        &self,
        table: &str,
        columns: &[&str],
        mut take: impl FnMut(Vec<Value>) -> bool,
    ) -> Result<(), MetadataError> {
        // Tables without row ids have no order of their own, and none is asked of them.
        let order = if columns.contains(&"seq") { "ORDER BY seq" } else { "" };
        let mut select = self.0.prepare(&format!("SELECT {} FROM {table} {order}", columns.join(", ")))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns.len()).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
            if !take(values) {
                break;
            }
        }
        Ok(())
    }
}
