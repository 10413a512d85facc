//! The use of signed links, in the transaction of what uses them.

use super::audit;
use super::queries::Queries;
use super::transaction::Transaction;
use crate::metadata::rules::links as rules;
use crate::model::audit::Origin;
use crate::model::ids::{FileId, KeyId, LinkId, WorkspaceId};
use rusqlite::{Connection, Result, params};

/// Returns whether a link may still make a File.
pub(super) fn is_unused(connection: &Connection, workspace: WorkspaceId, id: LinkId) -> Result<bool> {
    let sql = "SELECT 1 FROM links
               WHERE id = ?1 AND workspace_id = ?2 AND first_used_at IS NULL AND revoked_at IS NULL";
    Ok(connection.row(sql, params![id, workspace], |_| Ok(()))?.is_some())
}

/// Records the first use of a link of a key with its File. Returns false if it was used or revoked before.
pub(super) fn use_up(
    transaction: &Transaction<'_>,
    (workspace, id, key): (WorkspaceId, LinkId, KeyId),
    file: FileId,
    origin: Origin,
) -> Result<bool> {
    let sql = "UPDATE links SET first_used_at = ?2, file_id = ?3
               WHERE id = ?1 AND workspace_id = ?4 AND first_used_at IS NULL AND revoked_at IS NULL";
    let is_first = transaction.change(sql, params![id, transaction.now_seconds(), file, workspace])? > 0;
    audit::add(transaction, origin, is_first.then(|| rules::used(workspace, id, key, file)))?;
    Ok(is_first)
}
