//! Rows of Uploads and their parts. A refusal is decided before anything is written.

mod ending;
mod rows;

pub(super) use ending::{cancel_some, expire};

use super::queries::Queries;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{blobs, default_expiries, files, ledger, limits};
use crate::metadata::error::MetadataError;
use crate::metadata::rows::PART;
use crate::metadata::rules::quotas::{refuse_completion, refuse_file, refuse_growth};
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{CompletionStep, PartRow};
use crate::metadata::uploads::UploadStore;
use crate::model::blob::StoredBlob;
use crate::model::caller::{Caller, Refused};
use crate::model::chosen_name::ChosenName;
use crate::model::expiry::ExpiresAfter;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::limits::Limits;
use crate::model::page::Page;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal, UploadStatus};
use crate::random;
use async_trait::async_trait;
use ending::{discard_parts, end};
use rows::{find_parts, find_row};
use rusqlite::{Connection, Result, Row, params};
use std::sync::Arc;

/// The result of a write: a refusal by a quota, a refusal by the Upload, or what was made.
type Written<T> = Result<std::result::Result<std::result::Result<T, UploadRefusal>, Refused>>;

#[async_trait]
impl UploadStore for SqliteStore {
    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, MetadataError> {
        let write = move |transaction: &Transaction<'_>, quotas: &Limits| {
            let refuse = |usage| refuse_file(quotas, usage, upload.size_bytes);
            match limits::refuse(transaction, caller.workspace, quotas, refuse)? {
                Some(refused) => Ok(Err(refused)),
                None => create(transaction, caller.workspace, &upload).map(Ok),
            }
        };
        self.write_once(caller, once, write, |upload| Some(upload)).await
    }

    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| Ok(find_row(connection, workspace, id, now_seconds)?.map(|row| row.upload)))
    }

    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Idempotency<Part>>,
    ) -> Result<IdempotentOutcome<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        let write = move |transaction: &Transaction<'_>, quotas: &Limits| {
            create_part(transaction, caller.workspace, upload, &part, quotas)
        };
        self.write_once(caller, once, write, |outcome| outcome.as_ref().ok()?.as_ref()).await
    }

    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError> {
        self.readers
            .long(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                let (workspace, owner) = (workspace.to_string(), upload.to_string());
                let mut behind: i64 = 0;
                if let Some(part) = after {
                    let sql = "SELECT seq FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3";
                    match snapshot.row(sql, (&workspace, &owner, part), |row| row.get(0))? {
                        Some(seq) => behind = seq,
                        None => return Ok(Err(part)),
                    }
                }
                let sql = format!(
                    "SELECT {PART} FROM parts
                     WHERE workspace_id = ?1 AND upload_id = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4"
                );
                let part = |row: &Row<'_>| super::rows::read(row).map(|part: PartRow| part.of(upload));
                let values = params![workspace, owner, behind, u64::from(limit) + 1];
                Ok(Ok(Page::cut(snapshot.rows(&sql, values, part)?, limit)))
            })
            .await
    }

    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers
            .long(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                find_part_blobs(&snapshot, workspace, upload, &parts, now_seconds)
            })
            .await
    }

    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let completion = Arc::new(completion);
        let write = move |transaction: &Transaction<'_>, quotas: &Limits| {
            complete(transaction, caller, upload, &completion, quotas)
        };
        self.write_once(caller, once, write, |outcome| outcome.as_ref().ok()).await
    }

    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let write = move |transaction: &Transaction<'_>, _: &Limits| {
            let row = find_row(transaction, caller.workspace, upload, transaction.now_seconds())?;
            let cancelled = rules::cancel(row);
            if let Ok((_, true)) = cancelled {
                end(transaction, caller.workspace, upload, UploadStatus::Cancelled)?;
            }
            Ok(Ok(cancelled.map(|(upload, _)| upload)))
        };
        self.write_once(caller, once, write, |outcome| outcome.as_ref().ok()).await
    }

    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        self.expire(move |transaction| {
            let sql = "DELETE FROM uploads WHERE (workspace_id, id) IN
                       (SELECT workspace_id, id FROM uploads WHERE status <> 'pending' AND expires_at <= ?1
                        ORDER BY expires_at LIMIT ?2)";
            let until = transaction.now_seconds().saturating_sub(older_than_seconds);
            transaction.change(sql, params![until, limit])
        })
        .await
    }
}

fn create(transaction: &Transaction<'_>, workspace: WorkspaceId, new: &NewUpload) -> Result<Upload> {
    let now_seconds = transaction.now_seconds();
    let upload = rules::new_upload(UploadId::new(now_seconds, random::bytes()), new, now_seconds);
    let expires_after = default_expiries::decide(transaction, workspace, new.purpose, new.expires_after)?;
    let sql =
        "INSERT INTO uploads (workspace_id, id, size_bytes, filename, mime_type, purpose, lives_seconds, expires_at,
                                    grows_to_bytes, chosen_name, status)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'pending')";
    let values = params![
        workspace,
        upload.id,
        upload.size_bytes,
        upload.filename.as_str(),
        new.mime_type.as_str(),
        upload.purpose.name(),
        expires_after.map(ExpiresAfter::as_seconds),
        upload.expires_at,
        upload.grows_to_bytes,
        new.chosen_name.as_ref().map(ChosenName::as_str),
    ];
    transaction.change(sql, values)?;
    Ok(upload)
}

fn create_part(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    upload: UploadId,
    new: &NewPart,
    quotas: &Limits,
) -> Written<Option<Part>> {
    let now_seconds = transaction.now_seconds();
    let row = find_row(transaction, workspace, upload, now_seconds)?;
    let more_bytes = match rules::growth(row.as_ref(), new) {
        Ok(more_bytes) => more_bytes,
        Err(refusal) => return Ok(Ok(Err(refusal))),
    };
    let refuse = |usage| refuse_growth(quotas, usage, more_bytes);
    if let Some(refused) = limits::refuse(transaction, workspace, quotas, refuse)? {
        return Ok(Err(refused));
    }
    if !blobs::claim(transaction, workspace, new.blob, &new.content)? {
        return Ok(Ok(Ok(None)));
    }
    let part = rules::new_part(PartId::new(now_seconds, random::bytes()), upload, new);
    let sql =
        "INSERT INTO parts (id, workspace_id, upload_id, blob_id, size_bytes, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![part.id, workspace, upload, new.blob, part.size_bytes, part.sha256.0];
    transaction.change(sql, values)?;
    Ok(Ok(Ok(Some(part))))
}

fn find_part_blobs(
    snapshot: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
    now_seconds: u64,
) -> Result<std::result::Result<Vec<StoredBlob>, UploadRefusal>> {
    let row = match rules::pending(find_row(snapshot, workspace, upload, now_seconds)?) {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let chosen = match rules::choose(&row.upload, parts, &find_parts(snapshot, workspace, upload, parts)?) {
        Ok(chosen) => chosen,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut select = snapshot.prepare_cached("SELECT id, size_bytes, checksums, content FROM blobs WHERE id = ?1")?;
    let blob_of = |part: &PartRow| select.query_row([part.blob], super::rows::read);
    chosen.iter().map(blob_of).collect::<Result<_>>().map(Ok)
}

fn complete(
    transaction: &Transaction<'_>,
    caller: Caller,
    upload: UploadId,
    completion: &Completion,
    quotas: &Limits,
) -> Written<Upload> {
    let workspace = caller.workspace;
    let row = find_row(transaction, workspace, upload, transaction.now_seconds())?;
    let found = find_parts(transaction, workspace, upload, &completion.parts)?;
    let (row, parts) = match rules::complete(row, completion, &found) {
        Ok(CompletionStep::Make(row, parts)) => (row, parts),
        Ok(CompletionStep::Made(upload)) => return Ok(Ok(Ok(upload))),
        Err(refusal) => return Ok(Ok(Err(refusal))),
    };
    let refuse = |usage| refuse_completion(quotas, usage, &row.upload);
    if let Some(refused) = limits::refuse(transaction, workspace, quotas, refuse)? {
        return Ok(Err(refused));
    }
    if let Some(name) = &row.chosen_name {
        files::free_name(transaction, workspace, name)?;
        if files::find_named(transaction, workspace, name, transaction.now_seconds())?.is_some() {
            return Ok(Ok(Err(UploadRefusal::NameTaken)));
        }
    }
    let file = rules::file_of_parts(transaction.next_file_id(), &row, &parts, completion.sha256);
    files::insert(transaction, workspace, &file, None)?;
    ledger::begin(transaction, caller, &file, Fact::Complete)?;
    move_parts(transaction, workspace, upload, file.id, &parts)?;
    discard_parts(transaction, workspace, upload)?;
    let sql = "UPDATE uploads SET status = 'completed', file_id = ?3, completion = ?4, size_bytes = ?5
               WHERE workspace_id = ?1 AND id = ?2";
    let fingerprint = rules::fingerprint(&completion.parts).0;
    let values = params![workspace, upload, file.id, fingerprint, file.size_bytes];
    transaction.change(sql, values)?;
    Ok(Ok(Ok(rules::completed(row.upload, file))))
}

/// Moves parts from an Upload to a File, in this order.
fn move_parts(
    transaction: &Transaction<'_>,
    workspace: WorkspaceId,
    upload: UploadId,
    file: FileId,
    parts: &[PartRow],
) -> Result<()> {
    let insert =
        "INSERT INTO file_parts (workspace_id, file_id, position, blob_id, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = transaction.prepare_cached(insert)?;
    let mut delete =
        transaction.prepare_cached("DELETE FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3")?;
    let (workspace, upload, file) = (workspace.to_string(), upload.to_string(), file.to_string());
    for (position, part) in parts.iter().enumerate() {
        insert.execute(params![workspace, file, position, part.blob, part.size_bytes])?;
        delete.execute(params![workspace, upload, part.id])?;
    }
    Ok(())
}
