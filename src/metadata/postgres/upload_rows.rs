//! Queries of Uploads and their parts.

use super::connections::Prepared;
use super::failure::Failure;
use super::rows;
use crate::metadata::rows::{FILE, PART, RowReader, UPLOAD, UPLOAD_COLUMNS, columns, upload_row};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{PartRow, UploadRow};
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use std::collections::HashMap;
use std::sync::LazyLock;
use tokio_postgres::Row;

/// The database decides whether an Upload has expired.
pub(super) static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {upload}, u.expires_at <= now_ms() / 1000, {file}
         FROM uploads u LEFT JOIN files f ON f.workspace_id = u.workspace_id AND f.id = u.file_id
             AND (f.expires_at IS NULL OR f.expires_at > now_ms() / 1000)
         WHERE u.workspace_id = $1 AND u.id = $2",
        upload = columns::of("u", UPLOAD),
        file = columns::of("f", FILE)
    )
});
pub(super) static FIND_PARTS: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {PART} FROM parts WHERE workspace_id = $1 AND upload_id = $2 AND id = ANY($3)"));

/// Returns the query of an Upload that also locks its row until the end of the transaction.
pub(super) fn find_for_update() -> String {
    format!("{} FOR UPDATE OF u", *FIND)
}

pub(super) async fn find_upload(
    find: &Prepared<'_>,
    workspace: WorkspaceId,
    id: UploadId,
) -> Result<Option<UploadRow>, Failure> {
    let found = find.row(&[&workspace.to_string(), &id.to_string()]).await?;
    found.map(|row| read_upload(&row, id)).transpose()
}

fn read_upload(row: &Row, id: UploadId) -> Result<UploadRow, Failure> {
    let mut found = upload_row(&mut rows::reader(row), id)?;
    found.upload.status = rules::status(found.upload.status, row.try_get(UPLOAD_COLUMNS)?);
    let file: Option<&str> = row.try_get(UPLOAD_COLUMNS + 1)?;
    found.upload.file = file.map(|_| RowReader::from_column(row, UPLOAD_COLUMNS + 1).value()).transpose()?;
    Ok(found)
}

pub(super) async fn find_parts(
    find: &Prepared<'_>,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
) -> Result<HashMap<PartId, PartRow>, Failure> {
    let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let found = find.rows(&[&workspace.to_string(), &upload.to_string(), &names]).await?;
    Ok(rows::read_all::<PartRow>(&found)?.into_iter().map(|part| (part.id, part)).collect())
}
