//! Deleting Files on request: those of one workspace share transactions.

use super::audit;
use super::connections::{Values, in_order};
use super::failure::Failure;
use super::files::{ALIVE, removal};
use super::group_commit::{Fate, Shared};
use super::pending::PendingDelete;
use super::rows::{number, parsed};
use super::writer::Change;
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
        change: Change<'a>,
        workspace: WorkspaceId,
        all: &'a [&'a Self],
    ) -> impl Future<Output = Result<Vec<Fate<bool>>, Failure>> + Send + 'a {
        delete(change, workspace, all)
    }
}

/// Deletes Files in two round trips: which are there, then their removal with entries in the audit log. Their rows are locked
/// in the order of their ids, and before that of the workspace, as everybody does who removes Files.
async fn delete(
    change: Change<'_>,
    workspace: WorkspaceId,
    all: &[&PendingDelete],
) -> Result<Vec<Fate<bool>>, Failure> {
    let take = format!(
        "SELECT f.id FROM files f WHERE f.workspace_id = $1 AND {ALIVE} AND f.id = ANY($2) ORDER BY f.id FOR UPDATE"
    );
    let take = change.prepare(&take).await?;
    let which = "DELETE FROM files f WHERE f.workspace_id = $1 AND f.id = ANY($2)";
    let remove = change.prepare(&removal("", which)).await?;
    let (newest, insert) = (change.prepare(audit::NEWEST).await?, change.prepare(audit::INSERT).await?);
    let workspace_id = workspace.to_string();
    let asked: Vec<String> = all.iter().map(|one| one.file.to_string()).collect();
    let values: Values<'_> = &[&workspace_id, &asked];
    let (found, mut newest) = change.begin(&[], async { try_join!(take.rows(values), audit::newest(&newest)) }).await?;
    let found = found.iter().map(|row| parsed(row, 0)).collect::<Result<HashSet<FileId>, _>>()?;
    let fates = all.iter().map(|one| Fate::Known(found.contains(&one.file))).collect();
    let going: Vec<&PendingDelete> = all.iter().filter(|one| found.contains(&one.file)).copied().collect();
    if going.is_empty() {
        return change.give_up(fates).await;
    }
    let ids: Vec<String> = going.iter().map(|one| one.file.to_string()).collect();
    let entries = going.iter().map(|one| {
        let entry_id = audit::fresh_id(&change, newest);
        newest = entry_id.parse().ok();
        audit::insert(&insert, entry_id, one.caller.into(), rules::audit::file_deleted(workspace, one.file))
    });
    let entries: Vec<_> = entries.collect();
    let removed: Values<'_> = &[&workspace_id, &ids];
    let expected = ids.len();
    let writes = async {
        let removed = async {
            let row = remove.row(removed).await?;
            let count = row.map(|row| number(&row, 0)).transpose()?.unwrap_or_default();
            let all_gone = usize::try_from(count) == Ok(expected);
            all_gone.then_some(()).ok_or_else(|| Failure::Unreadable("a File that was locked is gone".to_owned()))
        };
        try_join!(removed, in_order(entries)).map(drop)
    };
    change.commit(writes).await?;
    Ok(fates)
}
