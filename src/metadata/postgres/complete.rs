//! Completion of Uploads: their parts become a File.

use super::admission::AdmissionFacts;
use super::answers::{Rejection, RequestGuard};
use super::connections::{Prepared, Session, Values};
use super::failure::Failure;
use super::files::{self, ALIVE};
use super::ledger::{self, BEGIN as BEGIN_IN_LEDGER};
use super::rows::stored;
use super::upload_ends::discard;
use super::upload_rows::{FIND_PARTS, find_for_update, find_parts, find_upload};
use super::writer::{Lock, Transaction};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{CompletionStep, PartRow, UploadRow};
use crate::model::caller::Caller;
use crate::model::digest::Sha256Digest;
use crate::model::file::File;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{PartId, UploadId};
use crate::model::ledger::Fact;
use crate::model::upload::{Completion, Upload, UploadRefusal};
use futures_util::try_join;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Removes the rows of parts whose blobs now belong to a File.
const REMOVE_PARTS: &str = "DELETE FROM parts WHERE workspace_id = $1 AND upload_id = $2 AND id = ANY($3)";

/// Takes a chosen name from a File that has expired, and tells whether another one has it.
static TAKE_NAME: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH freed AS (UPDATE files f SET chosen_name = NULL
                        WHERE f.workspace_id = $1 AND f.chosen_name = $2 AND NOT {ALIVE})
         SELECT 1 FROM files f WHERE f.workspace_id = $1 AND f.chosen_name = $2 AND {ALIVE}"
    )
});

/// The outcome of a completion.
pub(super) type Outcome = IdempotentOutcome<Result<Upload, UploadRefusal>>;

pub(super) async fn complete(
    tx: Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    completion: &Completion,
    once: Option<&Idempotency<Upload>>,
) -> Result<Outcome, Failure> {
    let workspace = caller.workspace;
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let (take, find) = (tx.prepare(&find_for_update()).await?, tx.prepare(&FIND_PARTS).await?);
    let statements = Statements::prepare(&tx).await?;
    let (facts, row, found) = tx
        .begin(&guard.locks(Some(Lock::Workspace(workspace))), async {
            try_join!(
                guard.ask(None),
                find_upload(&take, workspace, upload),
                find_parts(&find, workspace, upload, &completion.parts)
            )
        })
        .await?;
    let now_seconds = tx.now_seconds();
    let (facts, row, chosen) = match decide(facts, row, &found, completion) {
        Ok(decided) => decided,
        Err(outcome) => {
            let IdempotentOutcome::Made(Ok(completed)) = &*outcome else { return tx.rollback_with(*outcome).await };
            tx.commit(guard.note(Some(completed), now_seconds)).await?;
            return Ok(*outcome);
        }
    };
    if let Some(name) = &row.chosen_name
        && statements.take_name.row(&[&workspace.to_string(), &name.as_str()]).await?.is_some()
    {
        return tx.rollback_with(IdempotentOutcome::Made(Err(UploadRefusal::NameTaken))).await;
    }
    let id = files::next_id(&facts, tx.now_ms());
    let file = rules::file_of_parts(id, &row, &chosen, completion.sha256);
    tx.set_proof(ledger::creation_proof(file.id));
    let completed = rules::completed(row.upload, file.clone());
    let fingerprint = rules::fingerprint(&completion.parts);
    let writes = async {
        try_join!(
            statements.write(caller, &completed, &file, &chosen, fingerprint),
            guard.note(Some(&completed), now_seconds)
        )
        .map(drop)
    };
    tx.commit(writes).await?;
    Ok(IdempotentOutcome::Made(Ok(completed)))
}

/// Returns the Upload and the parts to complete it from, or the outcome to answer instead.
fn decide(
    facts: Result<AdmissionFacts, Rejection>,
    row: Option<UploadRow>,
    found: &HashMap<PartId, PartRow>,
    completion: &Completion,
) -> Result<(AdmissionFacts, UploadRow, Vec<PartRow>), Box<Outcome>> {
    let facts = facts.map_err(|rejection| Box::new(rejection.into()))?;
    let (row, parts) = match rules::complete(row, completion, found) {
        Ok(CompletionStep::Make(row, parts)) => (row, parts),
        Ok(CompletionStep::Made(upload)) => return Err(Box::new(IdempotentOutcome::Made(Ok(upload)))),
        Err(refusal) => return Err(Box::new(IdempotentOutcome::Made(Err(refusal)))),
    };
    match facts.refuse_completion(&row.upload) {
        Some(refused) => Err(Box::new(IdempotentOutcome::Refused(refused))),
        None => Ok((facts, row, parts)),
    }
}

/// The prepared statements of a completion.
struct Statements<'a> {
    insert_file: Prepared<'a>,
    begin: Prepared<'a>,
    insert_parts: Prepared<'a>,
    take_name: Prepared<'a>,
    take: Prepared<'a>,
    discard: Prepared<'a>,
    end: Prepared<'a>,
}

impl<'a> Statements<'a> {
    async fn prepare(session: &'a Session) -> Result<Self, Failure> {
        let insert_parts = "
            INSERT INTO file_parts (workspace_id, file_id, position, blob_id, size_bytes)
            SELECT $1, $2, n.place - 1, n.blob_id, n.size_bytes
            FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS n (blob_id, size_bytes, place)";
        let end = "UPDATE uploads SET status = 'completed', file_id = $3, completion = $4, size_bytes = $5
                   WHERE workspace_id = $1 AND id = $2";
        Ok(Self {
            insert_file: session.prepare(&files::INSERT).await?,
            begin: session.prepare(BEGIN_IN_LEDGER).await?,
            insert_parts: session.prepare(insert_parts).await?,
            take_name: session.prepare(&TAKE_NAME).await?,
            take: session.prepare(REMOVE_PARTS).await?,
            discard: session.prepare(&discard()).await?,
            end: session.prepare(end).await?,
        })
    }

    async fn write(
        &self,
        caller: Caller,
        upload: &Upload,
        file: &File,
        chosen: &[PartRow],
        fingerprint: Sha256Digest,
    ) -> Result<(), Failure> {
        let (workspace, name, file_name) = (caller.workspace.to_string(), upload.id.to_string(), file.id.to_string());
        let blobs: Vec<String> = chosen.iter().map(|part| part.blob.to_string()).collect();
        let sizes: Vec<i64> = chosen.iter().map(|part| stored(part.size_bytes)).collect();
        let parts: Values<'_> = &[&workspace, &file_name, &blobs, &sizes];
        let end: Values<'_> = &[&workspace, &name, &file_name, &fingerprint.0.as_slice(), &stored(file.size_bytes)];
        let ids: Vec<String> = chosen.iter().map(|part| part.id.to_string()).collect();
        let (take, discard): (Values<'_>, Values<'_>) = (&[&workspace, &name, &ids], &[&workspace, &name]);
        try_join!(
            files::insert(&self.insert_file, caller.workspace, file, None),
            ledger::begin(&self.begin, caller, file, Fact::Complete),
            self.insert_parts.execute(parts),
            self.take.execute(take),
            self.discard.execute(discard),
            self.end.execute(end)
        )
        .map(drop)
    }
}
