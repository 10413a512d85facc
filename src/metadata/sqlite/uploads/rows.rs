//! Reads of the rows of Uploads and parts.

use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{PartRow, UploadRow};
use crate::metadata::sqlite::files;
use crate::metadata::sqlite::queries::Queries;
use crate::metadata::sqlite::rows::{named, optional, parsed};
use crate::model::digest::Sha256Digest;
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use crate::model::purpose::Purpose;
use crate::model::upload::{Upload, UploadStatus};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashMap;

/// Returns the row of an Upload with its status at this second.
pub(super) fn find_row(
    connection: &Connection,
    workspace: WorkspaceId,
    id: UploadId,
    now_seconds: u64,
) -> Result<Option<UploadRow>> {
    let sql = "SELECT size_bytes, filename, purpose, lives_seconds, expires_at, status, file_id, completion,
                      parts_bytes, part_count
               FROM uploads WHERE workspace_id = ?1 AND id = ?2";
    let upload = |row: &Row<'_>| {
        let (expires_at, status) = (row.get(4)?, named(row, 5, UploadStatus::named)?);
        let upload = Upload {
            id,
            size_bytes: row.get(0)?,
            filename: Filename::stored(row.get(1)?),
            purpose: named(row, 2, Purpose::named)?,
            expires_at,
            status: rules::status(status, expires_at <= now_seconds),
            file: None,
            parts_bytes: row.get(8)?,
            part_count: row.get(9)?,
        };
        let expires_after = row.get::<_, Option<u64>>(3)?.map(ExpiresAfter::stored);
        let completion = row.get::<_, Option<[u8; 32]>>(7)?.map(Sha256Digest);
        Ok((UploadRow { upload, expires_after, completion }, optional(row, 6)?))
    };
    let found: Option<(UploadRow, Option<FileId>)> =
        connection.row(sql, [workspace.to_string(), id.to_string()], upload)?;
    let Some((mut row, file)) = found else { return Ok(None) };
    if let Some(file) = file {
        row.upload.file = files::find(connection, workspace, file, now_seconds)?;
    }
    Ok(Some(row))
}

/// Returns those of these parts that the Upload has.
pub(super) fn find_parts(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
) -> Result<HashMap<PartId, PartRow>> {
    let sql = "SELECT sha256, blob_id, size_bytes FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3";
    let mut select = connection.prepare_cached(sql)?;
    let (workspace, upload) = (workspace.to_string(), upload.to_string());
    let mut found = HashMap::with_capacity(parts.len());
    for id in parts {
        let part = |row: &Row<'_>| {
            let (sha256, blob) = (Sha256Digest(row.get(0)?), parsed(row, 1)?);
            Ok((*id, PartRow { id: *id, sha256, blob, size_bytes: row.get(2)? }))
        };
        found.extend(select.query_row(params![workspace, upload, id.to_string()], part).optional()?);
    }
    Ok(found)
}
