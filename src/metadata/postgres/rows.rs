//! Rows and values of PostgreSQL.

use super::failure::Failure;
use crate::metadata::rows::{FromRow, Malformed, Row as StoredRow, RowReader, Value};
use bytes::BytesMut;
use std::error::Error;
use std::str::FromStr;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Unreadable(malformed.to_string())
    }
}

impl StoredRow for Row {
    type Error = Failure;

    fn text(&self, column: usize) -> Result<Option<&str>, Failure> {
        Ok(self.try_get(column)?)
    }

    fn number(&self, column: usize) -> Result<Option<i64>, Failure> {
        Ok(self.try_get(column)?)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Failure> {
        Ok(self.try_get(column)?)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql_checked(kind, out),
            Self::Text(text) => text.to_sql_checked(kind, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        <i64 as ToSql>::accepts(kind) || <&str as ToSql>::accepts(kind) || <&[u8] as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}

/// Begins to read the columns of a row.
pub(super) const fn reader(row: &Row) -> RowReader<'_, Row> {
    RowReader::new(row)
}

/// Reads the value whose columns a row begins with.
pub(super) fn read<T: FromRow>(row: &Row) -> Result<T, Failure> {
    reader(row).value()
}

/// Reads the value of each row.
pub(super) fn read_all<T: FromRow>(rows: &[Row]) -> Result<Vec<T>, Failure> {
    rows.iter().map(read).collect()
}

/// Returns a number of rows.
pub(super) fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// Returns a number as the database stores it, or the largest that it can store.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a whole number that is not negative.
pub(super) fn number(row: &Row, column: usize) -> Result<u64, Failure> {
    RowReader::from_column(row, column).number()
}

/// Reads a whole number that is not negative and may be null.
pub(super) fn optional_number(row: &Row, column: usize) -> Result<Option<u64>, Failure> {
    RowReader::from_column(row, column).optional_number()
}

/// Reads a text and parses it.
pub(super) fn parsed<T: FromStr>(row: &Row, column: usize) -> Result<T, Failure> {
    RowReader::from_column(row, column).parsed()
}

/// Reads a text that may be null and parses it.
pub(super) fn optional<T: FromStr>(row: &Row, column: usize) -> Result<Option<T>, Failure> {
    RowReader::from_column(row, column).optional_parsed()
}

/// Reads one of a set of names.
pub(super) fn named<T>(row: &Row, column: usize, named: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    RowReader::from_column(row, column).named(named)
}
