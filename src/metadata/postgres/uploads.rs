//! Rows of Uploads and their parts. Each transaction locks the row of its Upload, so that changes of one Upload are
//! serialized.

use super::admission::AdmissionFacts;
use super::answers::{Rejection, RequestGuard};
use super::blobs::{self, CLAIM, NOBODY_READS};
use super::connections::{Prepared, Session, Values};
use super::failure::Failure;
use super::files;
use super::ledger::{self, BEGIN as BEGIN_IN_LEDGER};
use super::rows::{self, count, digest, named, number, optional_digest, optional_number, parsed, stored};
use super::store::{PostgresStore, read, read_long, transaction, write};
use super::writer::{Lock, Proof, Transaction};
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::room::with_room;
use crate::metadata::rules::columns::{self, BEHIND_FILE, FILE};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{CompletionStep, PartRow, UploadRow};
use crate::metadata::uploads::UploadStore;
use crate::model::blob::StoredBlob;
use crate::model::caller::{Caller, Refused};
use crate::model::digest::Sha256Digest;
use crate::model::expiry::ExpiresAfter;
use crate::model::file::File;
use crate::model::filename::Filename;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal, UploadStatus};
use crate::random;
use async_trait::async_trait;
use futures_util::try_join;
use std::collections::HashMap;
use std::sync::LazyLock;
use tokio_postgres::Row;

/// The database decides whether an Upload has expired.
static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {file}, u.size_bytes, u.filename, u.purpose, u.lives_seconds, u.expires_at, u.status, u.completion,
                u.expires_at <= now_ms() / 1000, u.parts_bytes, u.part_count
         FROM uploads u LEFT JOIN files f ON f.workspace_id = u.workspace_id AND f.id = u.file_id
             AND (f.expires_at IS NULL OR f.expires_at > now_ms() / 1000)
         WHERE u.workspace_id = $1 AND u.id = $2",
        file = columns::of("f", FILE)
    )
});
const CHOOSE: &str = "SELECT p.id, p.sha256, p.blob_id, p.size_bytes FROM parts p
    WHERE p.workspace_id = $1 AND p.upload_id = $2 AND p.id = ANY($3)";

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
            let found = find_row(&session.prepare(&FIND).await?, workspace, id).await?;
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
                if let Some(effect) = create(lock).await? {
                    return Ok(effect);
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
            let sql = "SELECT id, size_bytes, sha256 FROM parts WHERE workspace_id = $1 AND upload_id = $2 AND seq > $3
                       ORDER BY seq LIMIT $4";
            let part = |row: &Row| {
                Ok::<_, Failure>(Part {
                    id: parsed(row, 0)?,
                    upload,
                    size_bytes: number(row, 1)?,
                    sha256: digest(row, 2)?,
                })
            };
            let found = session.rows(sql, &[&workspace, &owner, &behind, &(i64::from(limit) + 1)]).await?;
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
            let row = match rules::pending(find_row(&session.prepare(&FIND).await?, workspace, upload).await?) {
                Ok(row) => row,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let found = find_parts(&session.prepare(CHOOSE).await?, workspace, upload, &parts).await?;
            let chosen = match rules::choose(&row.upload, &parts, &found) {
                Ok(chosen) => chosen,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let names: Vec<String> = chosen.iter().map(|part| part.blob.to_string()).collect();
            let sql = "SELECT b.id, b.size_bytes, b.checksums, b.content
                       FROM unnest($1::text[]) WITH ORDINALITY AS n (id, place) JOIN blobs b ON b.id = n.id
                       ORDER BY n.place";
            let blobs = session.rows(sql, &[&names]).await?;
            Ok(Ok(blobs.iter().map(|row| rows::blob(row, 0)).collect::<Result<_, _>>()?))
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
            transaction!(self, caller.workspace, |tx| complete(tx, caller, upload, completion, once).await)
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
    let sql = "INSERT INTO uploads (workspace_id, id, size_bytes, filename, purpose, lives_seconds, expires_at, status)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending')";
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
    let (filename, purpose) = (new.filename.as_str(), new.purpose.name());
    let values: Values<'_> = &[&workspace, &id, &size_bytes, &filename, &purpose, &lives_seconds, &expires_at];
    tx.set_proof(Proof::Upload(workspace.clone(), id.clone()));
    let writes = async { try_join!(insert.execute(values), guard.note(Some(&upload), now_seconds)).map(drop) };
    tx.commit(writes).await?;
    Ok(IdempotentOutcome::Made(upload))
}

/// The lock that a new part takes beside the row of its Upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartLock {
    /// None: parts within the declared bytes of their Uploads do not wait for each other.
    Nothing,
    /// The row of the workspace, taken first, as by every transaction that counts against a quota.
    Workspace,
}

/// The outcome of a new part.
pub(super) type PartEffect = IdempotentOutcome<Result<Option<Part>, UploadRefusal>>;

/// Adds a part. Returns none when the part changes the reservation of the workspace and the workspace is not locked.
async fn create_part(
    tx: Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    new: &NewPart,
    once: Option<&Idempotency<Part>>,
    lock: PartLock,
) -> Result<Option<PartEffect>, Failure> {
    let workspace = caller.workspace;
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let (take, claim) = (tx.prepare(&locked()).await?, tx.prepare(CLAIM).await?);
    let sql =
        "INSERT INTO parts (id, workspace_id, upload_id, blob_id, size_bytes, sha256) VALUES ($1, $2, $3, $4, $5, $6)";
    let insert = tx.prepare(sql).await?;
    let (owner, name) = (workspace.to_string(), upload.to_string());
    let also = (lock == PartLock::Workspace).then_some(Lock::Workspace(workspace));
    let (facts, row, claimed) = tx
        .begin(&guard.locks(also), async {
            try_join!(
                guard.ask(None),
                find_row(&take, workspace, upload),
                blobs::claim(&claim, workspace, new.blob, &new.content)
            )
        })
        .await?;
    let decided = decide_part(facts, row.as_ref(), new.content.size_bytes, claimed);
    let counts = matches!(decided, Ok(1..) | Err(IdempotentOutcome::Refused(Refused::Quota(_))));
    if counts && lock == PartLock::Nothing {
        return tx.rollback_with(None).await;
    }
    if let Err(effect) = decided {
        return tx.rollback_with(Some(effect)).await;
    }
    let now_seconds = tx.now_seconds();
    let part = rules::new_part(PartId::new(now_seconds, random::bytes()), upload, new);
    let (id, blob, size_bytes) = (part.id.to_string(), new.blob.to_string(), stored(part.size_bytes));
    let values: Values<'_> = &[&id, &owner, &name, &blob, &size_bytes, &part.sha256.0.as_slice()];
    tx.set_proof(Proof::Part(id.clone()));
    let writes = async { try_join!(insert.execute(values), guard.note(Some(&part), now_seconds)).map(drop) };
    tx.commit(writes).await?;
    Ok(Some(IdempotentOutcome::Made(Ok(Some(part)))))
}

/// Returns by how many bytes a part grows the reservation of its Upload, or the outcome to answer instead.
fn decide_part(
    facts: Result<AdmissionFacts, Rejection>,
    row: Option<&UploadRow>,
    part_bytes: u64,
    claimed: bool,
) -> Result<u64, PartEffect> {
    let facts = facts.map_err(PartEffect::from)?;
    let more_bytes = rules::growth(row, part_bytes).map_err(|refusal| IdempotentOutcome::Made(Err(refusal)))?;
    match facts.refuse_growth(more_bytes) {
        Some(refused) => Err(IdempotentOutcome::Refused(refused)),
        None if claimed => Ok(more_bytes),
        None => Err(IdempotentOutcome::Made(Ok(None))),
    }
}

async fn complete(
    tx: Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    completion: &Completion,
    once: Option<&Idempotency<Upload>>,
) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, Failure> {
    let workspace = caller.workspace;
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let (take, find) = (tx.prepare(&locked()).await?, tx.prepare(CHOOSE).await?);
    let writing = Completing::prepare(&tx).await?;
    let locks = guard.locks(Some(Lock::Workspace(workspace)));
    let (facts, row, found) = tx
        .begin(&locks, async {
            try_join!(
                guard.ask(None),
                find_row(&take, workspace, upload),
                find_parts(&find, workspace, upload, &completion.parts)
            )
        })
        .await?;
    let now_seconds = tx.now_seconds();
    let (facts, row, chosen) = match decide(facts, row, &found, completion) {
        Ok(decided) => decided,
        Err(effect) => {
            let IdempotentOutcome::Made(Ok(completed)) = &*effect else { return tx.rollback_with(*effect).await };
            tx.commit(guard.note(Some(completed), now_seconds)).await?;
            return Ok(*effect);
        }
    };
    let id = files::next_id(&facts, tx.now_ms());
    let file = rules::file_of_parts(id, &row, &chosen, completion.sha256);
    tx.set_proof(ledger::coming(file.id));
    let completed = rules::completed(row.upload, file.clone());
    let writes = async {
        try_join!(
            writing.write(caller, &completed, &file, &chosen, rules::fingerprint(&completion.parts)),
            guard.note(Some(&completed), now_seconds)
        )
        .map(drop)
    };
    tx.commit(writes).await?;
    Ok(IdempotentOutcome::Made(Ok(completed)))
}

/// Returns the Upload and the parts to complete it from, or the outcome to answer instead.
#[expect(clippy::type_complexity, reason = "three things that belong together for a moment")]
fn decide(
    facts: Result<AdmissionFacts, Rejection>,
    row: Option<UploadRow>,
    found: &HashMap<PartId, PartRow>,
    completion: &Completion,
) -> Result<(AdmissionFacts, UploadRow, Vec<PartRow>), Box<IdempotentOutcome<Result<Upload, UploadRefusal>>>> {
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
struct Completing<'a> {
    insert_file: Prepared<'a>,
    begin: Prepared<'a>,
    insert_parts: Prepared<'a>,
    take: Prepared<'a>,
    discard: Prepared<'a>,
    end: Prepared<'a>,
}

impl<'a> Completing<'a> {
    async fn prepare(session: &'a Session) -> Result<Self, Failure> {
        let insert_parts = "
            INSERT INTO file_parts (workspace_id, file_id, position, blob_id, size_bytes)
            SELECT $1, $2, n.place - 1, n.blob_id, n.size_bytes
            FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS n (blob_id, size_bytes, place)";
        let end = "UPDATE uploads SET status = 'completed', file_id = $3, completion = $4
                   WHERE workspace_id = $1 AND id = $2";
        Ok(Self {
            insert_file: session.prepare(files::INSERT).await?,
            begin: session.prepare(BEGIN_IN_LEDGER).await?,
            insert_parts: session.prepare(insert_parts).await?,
            take: session.prepare(TAKE_PARTS).await?,
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
        let end: Values<'_> = &[&workspace, &name, &file_name, &fingerprint.0.as_slice()];
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

async fn cancel(
    tx: Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    once: Option<&Idempotency<Upload>>,
) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, Failure> {
    let guard = RequestGuard::prepare(&tx, caller, once).await?;
    let (take, discard) = (tx.prepare(&locked()).await?, tx.prepare(&discard()).await?);
    let end = "UPDATE uploads SET status = 'cancelled' WHERE workspace_id = $1 AND id = $2 AND status = 'pending'";
    let end = tx.prepare(end).await?;
    let (facts, row) = tx
        .begin(&guard.locks(Some(Lock::Workspace(caller.workspace))), async {
            try_join!(guard.ask(None), find_row(&take, caller.workspace, upload))
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
             SELECT e.workspace_id, e.id, {NOBODY_READS} FROM ended e
             WHERE EXISTS (SELECT 1 FROM parts p WHERE p.workspace_id = e.workspace_id AND p.upload_id = e.id)
             ON CONFLICT DO NOTHING)
         SELECT count(*) FROM ended"
    )
}

/// Returns a statement that queues the parts of an ending Upload for release, if it has any.
fn discard() -> String {
    format!(
        "INSERT INTO releases (workspace_id, owner_id, released_at)
         SELECT $1, $2, {NOBODY_READS} WHERE EXISTS (SELECT 1 FROM parts WHERE workspace_id = $1 AND upload_id = $2)
         ON CONFLICT DO NOTHING"
    )
}

/// Removes the rows of parts whose blobs now belong to a File.
const TAKE_PARTS: &str = "DELETE FROM parts WHERE workspace_id = $1 AND upload_id = $2 AND id = ANY($3)";

/// Returns the query of an Upload that also locks its row until the end of the transaction.
fn locked() -> String {
    format!("{} FOR UPDATE OF u", *FIND)
}

async fn find_row(find: &Prepared<'_>, workspace: WorkspaceId, id: UploadId) -> Result<Option<UploadRow>, Failure> {
    let found = find.row(&[&workspace.to_string(), &id.to_string()]).await?;
    found.map(|row| upload_row(&row, id)).transpose()
}

fn upload_row(row: &Row, id: UploadId) -> Result<UploadRow, Failure> {
    let at = |column: usize| BEHIND_FILE + column;
    let status = named(row, at(5), UploadStatus::named)?;
    let over: bool = row.try_get(at(7))?;
    let file: Option<FileId> = rows::optional(row, 0)?;
    let upload = Upload {
        id,
        size_bytes: number(row, at(0))?,
        filename: Filename::stored(row.try_get(at(1))?),
        purpose: named(row, at(2), Purpose::named)?,
        expires_at: number(row, at(4))?,
        status: rules::status(status, over),
        file: file.map(|_| rows::file(row, 0)).transpose()?,
        parts_bytes: number(row, at(8))?,
        part_count: u32::try_from(number(row, at(9))?).unwrap_or(u32::MAX),
    };
    let expires_after = optional_number(row, at(3))?.map(ExpiresAfter::stored);
    Ok(UploadRow { upload, expires_after, completion: optional_digest(row, at(6))? })
}

async fn find_parts(
    find: &Prepared<'_>,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
) -> Result<HashMap<PartId, PartRow>, Failure> {
    let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let part = |row: &Row| {
        let id = parsed(row, 0)?;
        Ok((id, PartRow { id, sha256: digest(row, 1)?, blob: parsed(row, 2)?, size_bytes: number(row, 3)? }))
    };
    let found = find.rows(&[&workspace.to_string(), &upload.to_string(), &names]).await?;
    found.iter().map(part).collect()
}
