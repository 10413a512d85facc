//! Between SQL values and the nouns.

use crate::model::digest::Sha256Digest;
use crate::model::file::File;
use crate::model::filename::Filename;
use crate::model::purpose::Purpose;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use std::error::Error as StdError;
use std::str::FromStr;

/// A column of text that this server wrote, parsed.
pub(super) fn parsed<T: FromStr<Err: StdError + Send + Sync + 'static>>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// The columns of `SELECT id, blob_id, purpose, filename, size_bytes, sha256, expires_at`.
pub(super) fn file(row: &Row<'_>) -> Result<File> {
    let purpose = Purpose::named(row.get_ref(2)?.as_str()?);
    Ok(File {
        id: parsed(row, 0)?,
        blob: parsed(row, 1)?,
        purpose: purpose.ok_or_else(|| Error::InvalidColumnType(2, "purpose".into(), Type::Text))?,
        filename: Filename::stored(row.get(3)?),
        size_bytes: row.get(4)?,
        sha256: Sha256Digest(row.get(5)?),
        expires_at: row.get(6)?,
    })
}

/// Turns the error of a query without rows into the default.
pub(super) fn none<T: Default>(error: Error) -> Result<T> {
    if error == Error::QueryReturnedNoRows { Ok(T::default()) } else { Err(error) }
}
