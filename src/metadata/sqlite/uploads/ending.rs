//! The end of Uploads without a File.

use crate::metadata::sqlite::queries::Queries;
use crate::metadata::sqlite::rows::parsed;
use crate::metadata::sqlite::transaction::Transaction;
use crate::metadata::sqlite::{blobs, releases};
use crate::model::ids::{UploadId, WorkspaceId};
use crate::model::upload::UploadStatus;
use rusqlite::{Result, params};

/// Expires at most `limit` overdue pending Uploads of a workspace. Returns their number.
pub(in crate::metadata::sqlite) fn expire(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    limit: u32,
) -> Result<usize> {
    end_some(transaction, workspace, transaction.now_seconds(), limit, UploadStatus::Expired)
}

/// Cancels at most `limit` pending Uploads of a workspace. Returns their number.
pub(in crate::metadata::sqlite) fn cancel_some(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    limit: u32,
) -> Result<usize> {
    end_some(transaction, workspace, i64::MAX as u64, limit, UploadStatus::Cancelled)
}

/// Ends at most `limit` pending Uploads of a workspace that expire by a second. Returns their number.
fn end_some(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    expire_by: u64,
    limit: u32,
    status: UploadStatus,
) -> Result<usize> {
    let sql = "SELECT id FROM uploads WHERE workspace_id = ?1 AND status = 'pending' AND expires_at <= ?2
               ORDER BY expires_at LIMIT ?3";
    let values = params![workspace, expire_by, limit];
    let pending: Vec<UploadId> = transaction.rows(sql, values, |row| parsed(row, 0))?;
    pending.iter().try_for_each(|upload| end(transaction, workspace, *upload, status))?;
    Ok(pending.len())
}

/// Ends an Upload and leaves its parts to be released.
pub(super) fn end(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    upload: UploadId,
    status: UploadStatus,
) -> Result<()> {
    let sql = "UPDATE uploads SET status = ?3 WHERE workspace_id = ?1 AND id = ?2";
    transaction.change(sql, (workspace, upload, status.name()))?;
    discard_parts(transaction, workspace, upload)
}

/// Leaves the parts of an ended Upload to be released, if it has any. No download serves their bytes.
pub(super) fn discard_parts(transaction: &Transaction<'_>, workspace: WorkspaceId, upload: UploadId) -> Result<()> {
    let (workspace, upload) = (workspace.to_string(), upload.to_string());
    let sql = "SELECT EXISTS (SELECT 1 FROM parts WHERE workspace_id = ?1 AND upload_id = ?2)";
    if transaction.value(sql, [&workspace, &upload])? {
        releases::add(transaction, &workspace, &upload, blobs::NEVER_SERVED)?;
    }
    Ok(())
}
