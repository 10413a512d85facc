//! Queries of Uploads and their parts.

use super::connections::Prepared;
use super::failure::Failure;
use super::rows::{self, digest, named, number, optional_digest, optional_number, parsed};
use crate::metadata::rules::columns::{self, BEHIND_FILE, FILE};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{PartRow, UploadRow};
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use crate::model::purpose::Purpose;
use crate::model::upload::{Upload, UploadStatus};
use std::collections::HashMap;
use std::sync::LazyLock;
use tokio_postgres::Row;

/// The database decides whether an Upload has expired.
pub(super) static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {file}, u.size_bytes, u.filename, u.purpose, u.lives_seconds, u.expires_at, u.status, u.completion,
                u.expires_at <= now_ms() / 1000, u.parts_bytes, u.part_count
         FROM uploads u LEFT JOIN files f ON f.workspace_id = u.workspace_id AND f.id = u.file_id
             AND (f.expires_at IS NULL OR f.expires_at > now_ms() / 1000)
         WHERE u.workspace_id = $1 AND u.id = $2",
        file = columns::of("f", FILE)
    )
});
pub(super) const FIND_PARTS: &str = "SELECT p.id, p.sha256, p.blob_id, p.size_bytes FROM parts p
    WHERE p.workspace_id = $1 AND p.upload_id = $2 AND p.id = ANY($3)";

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
    found.map(|row| upload_row(&row, id)).transpose()
}

fn upload_row(row: &Row, id: UploadId) -> Result<UploadRow, Failure> {
    let at = |column: usize| BEHIND_FILE + column;
    let status = named(row, at(5), UploadStatus::named)?;
    let over: bool = row.try_get(at(7))?;
    let file: Option<FileId> = rows::optional(row, 0)?;
    let upload = Upload {
        id,
        size_bytes: number(row, at(0))?,
        filename: Filename::stored(row.try_get(at(1))?),
        purpose: named(row, at(2), Purpose::named)?,
        expires_at: number(row, at(4))?,
        status: rules::status(status, over),
        file: file.map(|_| rows::file(row, 0)).transpose()?,
        parts_bytes: number(row, at(8))?,
        part_count: u32::try_from(number(row, at(9))?).unwrap_or(u32::MAX),
    };
    let expires_after = optional_number(row, at(3))?.map(ExpiresAfter::stored);
    Ok(UploadRow { upload, expires_after, completion: optional_digest(row, at(6))? })
}

pub(super) async fn find_parts(
    find: &Prepared<'_>,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
) -> Result<HashMap<PartId, PartRow>, Failure> {
    let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let part = |row: &Row| {
        let id = parsed(row, 0)?;
        Ok((id, PartRow { id, sha256: digest(row, 1)?, blob: parsed(row, 2)?, size_bytes: number(row, 3)? }))
    };
    let found = find.rows(&[&workspace.to_string(), &upload.to_string(), &names]).await?;
    found.iter().map(part).collect()
}
