//! Conversions between SQL values and types of the model.

use super::failure::Failure;
use crate::model::blob::StoredBlob;
use crate::model::digest::{BlockChecksums, Sha256Digest};
use crate::model::file::{File, FileDigest};
use crate::model::filename::Filename;
use crate::model::purpose::Purpose;
use bytes::Bytes;
use std::str::FromStr;
use tokio_postgres::Row;

fn bad(column: usize, what: &str) -> Failure {
    Failure::Unreadable(format!("column {column} holds no {what}"))
}

/// Converts a number of rows.
pub(super) fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// Reads a non-negative integer.
pub(super) fn number(row: &Row, column: usize) -> Result<u64, Failure> {
    u64::try_from(row.try_get::<_, i64>(column)?).map_err(|_| bad(column, "count"))
}

/// Reads a non-negative integer that may be null.
pub(super) fn optional_number(row: &Row, column: usize) -> Result<Option<u64>, Failure> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| u64::try_from(value).map_err(|_| bad(column, "count"))).transpose()
}

/// Converts a number for the database. Saturates at `i64::MAX`.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Parses a text column that this server wrote.
pub(super) fn parsed<T: FromStr>(row: &Row, column: usize) -> Result<T, Failure> {
    row.try_get::<_, &str>(column)?.parse().map_err(|_| bad(column, "id"))
}

/// Parses a text column that may be null.
pub(super) fn optional<T: FromStr>(row: &Row, column: usize) -> Result<Option<T>, Failure> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| bad(column, "id"))).transpose()
}

/// Reads a column that holds one of a set of names.
pub(super) fn named<T>(row: &Row, column: usize, named: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    named(row.try_get(column)?).ok_or_else(|| bad(column, "name"))
}

/// Reads a SHA-256.
pub(super) fn digest(row: &Row, column: usize) -> Result<Sha256Digest, Failure> {
    optional_digest(row, column)?.ok_or_else(|| bad(column, "digest"))
}

/// Reads a SHA-256 that may be null.
pub(super) fn optional_digest(row: &Row, column: usize) -> Result<Option<Sha256Digest>, Failure> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(|bytes| bytes.try_into().map(Sha256Digest).map_err(|_| bad(column, "digest"))).transpose()
}

/// Reads a File from `SELECT id, purpose, filename, size_bytes, sha256, parts_sha256, part_count, expires_at,
/// status_details`, from the column `first` on.
pub(super) fn file(row: &Row, first: usize) -> Result<File, Failure> {
    let digest = match optional_digest(row, first + 5)? {
        None => FileDigest::Whole(digest(row, first + 4)?),
        Some(of_parts) => FileDigest::Parts {
            of_parts,
            count: u32::try_from(number(row, first + 6)?).map_err(|_| bad(first + 6, "count"))?,
            whole: optional_digest(row, first + 4)?,
        },
    };
    Ok(File {
        id: parsed(row, first)?,
        purpose: named(row, first + 1, Purpose::named)?,
        filename: Filename::stored(row.try_get(first + 2)?),
        size_bytes: number(row, first + 3)?,
        digest,
        expires_at: optional_number(row, first + 7)?,
        status_details: row.try_get(first + 8)?,
    })
}

/// Reads a blob from `SELECT id, size_bytes, checksums, content`, from the column `first` on.
pub(super) fn blob(row: &Row, first: usize) -> Result<StoredBlob, Failure> {
    let checksums = BlockChecksums::from_bytes(row.try_get(first + 2)?);
    let inline: Option<&[u8]> = row.try_get(first + 3)?;
    Ok(StoredBlob {
        blob: parsed(row, first)?,
        size_bytes: number(row, first + 1)?,
        checksums: checksums.ok_or_else(|| bad(first + 2, "checksums"))?,
        inline: inline.map(Bytes::copy_from_slice),
    })
}
