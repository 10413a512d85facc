//! Reads of all rows of a database in one snapshot, table by table, for the move to another store.

use super::schema;
use crate::metadata::error::MetadataError;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// A snapshot of a database of which all rows are read.
#[derive(Debug)]
pub struct Dump(Connection);

impl Dump {
    /// Opens a database of this program's schema. No process writes to it.
    pub fn open(path: &Path) -> Result<Self, MetadataError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.execute_batch("BEGIN")?;
        Ok(Self(connection))
    }

    /// Returns the quoted names of a table's columns, in their order.
    pub fn columns(&self, table: &str) -> Result<Vec<String>, MetadataError> {
        Ok(schema::columns(&self.0, table)?)
    }

    /// Calls `visit` with these columns of every row, in the order of insertion, until it returns false.
    pub fn read(
        &self,
        table: &str,
        columns: &[String],
        mut visit: impl FnMut(Vec<Value>) -> bool,
    ) -> Result<(), MetadataError> {
        let order = if has_numbers(columns) { "ORDER BY seq" } else { "" };
        let mut select = self.0.prepare(&format!("SELECT {} FROM {table} {order}", columns.join(", ")))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns.len()).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
            if !visit(values) {
                break;
            }
        }
        Ok(())
    }
}

/// Tells whether a table has the column `seq`, the order of insertion.
pub fn has_numbers(columns: &[String]) -> bool {
    columns.iter().any(|column| column == "\"seq\"")
}
