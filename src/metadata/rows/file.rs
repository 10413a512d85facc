//! Files, and the blobs that hold their bytes.

use super::columns;
use super::{FromRow, Row, RowReader, Value};
use crate::model::blob::StoredBlob;
use crate::model::chosen_name::ChosenName;
use crate::model::digest::BlockChecksums;
use crate::model::file::{File, FileDigest};
use crate::model::filename::Filename;
use crate::model::ids::{BlobId, WorkspaceId};
use crate::model::mime_type::MimeType;
use crate::model::purpose::Purpose;
use bytes::Bytes;

/// Columns of a File.
pub const FILE: &str = "id, purpose, filename, size_bytes, sha256, parts_sha256, part_count, expires_at, status_details, \
     mime_type, chosen_name";

/// The number of columns of a File.
pub const FILE_COLUMNS: usize = columns::count(FILE);
/// The number of columns of a row of `files`.
const ROW_COLUMNS: usize = 2 + FILE_COLUMNS;

impl FromRow for File {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (id, purpose) = (row.parsed()?, row.named(Purpose::named)?);
        let filename = Filename::stored(row.text()?.to_owned());
        let (size_bytes, digest, expires_at) = (row.number()?, digest(row)?, row.optional_number()?);
        let status_details = row.optional_text()?.map(str::to_owned);
        let mime_type = mime_type(row, &filename)?;
        let chosen_name = chosen_name(row)?;
        Ok(Self { id, purpose, filename, size_bytes, digest, expires_at, status_details, mime_type, chosen_name })
    }
}

/// Reads `mime_type`, which rows of earlier schemas do not have.
pub(super) fn mime_type<R: Row>(row: &mut RowReader<'_, R>, filename: &Filename) -> Result<MimeType, R::Error> {
    Ok(row.optional_text()?.map_or_else(|| MimeType::of_name(filename), MimeType::stored))
}

/// Reads `chosen_name`.
pub(super) fn chosen_name<R: Row>(row: &mut RowReader<'_, R>) -> Result<Option<ChosenName>, R::Error> {
    Ok(row.optional_text()?.map(|name| ChosenName::stored(name.to_owned())))
}

/// Reads `sha256, parts_sha256, part_count`.
fn digest<R: Row>(row: &mut RowReader<'_, R>) -> Result<FileDigest, R::Error> {
    let (whole, of_parts, count) = (row.optional_digest()?, row.optional_digest()?, row.optional_number()?);
    match (whole, of_parts, count.map(u32::try_from)) {
        (whole, Some(of_parts), Some(Ok(count))) => Ok(FileDigest::Parts { of_parts, count, whole }),
        (Some(whole), None, _) => Ok(FileDigest::Whole(whole)),
        _ => Err(row.malformed("digest, or count of its parts")),
    }
}

/// Returns the statement that writes a row of `files`, whose values [`file_values`] gives; `mark` begins a parameter.
pub fn insert_file(mark: char) -> String {
    let parameters = columns::parameters(mark, ROW_COLUMNS);
    format!("INSERT INTO files (workspace_id, blob_id, {FILE}) VALUES ({parameters})")
}

/// Returns the values of a File with its blob, or of one whose blobs stand in `file_parts`.
pub fn file_values(workspace: WorkspaceId, blob: Option<BlobId>, file: &File) -> [Value<'_>; ROW_COLUMNS] {
    let (whole, of_parts, count) = match &file.digest {
        FileDigest::Whole(whole) => (Some(whole), None, None),
        FileDigest::Parts { of_parts, count, whole } => (whole.as_ref(), Some(of_parts), Some(u64::from(*count))),
    };
    [
        Value::id(&workspace),
        Value::optional(blob.as_ref(), Value::id),
        Value::id(&file.id),
        Value::text(file.purpose.name()),
        Value::text(file.filename.as_str()),
        Value::number(file.size_bytes),
        Value::optional(whole, |digest| Value::Bytes(&digest.0)),
        Value::optional(of_parts, |digest| Value::Bytes(&digest.0)),
        Value::optional(count, Value::number),
        Value::optional(file.expires_at, Value::number),
        Value::optional(file.status_details.as_deref(), Value::text),
        Value::text(file.mime_type.as_str()),
        Value::optional(file.chosen_name.as_ref(), |name| Value::text(name.as_str())),
    ]
}

/// Reads `id, size_bytes, checksums, content`.
impl FromRow for StoredBlob {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        let (blob, size_bytes) = (row.parsed()?, row.number()?);
        let checksums = BlockChecksums::from_bytes(row.bytes()?).ok_or_else(|| row.malformed("checksums"))?;
        let inline = row.optional_bytes()?.map(Bytes::copy_from_slice);
        Ok(Self { blob, size_bytes, checksums, inline })
    }
}
