//! Rows of Uploads and their parts. Each transaction locks the row of its Upload, so that changes of one Upload are
//! serialized.

use super::answers::RequestGuard;
use super::complete::complete;
use super::connections::Values;
use super::failure::Failure;
use super::parts::{PartLock, create_part};
use super::rows::{self, count, stored};
use super::store::{PostgresStore, read, read_long, transaction, write};
use super::upload_ends::cancel;
use super::upload_rows::{FIND, FIND_PARTS, find_parts, find_upload};
use super::writer::{Lock, Proof, Transaction};
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::room::with_room;
use crate::metadata::rows::PART;
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::PartRow;
use crate::metadata::uploads::UploadStore;
use crate::model::blob::StoredBlob;
use crate::model::caller::Caller;
use crate::model::chosen_name::ChosenName;
use crate::model::expiry::ExpiresAfter;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{PartId, UploadId, WorkspaceId};
use crate::model::page::Page;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal};
use crate::random;
use async_trait::async_trait;
use futures_util::try_join;
use tokio_postgres::Row;

#[async_trait]
impl UploadStore for PostgresStore {
    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, MetadataError> {
        let (upload, once) = (&upload, once.as_ref());
        let create =
            || async move { transaction!(self, caller.workspace, |tx| create(tx, caller, upload, once).await) };
        with_room(self, caller.workspace, create).await
    }

    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError> {
        read!(self, workspace, |session| {
            let found = find_upload(&session.prepare(&FIND).await?, workspace, id).await?;
            Ok(found.map(|row| row.upload))
        })
    }

    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Idempotency<Part>>,
    ) -> Result<IdempotentOutcome<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        let (part, once) = (&part, once.as_ref());
        let create = |lock| async move {
            transaction!(self, caller.workspace, |tx| create_part(tx, caller, upload, part, once, lock).await)
        };
        let create_in_turn = || async move {
            for lock in [PartLock::Nothing, PartLock::Workspace] {
                if let Some(outcome) = create(lock).await? {
                    return Ok(outcome);
                }
            }
            Err(Failure::Unreadable("a part was not decided under the lock of its workspace".to_owned()).into())
        };
        with_room(self, caller.workspace, create_in_turn).await
    }

    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError> {
        read_long!(self, workspace, |session| {
            let (workspace, owner) = (workspace.to_string(), upload.to_string());
            let mut behind: i64 = 0;
            if let Some(part) = after {
                let place = "SELECT seq FROM parts WHERE workspace_id = $1 AND upload_id = $2 AND id = $3";
                match session.row(place, &[&workspace, &owner, &part.to_string()]).await? {
                    Some(row) => behind = row.try_get(0)?,
                    None => return Ok(Err(part)),
                }
            }
            let sql = format!(
                "SELECT {PART} FROM parts WHERE workspace_id = $1 AND upload_id = $2 AND seq > $3 ORDER BY seq LIMIT $4"
            );
            let part = |row: &Row| rows::read(row).map(|part: PartRow| part.of(upload));
            let found = session.rows(&sql, &[&workspace, &owner, &behind, &(i64::from(limit) + 1)]).await?;
            Ok(Ok(Page::cut(found.iter().map(part).collect::<Result<_, _>>()?, limit)))
        })
    }

    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError> {
        read_long!(self, workspace, |session| {
            let row = match rules::pending(find_upload(&session.prepare(&FIND).await?, workspace, upload).await?) {
                Ok(row) => row,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let found = find_parts(&session.prepare(&FIND_PARTS).await?, workspace, upload, &parts).await?;
            let chosen = match rules::choose(&row.upload, &parts, &found) {
                Ok(chosen) => chosen,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let names: Vec<String> = chosen.iter().map(|part| part.blob.to_string()).collect();
            let sql = "SELECT b.id, b.size_bytes, b.checksums, b.content
                       FROM unnest($1::text[]) WITH ORDINALITY AS n (id, place) JOIN blobs b ON b.id = n.id
                       ORDER BY n.place";
            let blobs = session.rows(sql, &[&names]).await?;
            Ok(Ok(rows::read_all(&blobs)?))
        })
    }

    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let (completion, once) = (&completion, once.as_ref());
        let complete = || async move {
            transaction!(self, caller.workspace, |tx| Box::pin(complete(tx, caller, upload, completion, once)).await)
        };
        with_room(self, caller.workspace, complete).await
    }

    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let once = once.as_ref();
        transaction!(self, caller.workspace, |tx| cancel(tx, caller, upload, once).await)
    }

    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        write!(self, |session| {
            let sql = "WITH old AS MATERIALIZED (
                           SELECT workspace_id, id FROM uploads
                           WHERE status <> 'pending' AND expires_at <= now_ms() / 1000 - $2
                           ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
                       DELETE FROM uploads u USING old WHERE u.workspace_id = old.workspace_id AND u.id = old.id";
            session.execute(sql, &[&i64::from(limit), &stored(older_than_seconds)]).await
        })
        .map(count)
    }
}

async fn create(
    tx: Transaction<'_>,
    caller: Caller,
    new: &NewUpload,
    once: Option<&Idempotency<Upload>>,
) -> Result<IdempotentOutcome<Upload>, Failure> {
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let sql =
        "INSERT INTO uploads (workspace_id, id, size_bytes, filename, mime_type, purpose, lives_seconds, expires_at,
                                    grows_to_bytes, chosen_name, status)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending')";
    let insert = tx.prepare(sql).await?;
    let locks = guard.locks(Some(Lock::Quota(caller.workspace)));
    let facts = match tx.begin(&locks, guard.ask(Some(new.purpose))).await? {
        Ok(facts) => facts,
        Err(rejection) => return tx.rollback_with(rejection.into()).await,
    };
    if let Some(refused) = facts.refuse_bytes(new.size_bytes) {
        return tx.rollback_with(IdempotentOutcome::Refused(refused)).await;
    }
    let now_seconds = tx.now_seconds();
    let upload = rules::new_upload(UploadId::new(now_seconds, random::bytes()), new, now_seconds);
    let (workspace, id) = (caller.workspace.to_string(), upload.id.to_string());
    let expires_after = facts.expires_after(new.purpose, new.expires_after);
    let lives_seconds = expires_after.map(ExpiresAfter::as_seconds).map(stored);
    let (size_bytes, expires_at) = (stored(new.size_bytes), stored(upload.expires_at));
    let (filename, mime_type, purpose) = (new.filename.as_str(), new.mime_type.as_str(), new.purpose.name());
    let (grows_to_bytes, name) = (new.grows_to_bytes.map(stored), new.chosen_name.as_ref().map(ChosenName::as_str));
    let values: Values<'_> = &[
        &workspace,
        &id,
        &size_bytes,
        &filename,
        &mime_type,
        &purpose,
        &lives_seconds,
        &expires_at,
        &grows_to_bytes,
        &name,
    ];
    tx.set_proof(Proof::Upload(workspace.clone(), id.clone()));
    let writes = async { try_join!(insert.execute(values), guard.note(Some(&upload), now_seconds)).map(drop) };
    tx.commit(writes).await?;
    Ok(IdempotentOutcome::Made(upload))
}
