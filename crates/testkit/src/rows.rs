//! SQL on the database of an installation, beside its server.

use crate::postgres::{Database, run};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::path::Path;

/// The database of an installation. Statements must be valid for both drivers.
pub enum Rows {
    /// A SQLite database.
    Sqlite(Connection),
    /// The URL of a PostgreSQL database.
    Postgres(String),
}

impl Rows {
    /// Opens a SQLite database.
    pub fn in_file(path: &Path) -> Self {
        Self::Sqlite(Connection::open(path).unwrap())
    }

    /// Uses a PostgreSQL database.
    pub fn of(database: &Database) -> Self {
        Self::Postgres(database.url.clone())
    }

    /// Returns the statement of the driver.
    pub fn choose<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Runs statements.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql).map_err(|error| error.to_string()),
            Self::Postgres(url) => run(url, sql).map(drop),
        }
    }

    /// Returns the first column of all rows, as text.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                let text = |row: &rusqlite::Row<'_>| {
                    Ok(match row.get_ref(0)? {
                        ValueRef::Integer(number) => number.to_string(),
                        other => other.as_str()?.to_owned(),
                    })
                };
                let mut select = connection.prepare(sql).unwrap();
                select.query_map([], text).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(url) => {
                run(url, sql).unwrap().into_iter().map(|row| row.into_iter().next().unwrap().unwrap()).collect()
            }
        }
    }

    /// Returns the number in the only row.
    pub fn number(&self, sql: &str) -> i64 {
        self.texts(sql).first().unwrap().parse().unwrap()
    }
}
