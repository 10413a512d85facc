//! Conversions of SQL values to types of the model.

use crate::model::blob::StoredBlob;
use crate::model::digest::{BlockChecksums, Sha256Digest};
use crate::model::file::{File, FileDigest};
use crate::model::filename::Filename;
use crate::model::purpose::Purpose;
use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use std::error::Error as StdError;
use std::str::FromStr;

/// Parses a column of text.
pub(super) fn parsed<T: FromStr<Err: StdError + Send + Sync + 'static>>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Parses a column of text that may be null.
pub(super) fn optional<T: FromStr<Err: StdError + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>> {
    row.get_ref(column)?.as_str_or_null()?.map(|_| parsed(row, column)).transpose()
}

/// Parses a column that holds one of a set of names.
pub(super) fn named<T>(row: &Row<'_>, column: usize, named: impl Fn(&str) -> Option<T>) -> Result<T> {
    let name = row.get_ref(column)?.as_str()?;
    named(name).ok_or_else(|| Error::InvalidColumnType(column, name.to_owned(), Type::Text))
}

/// Reads the columns `id, purpose, filename, size_bytes, sha256, parts_sha256, part_count, expires_at, status_details`.
pub(super) fn file(row: &Row<'_>) -> Result<File> {
    let of_parts: Option<[u8; 32]> = row.get(5)?;
    let digest = match of_parts {
        None => FileDigest::Whole(Sha256Digest(row.get(4)?)),
        Some(of_parts) => FileDigest::Parts {
            of_parts: Sha256Digest(of_parts),
            count: row.get(6)?,
            whole: row.get::<_, Option<[u8; 32]>>(4)?.map(Sha256Digest),
        },
    };
    Ok(File {
        id: parsed(row, 0)?,
        purpose: named(row, 1, Purpose::named)?,
        filename: Filename::stored(row.get(2)?),
        size_bytes: row.get(3)?,
        digest,
        expires_at: row.get(7)?,
        status_details: row.get(8)?,
    })
}

/// Reads the columns `id, size_bytes, checksums, content` from the column `first` on.
pub(super) fn blob(row: &Row<'_>, first: usize) -> Result<StoredBlob> {
    let checksums = BlockChecksums::from_bytes(row.get_ref(first + 2)?.as_blob()?);
    Ok(StoredBlob {
        blob: parsed(row, first)?,
        size_bytes: row.get(first + 1)?,
        checksums: checksums.ok_or_else(|| Error::InvalidColumnType(first + 2, "checksums".into(), Type::Blob))?,
        inline: row.get_ref(first + 3)?.as_blob_or_null()?.map(Bytes::copy_from_slice),
    })
}
