//! Rows of Uploads and their parts. A refusal is decided before anything is written.

use super::rows::{self, named, parsed};
use super::store::SqliteStore;
use super::writer::Change;
use super::{answers, blobs, default_expiries, files, ledger, limits, releases};
use crate::metadata::error::MetadataError;
use crate::metadata::room::with_room;
use crate::metadata::rules::uploads as rules;
use crate::metadata::rules::uploads::{CompletionStep, PartRow, UploadRow};
use crate::metadata::uploads::UploadStore;
use crate::model::blob::StoredBlob;
use crate::model::caller::{Caller, Refused};
use crate::model::digest::Sha256Digest;
use crate::model::expiry::ExpiresAfter;
use crate::model::filename::Filename;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::limits::{Limits, StorageUsage};
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use crate::model::upload::{Completion, NewPart, NewUpload, Part, Upload, UploadRefusal, UploadStatus};
use crate::random;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashMap;
use std::sync::Arc;

/// What a change comes to: it is refused, the Upload refuses it, or it is made.
type Outcome<T> = std::result::Result<std::result::Result<T, UploadRefusal>, Refused>;

#[async_trait]
impl UploadStore for SqliteStore {
    async fn create_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, MetadataError> {
        with_room(self, caller.workspace, || self.write_upload(caller, upload.clone(), once.clone())).await
    }

    async fn find_upload(&self, workspace: WorkspaceId, id: UploadId) -> Result<Option<Upload>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.point(|connection| find(connection, workspace, id, now_seconds))
    }

    async fn create_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Idempotency<Part>>,
    ) -> Result<IdempotentOutcome<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        with_room(self, caller.workspace, || self.write_part(caller, upload, part.clone(), once.clone())).await
    }

    async fn list_parts(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        after: Option<PartId>,
        limit: u32,
    ) -> Result<Result<Page<Part>, PartId>, MetadataError> {
        self.readers.long(move |connection| list_parts(connection, workspace, upload, after, limit)).await
    }

    async fn find_part_blobs(
        &self,
        workspace: WorkspaceId,
        upload: UploadId,
        parts: Vec<PartId>,
    ) -> Result<Result<Vec<StoredBlob>, UploadRefusal>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| find_part_blobs(connection, workspace, upload, &parts, now_seconds)).await
    }

    async fn complete_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Completion,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let completion = Arc::new(completion);
        let complete = || self.write_completion(caller, upload, Arc::clone(&completion), once.clone());
        with_room(self, caller.workspace, complete).await
    }

    async fn cancel_upload(
        &self,
        caller: Caller,
        upload: UploadId,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer
            .write_for(caller.workspace, move |change| {
                let work = |change: &mut Change<'_>, _: &Limits| {
                    cancel(change.connection, caller.workspace, upload, now_seconds).map(Ok)
                };
                answers::once(change, caller, once, now_seconds, work, |outcome| outcome.as_ref().ok())
            })
            .await
    }

    async fn forget_uploads(&self, older_than_seconds: u64, limit: u32) -> Result<usize, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.expire(move |connection| forget(connection, until, limit)).await
    }
}

impl SqliteStore {
    async fn write_upload(
        &self,
        caller: Caller,
        upload: NewUpload,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Upload>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let change = move |change: &mut Change<'_>| {
            let work = |change: &mut Change<'_>, quotas: &Limits| match limits::refuse(
                change.connection,
                caller,
                quotas,
                upload.size_bytes,
            )? {
                Some(refused) => Ok(Err(refused)),
                None => create(change.connection, caller.workspace, &upload, now_seconds).map(Ok),
            };
            answers::once(change, caller, once, now_seconds, work, |upload| Some(upload))
        };
        self.writer.write_for(caller.workspace, change).await
    }

    async fn write_part(
        &self,
        caller: Caller,
        upload: UploadId,
        part: NewPart,
        once: Option<Idempotency<Part>>,
    ) -> Result<IdempotentOutcome<Result<Option<Part>, UploadRefusal>>, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        let change = move |change: &mut Change<'_>| {
            let work = |change: &mut Change<'_>, quotas: &Limits| {
                create_part(change.connection, caller, upload, &part, quotas, now_seconds)
            };
            answers::once(change, caller, once, now_seconds, work, |outcome| outcome.as_ref().ok()?.as_ref())
        };
        self.writer.write_for(caller.workspace, change).await
    }

    async fn write_completion(
        &self,
        caller: Caller,
        upload: UploadId,
        completion: Arc<Completion>,
        once: Option<Idempotency<Upload>>,
    ) -> Result<IdempotentOutcome<Result<Upload, UploadRefusal>>, MetadataError> {
        let clock = self.clock.clone();
        let change = move |change: &mut Change<'_>| {
            let now_ms = clock.now_ms();
            let work = |change: &mut Change<'_>, quotas: &Limits| {
                complete(change, caller, upload, &completion, quotas, now_ms)
            };
            answers::once(change, caller, once, now_ms / 1000, work, |outcome| outcome.as_ref().ok())
        };
        self.writer.write_for(caller.workspace, change).await
    }
}

fn create(connection: &Connection, workspace: WorkspaceId, new: &NewUpload, now_seconds: u64) -> Result<Upload> {
    let upload = rules::new_upload(UploadId::new(now_seconds, random::bytes()), new, now_seconds);
    let expires_after = default_expiries::decide(connection, workspace, new.purpose, new.expires_after)?;
    let sql = "INSERT INTO uploads (workspace_id, id, size_bytes, filename, purpose, lives_seconds, expires_at, status)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending')";
    connection.prepare_cached(sql)?.execute(params![
        workspace.to_string(),
        upload.id.to_string(),
        upload.size_bytes,
        upload.filename.as_str(),
        upload.purpose.name(),
        expires_after.map(ExpiresAfter::as_seconds),
        upload.expires_at,
    ])?;
    Ok(upload)
}

fn find(connection: &Connection, workspace: WorkspaceId, id: UploadId, now_seconds: u64) -> Result<Option<Upload>> {
    Ok(find_row(connection, workspace, id, now_seconds)?.map(|row| row.upload))
}

fn create_part(
    connection: &Connection,
    caller: Caller,
    upload: UploadId,
    new: &NewPart,
    quotas: &Limits,
    now_seconds: u64,
) -> Result<Outcome<Option<Part>>> {
    let (workspace, size_bytes) = (caller.workspace, new.content.size_bytes);
    let row = find_row(connection, workspace, upload, now_seconds)?;
    let more_bytes = match rules::growth(row.as_ref(), size_bytes) {
        Ok(more_bytes) => more_bytes,
        Err(refusal) => return Ok(Ok(Err(refusal))),
    };
    let refuse = |usage: StorageUsage| usage.refuse_growth(quotas, more_bytes);
    if let Some(refused) = limits::refuse_by(connection, caller, quotas, refuse)? {
        return Ok(Err(refused));
    }
    if !blobs::claim(connection, workspace, new.blob, &new.content)? {
        return Ok(Ok(Ok(None)));
    }
    let id = PartId::new(now_seconds, random::bytes());
    let sql =
        "INSERT INTO parts (id, workspace_id, upload_id, blob_id, size_bytes, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        id.to_string(),
        workspace.to_string(),
        upload.to_string(),
        new.blob.to_string(),
        size_bytes,
        new.content.sha256.0,
    ])?;
    Ok(Ok(Ok(Some(Part { id, upload, size_bytes, sha256: new.content.sha256 }))))
}

fn list_parts(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    after: Option<PartId>,
    limit: u32,
) -> Result<std::result::Result<Page<Part>, PartId>> {
    let snapshot = connection.unchecked_transaction()?;
    let (workspace, owner) = (workspace.to_string(), upload.to_string());
    let mut behind: i64 = 0;
    if let Some(part) = after {
        let place = "SELECT seq FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3";
        let found =
            snapshot.prepare_cached(place)?.query_row([&workspace, &owner, &part.to_string()], |row| row.get(0));
        match found.optional()? {
            Some(seq) => behind = seq,
            None => return Ok(Err(part)),
        }
    }
    let sql = "SELECT id, size_bytes, sha256 FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND seq > ?3
               ORDER BY seq LIMIT ?4";
    let part = |row: &Row<'_>| {
        Ok(Part { id: parsed(row, 0)?, upload, size_bytes: row.get(1)?, sha256: Sha256Digest(row.get(2)?) })
    };
    let values = params![workspace, owner, behind, u64::from(limit) + 1];
    let rows = snapshot.prepare_cached(sql)?.query_map(values, part)?.collect::<Result<_>>()?;
    Ok(Ok(Page::cut(rows, limit)))
}

fn find_part_blobs(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
    now_seconds: u64,
) -> Result<std::result::Result<Vec<StoredBlob>, UploadRefusal>> {
    let snapshot = connection.unchecked_transaction()?;
    let row = match rules::pending(find_row(&snapshot, workspace, upload, now_seconds)?) {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let chosen = match rules::choose(&row.upload, parts, &find_parts(&snapshot, workspace, upload, parts)?) {
        Ok(chosen) => chosen,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut select = snapshot.prepare_cached("SELECT id, size_bytes, checksums, content FROM blobs WHERE id = ?1")?;
    let blob = |part: &PartRow| select.query_row([part.blob.to_string()], |row| rows::blob(row, 0));
    chosen.iter().map(blob).collect::<Result<_>>().map(Ok)
}

fn complete(
    change: &mut Change<'_>,
    caller: Caller,
    upload: UploadId,
    completion: &Completion,
    quotas: &Limits,
    now_ms: u64,
) -> Result<Outcome<Upload>> {
    let (connection, workspace) = (change.connection, caller.workspace);
    let row = find_row(connection, workspace, upload, now_ms / 1000)?;
    let found = find_parts(connection, workspace, upload, &completion.parts)?;
    let (row, parts) = match rules::complete(row, completion, &found) {
        Ok(CompletionStep::Make(row, parts)) => (row, parts),
        Ok(CompletionStep::Made(upload)) => return Ok(Ok(Ok(upload))),
        Err(refusal) => return Ok(Ok(Err(refusal))),
    };
    let (size_bytes, reserved_bytes) = (row.upload.size_bytes, row.upload.reserved_bytes());
    let refuse = |usage: StorageUsage| usage.without_upload(reserved_bytes).refuse(quotas, size_bytes);
    if let Some(refused) = limits::refuse_by(connection, caller, quotas, refuse)? {
        return Ok(Err(refused));
    }
    let file = rules::file_of_parts(files::next_id(change, now_ms), &row, &parts, completion.sha256);
    files::insert(connection, workspace, &file, None)?;
    ledger::begin(connection, caller, &file, Fact::Complete)?;
    move_parts(connection, workspace, upload, file.id, &parts)?;
    discard_parts(connection, workspace, upload)?;
    let sql =
        "UPDATE uploads SET status = 'completed', file_id = ?3, completion = ?4 WHERE workspace_id = ?1 AND id = ?2";
    let fingerprint = rules::fingerprint(&completion.parts).0;
    let values = params![workspace.to_string(), upload.to_string(), file.id.to_string(), fingerprint];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(Ok(Ok(Upload { status: UploadStatus::Completed, file: Some(file), ..row.upload })))
}

fn cancel(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    now_seconds: u64,
) -> Result<std::result::Result<Upload, UploadRefusal>> {
    let cancelled = rules::cancel(find_row(connection, workspace, upload, now_seconds)?);
    if let Ok((_, true)) = cancelled {
        end(connection, &workspace.to_string(), &upload.to_string(), UploadStatus::Cancelled)?;
        discard_parts(connection, workspace, upload)?;
    }
    Ok(cancelled.map(|(upload, _)| upload))
}

/// Ends at most `limit` pending Uploads of a workspace whose time is over; how many there were.
pub(super) fn expire(connection: &Connection, workspace: WorkspaceId, limit: u32, now_seconds: u64) -> Result<usize> {
    end_some(connection, workspace, now_seconds, limit, UploadStatus::Expired)
}

/// Cancels at most `limit` pending Uploads of a workspace; how many there were.
pub(super) fn cancel_some(connection: &Connection, workspace: WorkspaceId, limit: u32) -> Result<usize> {
    end_some(connection, workspace, i64::MAX as u64, limit, UploadStatus::Cancelled)
}

/// Ends at most `limit` pending Uploads of a workspace that expire by a second; how many there were.
fn end_some(
    connection: &Connection,
    workspace: WorkspaceId,
    expire_by: u64,
    limit: u32,
    status: UploadStatus,
) -> Result<usize> {
    let sql = "SELECT id FROM uploads WHERE workspace_id = ?1 AND status = 'pending' AND expires_at <= ?2
               ORDER BY expires_at LIMIT ?3";
    let pending: Vec<UploadId> = connection
        .prepare_cached(sql)?
        .query_map(params![workspace.to_string(), expire_by, limit], |row| parsed(row, 0))?
        .collect::<Result<_>>()?;
    for upload in &pending {
        end(connection, &workspace.to_string(), &upload.to_string(), status)?;
        discard_parts(connection, workspace, *upload)?;
    }
    Ok(pending.len())
}

fn find_row(
    connection: &Connection,
    workspace: WorkspaceId,
    id: UploadId,
    now_seconds: u64,
) -> Result<Option<UploadRow>> {
    let sql = "SELECT size_bytes, filename, purpose, lives_seconds, expires_at, status, file_id, completion,
                      parts_bytes, part_count
               FROM uploads WHERE workspace_id = ?1 AND id = ?2";
    let upload = |row: &Row<'_>| {
        let (expires_at, status) = (row.get(4)?, named(row, 5, UploadStatus::named)?);
        let upload = Upload {
            id,
            size_bytes: row.get(0)?,
            filename: Filename::stored(row.get(1)?),
            purpose: named(row, 2, Purpose::named)?,
            expires_at,
            status: rules::status(status, expires_at <= now_seconds),
            file: None,
            parts_bytes: row.get(8)?,
            part_count: row.get(9)?,
        };
        let expires_after = row.get::<_, Option<u64>>(3)?.map(ExpiresAfter::stored);
        let file: Option<FileId> = rows::optional(row, 6)?;
        Ok((
            UploadRow { upload, expires_after, completion: row.get::<_, Option<[u8; 32]>>(7)?.map(Sha256Digest) },
            file,
        ))
    };
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params![workspace.to_string(), id.to_string()], upload).optional()?;
    let Some((mut row, file)) = found else { return Ok(None) };
    if let Some(file) = file {
        row.upload.file = files::find(connection, workspace, file, now_seconds)?;
    }
    Ok(Some(row))
}

/// Returns those of these parts that the Upload has.
fn find_parts(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
) -> Result<HashMap<PartId, PartRow>> {
    let sql = "SELECT sha256, blob_id, size_bytes FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3";
    let mut select = connection.prepare_cached(sql)?;
    let (workspace, upload) = (workspace.to_string(), upload.to_string());
    let mut found = HashMap::with_capacity(parts.len());
    for id in parts {
        let part = |row: &Row<'_>| {
            let (sha256, blob) = (Sha256Digest(row.get(0)?), parsed(row, 1)?);
            Ok((*id, PartRow { id: *id, sha256, blob, size_bytes: row.get(2)? }))
        };
        found.extend(select.query_row(params![workspace, upload, id.to_string()], part).optional()?);
    }
    Ok(found)
}

/// Moves parts from an Upload to a File, in this order.
fn move_parts(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    file: FileId,
    parts: &[PartRow],
) -> Result<()> {
    let insert =
        "INSERT INTO file_parts (workspace_id, file_id, position, blob_id, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = connection.prepare_cached(insert)?;
    let mut delete =
        connection.prepare_cached("DELETE FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3")?;
    let (workspace, upload, file) = (workspace.to_string(), upload.to_string(), file.to_string());
    for (position, part) in parts.iter().enumerate() {
        insert.execute(params![workspace, file, position, part.blob.to_string(), part.size_bytes])?;
        delete.execute(params![workspace, upload, part.id.to_string()])?;
    }
    Ok(())
}

/// Leaves the parts of an Upload that ends to be released, if it has any: nobody is given their bytes.
fn discard_parts(connection: &Connection, workspace: WorkspaceId, upload: UploadId) -> Result<()> {
    let (workspace, upload) = (workspace.to_string(), upload.to_string());
    let sql = "SELECT EXISTS (SELECT 1 FROM parts WHERE workspace_id = ?1 AND upload_id = ?2)";
    if connection.prepare_cached(sql)?.query_row([&workspace, &upload], |row| row.get(0))? {
        releases::add(connection, &workspace, &upload, blobs::NOBODY_READS)?;
    }
    Ok(())
}

/// Forgets at most `limit` Uploads that are not pending and whose deadline was at `until` or before; how many there were.
fn forget(connection: &Connection, until: u64, limit: u32) -> Result<usize> {
    let sql = "DELETE FROM uploads WHERE (workspace_id, id) IN
               (SELECT workspace_id, id FROM uploads WHERE status <> 'pending' AND expires_at <= ?1
                ORDER BY expires_at LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![until, limit])
}

fn end(connection: &Connection, workspace: &str, upload: &str, status: UploadStatus) -> Result<()> {
    let sql = "UPDATE uploads SET status = ?3 WHERE workspace_id = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute([workspace, upload, status.name()]).map(drop)
}
