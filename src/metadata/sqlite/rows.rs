//! Rows and values of SQLite.

use crate::metadata::rows::{FromRow, Malformed, Row as StoredRow, RowReader, Value};
use crate::model::ids::{
    AuditId, BlobId, FileId, HoldId, KeyId, LinkId, PartId, PersonId, ProcessId, RequestId, SessionId, UploadId,
    WorkspaceId,
};
use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Error, Result, Row, ToSql};
use std::str::FromStr;

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::FromSqlConversionFailure(malformed.column, Type::Text, Box::new(malformed))
    }
}

impl StoredRow for Row<'_> {
    type Error = Error;

    fn text(&self, column: usize) -> Result<Option<&str>> {
        Ok(self.get_ref(column)?.as_str_or_null()?)
    }

    fn number(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.get_ref(column)?.as_i64_or_null()?)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>> {
        Ok(self.get_ref(column)?.as_blob_or_null()?)
    }
}

/// Binds ids as the texts that are stored.
macro_rules! bind_ids {
    ($($id:ty: $text:expr),* $(,)?) => {
        $(impl ToSql for $id {
            fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from($text(self)))
            }
        })*
    };
}

bind_ids! {
    FileId: FileId::as_str,
    WorkspaceId: WorkspaceId::as_str,
    KeyId: KeyId::as_str,
    LinkId: LinkId::as_str,
    AuditId: AuditId::as_str,
    SessionId: SessionId::as_str,
    PersonId: PersonId::as_str,
    UploadId: UploadId::to_string,
    PartId: PartId::to_string,
    BlobId: BlobId::to_string,
    RequestId: RequestId::to_string,
    HoldId: HoldId::to_string,
    ProcessId: ProcessId::to_string,
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Begins to read the columns of a row.
pub(super) const fn reader<'r, 'stmt>(row: &'r Row<'stmt>) -> RowReader<'r, Row<'stmt>> {
    RowReader::new(row)
}

/// Reads the value whose columns a row begins with.
pub(super) fn read<T: FromRow>(row: &Row<'_>) -> Result<T> {
    reader(row).value()
}

/// Reads a text and parses it.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T> {
    RowReader::from_column(row, column).parsed()
}

/// Reads a text that may be null and parses it.
pub(super) fn optional<T: FromStr>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    RowReader::from_column(row, column).optional_parsed()
}

/// Reads one of a set of names.
pub(super) fn named<T>(row: &Row<'_>, column: usize, named: impl Fn(&str) -> Option<T>) -> Result<T> {
    RowReader::from_column(row, column).named(named)
}
