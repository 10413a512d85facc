//! Ends of pending Uploads: cancelled or expired.

use super::answers::RequestGuard;
use super::blobs::NEVER_READ;
use super::connections::{Session, Values};
use super::failure::Failure;
use super::rows::number;
use super::upload_rows::{find_for_update, find_upload};
use super::writer::{Lock, Transaction};
use crate::metadata::rules::uploads as rules;
use crate::model::caller::Caller;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{UploadId, WorkspaceId};
use crate::model::upload::{Upload, UploadRefusal};
use futures_util::try_join;

pub(super) async fn cancel(
    tx: Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    once: Option<&Idempotency<Upload>>,
) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, Failure> {
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let (take, discard) = (tx.prepare(&find_for_update()).await?, tx.prepare(&discard()).await?);
    let end = "UPDATE uploads SET status = 'cancelled' WHERE workspace_id = $1 AND id = $2 AND status = 'pending'";
    let end = tx.prepare(end).await?;
    let (facts, row) = tx
        .begin(&guard.locks(Some(Lock::Workspace(caller.workspace))), async {
            try_join!(guard.ask(None), find_upload(&take, caller.workspace, upload))
        })
        .await?;
    if let Err(rejection) = facts {
        return tx.rollback_with(rejection.into()).await;
    }
    let cancelled = match rules::cancel(row) {
        Ok((cancelled, _)) => cancelled,
        Err(refusal) => return tx.rollback_with(IdempotentOutcome::Made(Err(refusal))).await,
    };
    let now_seconds = tx.now_seconds();
    let (workspace, name) = (caller.workspace.to_string(), upload.to_string());
    let of_upload: Values<'_> = &[&workspace, &name];
    let writes = async {
        try_join!(end.execute(of_upload), discard.execute(of_upload), guard.note(Some(&cancelled), now_seconds))
            .map(drop)
    };
    tx.commit(writes).await?;
    Ok(IdempotentOutcome::Made(Ok(cancelled)))
}

/// Ends at most `limit` expired pending Uploads of a workspace. Returns their number. Skips Uploads that another server
/// is changing.
pub(super) async fn expire(tx: Transaction<'_>, workspace: WorkspaceId, limit: u32) -> Result<u64, Failure> {
    let chosen = "SELECT workspace_id, id FROM uploads
                  WHERE workspace_id = $1 AND status = 'pending' AND expires_at <= now_ms() / 1000
                  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED";
    let ending = tx.prepare(&ending(chosen, "expired")).await?;
    let (name, limit) = (workspace.to_string(), i64::from(limit));
    let values: Values<'_> = &[&name, &limit];
    let ended = tx.begin(&[Lock::Workspace(workspace)], ending.row(values)).await?;
    let ended = ended.map_or(Ok(0), |row| number(&row, 0))?;
    if ended == 0 {
        return tx.rollback_with(0).await;
    }
    tx.commit(async { Ok(()) }).await?;
    Ok(ended)
}

/// Cancels at most `limit` pending Uploads of a workspace. Returns their number.
pub(super) async fn cancel_some(session: &Session, workspace: WorkspaceId, limit: u32) -> Result<u64, Failure> {
    let chosen =
        "SELECT workspace_id, id FROM uploads WHERE workspace_id = $1 AND status = 'pending' LIMIT $2 FOR UPDATE";
    let ended = session.row(&ending(chosen, "cancelled"), &[&workspace.to_string(), &i64::from(limit)]).await?;
    ended.map_or(Ok(0), |row| number(&row, 0))
}

/// Returns a statement that ends the Uploads that `chosen` selects and queues their parts for release. Its result is
/// the number of Uploads.
fn ending(chosen: &str, status: &str) -> String {
    format!(
        "WITH chosen AS MATERIALIZED ({chosen}),
         ended AS (UPDATE uploads u SET status = '{status}' FROM chosen c
                   WHERE u.workspace_id = c.workspace_id AND u.id = c.id RETURNING u.workspace_id, u.id),
         left_parts AS (INSERT INTO releases (workspace_id, owner_id, released_at)
             SELECT e.workspace_id, e.id, {NEVER_READ} FROM ended e
             WHERE EXISTS (SELECT 1 FROM parts p WHERE p.workspace_id = e.workspace_id AND p.upload_id = e.id)
             ON CONFLICT DO NOTHING)
         SELECT count(*) FROM ended"
    )
}

/// Returns a statement that queues the parts of an ending Upload for release, if it has any.
pub(super) fn discard() -> String {
    format!(
        "INSERT INTO releases (workspace_id, owner_id, released_at)
         SELECT $1, $2, {NEVER_READ} WHERE EXISTS (SELECT 1 FROM parts WHERE workspace_id = $1 AND upload_id = $2)
         ON CONFLICT DO NOTHING"
    )
}
