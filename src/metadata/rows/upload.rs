//! Uploads and their parts.

use super::file::{chosen_name, mime_type};
use super::{FromRow, Row, RowReader, columns};
use crate::metadata::rules::uploads::{PartRow, UploadRow};
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::ids::UploadId;
use crate::model::purpose::Purpose;
use crate::model::upload::{Upload, UploadStatus};

/// Columns of an Upload, behind its id.
pub const UPLOAD: &str = "size_bytes, filename, mime_type, purpose, lives_seconds, expires_at, status, completion, parts_bytes, \
     part_count, grows_to_bytes, chosen_name";
/// The number of columns of an Upload.
pub const UPLOAD_COLUMNS: usize = columns::count(UPLOAD);
/// Columns of a part.
pub const PART: &str = "id, sha256, blob_id, size_bytes";

/// Reads the columns of an Upload, with the status that is stored and without its File.
pub fn upload_row<R: Row>(row: &mut RowReader<'_, R>, id: UploadId) -> Result<UploadRow, R::Error> {
    let (size_bytes, filename) = (row.number()?, Filename::stored(row.text()?.to_owned()));
    let mime_type = mime_type(row, &filename)?;
    let (purpose, expires_after) = (row.named(Purpose::named)?, row.optional_number()?.map(ExpiresAfter::stored));
    let (expires_at, status) = (row.number()?, row.named(UploadStatus::named)?);
    let (completion, parts_bytes, part_count) = (row.optional_digest()?, row.number()?, row.short_number()?);
    let (grows_to_bytes, chosen_name) = (row.optional_number()?, chosen_name(row)?);
    let upload = Upload {
        id,
        size_bytes,
        grows_to_bytes,
        filename,
        purpose,
        expires_at,
        status,
        file: None,
        parts_bytes,
        part_count,
    };
    Ok(UploadRow { upload, mime_type, expires_after, completion, chosen_name })
}

impl FromRow for PartRow {
    fn read<R: Row>(row: &mut RowReader<'_, R>) -> Result<Self, R::Error> {
        Ok(Self { id: row.parsed()?, sha256: row.digest()?, blob: row.parsed()?, size_bytes: row.number()? })
    }
}
