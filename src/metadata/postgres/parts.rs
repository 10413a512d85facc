//! New parts of Uploads.

use super::admission::AdmissionFacts;
use super::answers::{Rejection, RequestGuard};
use super::blobs::{self, CLAIM};
use super::connections::{Prepared, Values};
use super::failure::Failure;
use super::rows::stored;
use super::upload_rows::{find_for_update, find_upload};
use super::writer::{Lock, Proof, Transaction};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::UploadRow;
use crate::model::caller::{Caller, Refused};
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{BlobId, PartId, UploadId, WorkspaceId};
use crate::model::upload::{NewPart, Part, UploadRefusal};
use crate::random;
use futures_util::try_join;

/// The lock that a new part takes beside the row of its Upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartLock {
    /// None: parts within the declared bytes of their Uploads do not wait for each other.
    Nothing,
    /// The row of the workspace, taken first, as by every transaction that counts against a quota.
    Workspace,
}

/// The outcome of a new part.
pub(super) type PartOutcome = IdempotentOutcome<Result<Option<Part>, UploadRefusal>>;

/// Adds a part. Returns none when the part changes the reservation of the workspace and the workspace is not locked.
pub(super) async fn create_part(
    tx: Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    new: &NewPart,
    once: Option<&Idempotency<Part>>,
    lock: PartLock,
) -> Result<Option<PartOutcome>, Failure> {
    let workspace = caller.workspace;
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let (take, claim) = (tx.prepare(&find_for_update()).await?, tx.prepare(CLAIM).await?);
    let sql =
        "INSERT INTO parts (id, workspace_id, upload_id, blob_id, size_bytes, sha256) VALUES ($1, $2, $3, $4, $5, $6)";
    let insert_part = tx.prepare(sql).await?;
    let also = (lock == PartLock::Workspace).then_some(Lock::Workspace(workspace));
    let (facts, row, claimed) = tx
        .begin(&guard.locks(also), async {
            try_join!(
                guard.ask(None),
                find_upload(&take, workspace, upload),
                blobs::claim(&claim, workspace, new.blob, &new.content)
            )
        })
        .await?;
    let decided = decide_part(facts, row.as_ref(), new, claimed);
    let counts = matches!(decided, Ok(1..) | Err(IdempotentOutcome::Refused(Refused::Quota(_))));
    if counts && lock == PartLock::Nothing {
        return tx.rollback_with(None).await;
    }
    if let Err(outcome) = decided {
        return tx.rollback_with(Some(outcome)).await;
    }
    let part = rules::new_part(PartId::new(tx.now_seconds(), random::bytes()), upload, new);
    insert(&tx, &insert_part, &guard, workspace, new.blob, &part).await?;
    Ok(Some(IdempotentOutcome::Made(Ok(Some(part)))))
}

/// Returns by how many bytes a part grows the reservation of its Upload, or the outcome to answer instead.
fn decide_part(
    facts: Result<AdmissionFacts, Rejection>,
    row: Option<&UploadRow>,
    new: &NewPart,
    claimed: bool,
) -> Result<u64, PartOutcome> {
    let facts = facts.map_err(PartOutcome::from)?;
    let more_bytes = rules::growth(row, new).map_err(|refusal| IdempotentOutcome::Made(Err(refusal)))?;
    match facts.refuse_growth(more_bytes) {
        Some(refused) => Err(IdempotentOutcome::Refused(refused)),
        None if claimed => Ok(more_bytes),
        None => Err(IdempotentOutcome::Made(Ok(None))),
    }
}

/// Inserts a part and its idempotent answer, and commits.
async fn insert(
    tx: &Transaction<'_>,
    insert_part: &Prepared<'_>,
    guard: &RequestGuard<'_, Part>,
    workspace: WorkspaceId,
    blob: BlobId,
    part: &Part,
) -> Result<(), Failure> {
    let (id, workspace, upload) = (part.id.to_string(), workspace.to_string(), part.upload.to_string());
    let (blob, size_bytes) = (blob.to_string(), stored(part.size_bytes));
    let values: Values<'_> = &[&id, &workspace, &upload, &blob, &size_bytes, &part.sha256.0.as_slice()];
    tx.set_proof(Proof::Part(id.clone()));
    let answered = guard.note(Some(part), tx.now_seconds());
    tx.commit(async { try_join!(insert_part.execute(values), answered).map(drop) }).await
}
