//! The columns of the schema, for copies of whole tables.

use rusqlite::{Connection, Result};

/// Returns the quoted names of a table's columns, in their order.
pub(super) fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut select =
        connection.prepare_cached("SELECT '\"' || name || '\"' FROM pragma_table_info(?1) ORDER BY cid")?;
    select.query_map([table], |row| row.get(0))?.collect()
}
