//! Statements that a connection keeps prepared.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, Result, Row};

/// Statements of which a connection keeps the prepared form.
pub(super) trait Queries {
    /// Runs a statement. Returns the number of rows that it changed.
    fn change(&self, sql: &str, values: impl Params) -> Result<usize>;

    /// Returns the first row of a query, if there is one.
    fn row<T>(&self, sql: &str, values: impl Params, row: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>>;

    /// Returns all rows of a query.
    fn rows<T>(&self, sql: &str, values: impl Params, row: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>>;

    /// Returns the first column of the only row of a query.
    fn value<T: FromSql>(&self, sql: &str, values: impl Params) -> Result<T>;
}

impl Queries for Connection {
    fn change(&self, sql: &str, values: impl Params) -> Result<usize> {
        self.prepare_cached(sql)?.execute(values)
    }

    fn row<T>(&self, sql: &str, values: impl Params, row: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        self.prepare_cached(sql)?.query_row(values, row).optional()
    }

    fn rows<T>(&self, sql: &str, values: impl Params, row: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        self.prepare_cached(sql)?.query_map(values, row)?.collect()
    }

    fn value<T: FromSql>(&self, sql: &str, values: impl Params) -> Result<T> {
        self.prepare_cached(sql)?.query_row(values, |row| row.get(0))
    }
}
