//! Reads of the rows of Uploads and parts.

use crate::metadata::rows::{PART, UPLOAD, upload_row};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{PartRow, UploadRow};
use crate::metadata::sqlite::files;
use crate::metadata::sqlite::queries::Queries;
use crate::metadata::sqlite::rows;
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use rusqlite::{Connection, OptionalExtension, Result, Row};
use std::collections::HashMap;

/// Returns the row of an Upload with its status at this second.
pub(super) fn find_row(
    connection: &Connection,
    workspace: WorkspaceId,
    id: UploadId,
    now_seconds: u64,
) -> Result<Option<UploadRow>> {
    let sql = format!("SELECT {UPLOAD}, file_id FROM uploads WHERE workspace_id = ?1 AND id = ?2");
    let upload = |row: &Row<'_>| {
        let mut row = rows::reader(row);
        Ok((upload_row(&mut row, id)?, row.optional_parsed::<FileId>()?))
    };
    let found = connection.row(&sql, (workspace, id), upload)?;
    let Some((mut row, file)) = found else { return Ok(None) };
    row.upload.status = rules::status(row.upload.status, row.upload.expires_at <= now_seconds);
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
    let sql = format!("SELECT {PART} FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3");
    let mut select = connection.prepare_cached(&sql)?;
    let (workspace, upload) = (workspace.to_string(), upload.to_string());
    let mut found = HashMap::with_capacity(parts.len());
    for id in parts {
        let part: Option<PartRow> = select.query_row((&workspace, &upload, id), rows::read).optional()?;
        found.extend(part.map(|part| (*id, part)));
    }
    Ok(found)
}
