//! Rows of Uploads and their parts. A refusal is decided before anything is written.

use super::rows::{self, named, parsed};
use super::writer::Change;
use super::{blobs, expiries, files, ledger, limits, releases};
use crate::model::blob::StoredBlob;
use crate::model::caller::{Caller, Refused};
use crate::model::digest::Sha256Digest;
use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, FileDigest};
use crate::model::filename::Filename;
use crate::model::ids::{FileId, PartId, UploadId, WorkspaceId};
use crate::model::ledger::Fact;
use crate::model::limits::{Limits, StorageUsage};
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use crate::model::upload::{Completion, MAX_PARTS, NewPart, NewUpload, Part, Upload, UploadRefusal, UploadStatus};
use crate::random;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// An Upload and what clients do not see of it.
struct UploadRow {
    upload: Upload,
    expires_after: Option<ExpiresAfter>,
    completion: Option<[u8; 32]>,
}

/// A part that a File is completed from.
struct ChosenPart {
    id: PartId,
    sha256: [u8; 32],
    stored: StoredBlob,
}

pub(super) fn create(
    connection: &Connection,
    workspace: WorkspaceId,
    new: NewUpload,
    now_seconds: u64,
) -> Result<Upload> {
    let id = UploadId::new(now_seconds, random::bytes());
    let expires_at = now_seconds + new.ttl_seconds;
    let expires_after = expiries::decide(connection, workspace, new.purpose, new.expires_after)?;
    let sql = "INSERT INTO uploads (workspace_id, id, size_bytes, filename, purpose, lives_seconds, expires_at, status)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending')";
    connection.prepare_cached(sql)?.execute(params![
        workspace.to_string(),
        id.to_string(),
        new.size_bytes,
        new.filename.as_str(),
        new.purpose.name(),
        expires_after.map(ExpiresAfter::as_seconds),
        expires_at,
    ])?;
    let (size_bytes, filename, purpose) = (new.size_bytes, new.filename, new.purpose);
    let status = UploadStatus::Pending;
    Ok(Upload { id, size_bytes, filename, purpose, expires_at, status, file: None, parts_bytes: 0, part_count: 0 })
}

pub(super) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: UploadId,
    now_seconds: u64,
) -> Result<Option<Upload>> {
    Ok(find_row(connection, workspace, id, now_seconds)?.map(|row| row.upload))
}

pub(super) fn create_part(
    connection: &Connection,
    caller: Caller,
    upload: UploadId,
    new: &NewPart,
    quotas: &Limits,
    now_seconds: u64,
) -> Result<std::result::Result<std::result::Result<Option<Part>, UploadRefusal>, Refused>> {
    let (workspace, size_bytes) = (caller.workspace, new.content.size_bytes);
    let Some(row) = find_row(connection, workspace, upload, now_seconds)? else {
        return Ok(Ok(Err(UploadRefusal::NotFound)));
    };
    let more_bytes = match row.upload.check_part(size_bytes) {
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

pub(super) fn list_parts(
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

pub(super) fn find_part_blobs(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    parts: &[PartId],
    now_seconds: u64,
) -> Result<std::result::Result<Vec<StoredBlob>, UploadRefusal>> {
    let snapshot = connection.unchecked_transaction()?;
    let row = match find_pending(&snapshot, workspace, upload, now_seconds)? {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let chosen = choose(&snapshot, workspace, &row.upload, parts)?;
    Ok(chosen.map(|chosen| chosen.into_iter().map(|part| part.stored).collect()))
}

pub(super) fn complete(
    change: &mut Change<'_>,
    caller: Caller,
    upload: UploadId,
    completion: &Completion,
    quotas: &Limits,
    now_ms: u64,
) -> Result<std::result::Result<std::result::Result<Upload, UploadRefusal>, Refused>> {
    let (workspace, now_seconds) = (caller.workspace, now_ms / 1000);
    let fingerprint = fingerprint(&completion.parts);
    let Some(row) = find_row(change.connection, workspace, upload, now_seconds)? else {
        return Ok(Ok(Err(UploadRefusal::NotFound)));
    };
    match row.upload.status {
        UploadStatus::Pending => {}
        UploadStatus::Completed if row.completion == Some(fingerprint) => return Ok(Ok(Ok(row.upload))),
        status => return Ok(Ok(Err(UploadRefusal::NotPending(status)))),
    }
    let chosen = match choose(change.connection, workspace, &row.upload, &completion.parts)? {
        Ok(chosen) => chosen,
        Err(refusal) => return Ok(Ok(Err(refusal))),
    };
    let (size_bytes, reserved_bytes) = (row.upload.size_bytes, row.upload.reserved_bytes());
    let refuse = |usage: StorageUsage| usage.without_upload(reserved_bytes).refuse(quotas, size_bytes);
    if let Some(refused) = limits::refuse_by(change.connection, caller, quotas, refuse)? {
        return Ok(Err(refused));
    }
    let file = insert_file(change, workspace, &row, &chosen, completion.sha256, now_ms)?;
    ledger::begin(change.connection, caller, &file, Fact::Complete)?;
    take_parts(change.connection, workspace, upload, &chosen)?;
    discard_parts(change.connection, workspace, upload)?;
    let sql =
        "UPDATE uploads SET status = 'completed', file_id = ?3, completion = ?4 WHERE workspace_id = ?1 AND id = ?2";
    let values = params![workspace.to_string(), upload.to_string(), file.id.to_string(), fingerprint];
    change.connection.prepare_cached(sql)?.execute(values)?;
    Ok(Ok(Ok(Upload { status: UploadStatus::Completed, file: Some(file), ..row.upload })))
}

pub(super) fn cancel(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: UploadId,
    now_seconds: u64,
) -> Result<std::result::Result<Upload, UploadRefusal>> {
    let Some(row) = find_row(connection, workspace, upload, now_seconds)? else {
        return Ok(Err(UploadRefusal::NotFound));
    };
    match row.upload.status {
        UploadStatus::Pending => {}
        UploadStatus::Cancelled => return Ok(Ok(row.upload)),
        status => return Ok(Err(UploadRefusal::NotPending(status))),
    }
    end(connection, &workspace.to_string(), &upload.to_string(), UploadStatus::Cancelled)?;
    discard_parts(connection, workspace, upload)?;
    Ok(Ok(Upload { status: UploadStatus::Cancelled, ..row.upload }))
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
        let expired = status == UploadStatus::Pending && expires_at <= now_seconds;
        let upload = Upload {
            id,
            size_bytes: row.get(0)?,
            filename: Filename::stored(row.get(1)?),
            purpose: named(row, 2, Purpose::named)?,
            expires_at,
            status: if expired { UploadStatus::Expired } else { status },
            file: None,
            parts_bytes: row.get(8)?,
            part_count: row.get(9)?,
        };
        let expires_after = row.get::<_, Option<u64>>(3)?.map(ExpiresAfter::stored);
        let file: Option<FileId> = rows::optional(row, 6)?;
        Ok((UploadRow { upload, expires_after, completion: row.get(7)? }, file))
    };
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params![workspace.to_string(), id.to_string()], upload).optional()?;
    let Some((mut row, file)) = found else { return Ok(None) };
    if let Some(file) = file {
        row.upload.file = files::find(connection, workspace, file, now_seconds)?;
    }
    Ok(Some(row))
}

fn find_pending(
    connection: &Connection,
    workspace: WorkspaceId,
    id: UploadId,
    now_seconds: u64,
) -> Result<std::result::Result<UploadRow, UploadRefusal>> {
    Ok(match find_row(connection, workspace, id, now_seconds)? {
        None => Err(UploadRefusal::NotFound),
        Some(row) if row.upload.status == UploadStatus::Pending => Ok(row),
        Some(row) => Err(UploadRefusal::NotPending(row.upload.status)),
    })
}

/// The named parts, if each is there, none is named twice, and together they have the declared length.
fn choose(
    connection: &Connection,
    workspace: WorkspaceId,
    upload: &Upload,
    parts: &[PartId],
) -> Result<std::result::Result<Vec<ChosenPart>, UploadRefusal>> {
    let sql =
        "SELECT b.id, p.size_bytes, b.checksums, b.content, p.sha256 FROM parts p JOIN blobs b ON b.id = p.blob_id
               WHERE p.workspace_id = ?1 AND p.upload_id = ?2 AND p.id = ?3";
    let mut select = connection.prepare_cached(sql)?;
    let (mut seen, mut chosen) = (HashSet::new(), Vec::with_capacity(parts.len()));
    for id in parts {
        if !seen.insert(*id) {
            return Ok(Err(UploadRefusal::RepeatedPart(*id)));
        }
        let values = params![workspace.to_string(), upload.id.to_string(), id.to_string()];
        let part = |row: &Row<'_>| Ok(ChosenPart { id: *id, sha256: row.get(4)?, stored: rows::blob(row, 0)? });
        match select.query_row(values, part).optional()? {
            Some(part) => chosen.push(part),
            None => return Ok(Err(UploadRefusal::UnknownPart(*id))),
        }
    }
    let sum_bytes = chosen.iter().map(|part| part.stored.size_bytes).sum();
    if sum_bytes != upload.size_bytes {
        return Ok(Err(UploadRefusal::WrongSize { sum_bytes, size_bytes: upload.size_bytes }));
    }
    Ok(Ok(chosen))
}

fn insert_file(
    change: &mut Change<'_>,
    workspace: WorkspaceId,
    row: &UploadRow,
    chosen: &[ChosenPart],
    whole: Option<Sha256Digest>,
    now_ms: u64,
) -> Result<File> {
    let id = files::next_id(change, now_ms);
    let of_parts = chosen.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part.sha256));
    let upload = &row.upload;
    let file = File {
        id,
        purpose: upload.purpose,
        filename: upload.filename.clone(),
        size_bytes: upload.size_bytes,
        digest: FileDigest::Parts {
            of_parts: Sha256Digest(of_parts.finalize().into()),
            count: u32::try_from(chosen.len()).unwrap_or(MAX_PARTS),
            whole,
        },
        expires_at: row.expires_after.map(|after| after.at(id.created_at())),
        status_details: None,
    };
    files::insert(change.connection, workspace, &file, None)?;
    let sql =
        "INSERT INTO file_parts (workspace_id, file_id, position, blob_id, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = change.connection.prepare_cached(sql)?;
    for (position, part) in chosen.iter().enumerate() {
        let (blob, size_bytes) = (part.stored.blob.to_string(), part.stored.size_bytes);
        insert.execute(params![workspace.to_string(), id.to_string(), position, blob, size_bytes])?;
    }
    Ok(file)
}

/// Removes the rows of parts whose blobs belong to a File now.
fn take_parts(connection: &Connection, workspace: WorkspaceId, upload: UploadId, chosen: &[ChosenPart]) -> Result<()> {
    let sql = "DELETE FROM parts WHERE workspace_id = ?1 AND upload_id = ?2 AND id = ?3";
    let mut delete = connection.prepare_cached(sql)?;
    chosen.iter().try_for_each(|part| {
        delete.execute(params![workspace.to_string(), upload.to_string(), part.id.to_string()]).map(drop)
    })
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
pub(super) fn forget(connection: &Connection, until: u64, limit: u32) -> Result<usize> {
    let sql = "DELETE FROM uploads WHERE (workspace_id, id) IN
               (SELECT workspace_id, id FROM uploads WHERE status <> 'pending' AND expires_at <= ?1
                ORDER BY expires_at LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![until, limit])
}

fn end(connection: &Connection, workspace: &str, upload: &str, status: UploadStatus) -> Result<()> {
    let sql = "UPDATE uploads SET status = ?3 WHERE workspace_id = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute([workspace, upload, status.name()]).map(drop)
}

/// What tells one choice of parts from another.
fn fingerprint(parts: &[PartId]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part.to_string())).finalize().into()
}
