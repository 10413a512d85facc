//! Deletion of Files on request. Deletes of one workspace share transactions.

use super::audit;
use super::connections::{Values, in_order};
use super::failure::Failure;
use super::files::{ALIVE, removal};
use super::group_commit::{GroupOutcome, Shared};
use super::pending::PendingDelete;
use super::rows::parsed;
use super::writer::Transaction;
use crate::metadata::rules;
use crate::model::ids::{FileId, WorkspaceId};
use futures_util::try_join;
use std::collections::HashSet;

impl Shared for PendingDelete {
    /// False when the workspace does not have the File.
    type Outcome = bool;
    const MAX_PER_COMMIT: usize = 256;

    fn workspace(&self) -> WorkspaceId {
        self.caller.workspace
    }

    fn inline_bytes(&self) -> usize {
        0
    }

    fn name(&self) -> Option<String> {
        Some(self.file.to_string())
    }

    fn make<'a>(
        tx: Transaction<'a>,
        workspace: WorkspaceId,
        all: &'a [&'a Self],
    ) -> impl Future<Output = Result<Vec<GroupOutcome<bool>>, Failure>> + Send + 'a {
        delete(tx, workspace, all)
    }
}

/// Deletes Files in two round trips: a read of those that exist, then their removal with entries in the audit log.
/// Locks their rows in the order of their ids, then the row of the workspace, as every removal of Files does.
async fn delete(
    tx: Transaction<'_>,
    workspace: WorkspaceId,
    all: &[&PendingDelete],
) -> Result<Vec<GroupOutcome<bool>>, Failure> {
    let take = format!(
        "SELECT f.id FROM files f WHERE f.workspace_id = $1 AND {ALIVE} AND f.id = ANY($2) ORDER BY f.id FOR UPDATE"
    );
    let take = tx.prepare(&take).await?;
    let which = "DELETE FROM files f WHERE f.workspace_id = $1 AND f.id = ANY($2)";
    // The requests that share the statement may be of several dialects.
    let dialect = "($3::text[])[array_position($2::text[], f.id)]";
    let remove = tx.prepare(&removal("", which, dialect)).await?;
    let (newest, insert) = (tx.prepare(audit::NEWEST).await?, tx.prepare(audit::INSERT).await?);
    let workspace_id = workspace.to_string();
    let asked: Vec<String> = all.iter().map(|one| one.file.to_string()).collect();
    let values: Values<'_> = &[&workspace_id, &asked];
    let (found, mut newest) = tx.begin(&[], async { try_join!(take.rows(values), audit::newest(&newest)) }).await?;
    let found = found.iter().map(|row| parsed(row, 0)).collect::<Result<HashSet<FileId>, _>>()?;
    let outcomes = all.iter().map(|one| GroupOutcome::Known(found.contains(&one.file))).collect();
    let going: Vec<&PendingDelete> = all.iter().filter(|one| found.contains(&one.file)).copied().collect();
    if going.is_empty() {
        return tx.rollback_with(outcomes).await;
    }
    let ids: Vec<String> = going.iter().map(|one| one.file.to_string()).collect();
    let dialects: Vec<&str> = going.iter().map(|one| one.caller.dialect.name()).collect();
    let entries = going.iter().map(|one| {
        let entry_id = audit::fresh_id(&tx, newest);
        newest = entry_id.parse().ok();
        audit::insert(&insert, entry_id, one.caller.into(), rules::audit::file_deleted(workspace, one.file))
    });
    let entries: Vec<_> = entries.collect();
    let removed: Values<'_> = &[&workspace_id, &ids, &dialects];
    let writes = async { try_join!(remove.execute(removed), in_order(entries)).map(drop) };
    tx.commit(writes).await?;
    Ok(outcomes)
}
