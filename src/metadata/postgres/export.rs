//! The progress of the usage export and its next part. Only numbered rows of the ledger are exported; a row that is
//! numbered later is exported as a correction.

use super::connections::{Session, Values};
use super::failure::Failure;
use super::rows::{self, number, optional_number, stored};
use super::store::{PostgresStore, read, read_long, transaction};
use super::task::Task;
use super::writer::{Lock, Transaction};
use super::{ledger, outbox, usage};
use crate::metadata::error::MetadataError;
use crate::metadata::export::ExportStore;
use crate::metadata::rows::EXPORT;
use crate::metadata::rules::export as rules;
use crate::metadata::rules::usage::Behind;
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use async_trait::async_trait;

#[async_trait]
impl ExportStore for PostgresStore {
    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError> {
        read!(self, |session| progress(session).await)
    }

    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError> {
        ledger::number_all(&self.connections).await?;
        read_long!(self, |session| next(session, bounds).await)
    }

    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError> {
        let messages = messages.as_slice();
        transaction!(self, |tx| {
            tx.begin(&[Lock::Task(Task::Outbox)], async { Ok(()) }).await?;
            if progress(&tx).await? != from {
                tx.rollback().await?;
                return Ok(false);
            }
            for message in messages {
                if !outbox::insert(&tx, message).await? {
                    return Err(Failure::Unreadable("a message of the export is there already".to_owned()));
                }
            }
            note(&tx, to).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(true)
        })
    }
}

pub(super) async fn progress(session: &Session) -> Result<Option<ExportProgress>, Failure> {
    let sql = &format!("SELECT {EXPORT} FROM usage_export");
    session.row(sql, &[]).await?.as_ref().map(rows::read).transpose()
}

/// Returns the progress and the next part. Must run in one snapshot.
pub(super) async fn next(
    session: &Session,
    bounds: ExportBounds,
) -> Result<(Option<ExportProgress>, NextExport), Failure> {
    let progress = progress(session).await?;
    Ok((progress, behind(session, progress, bounds).await?))
}

async fn behind(
    session: &Session,
    progress: Option<ExportProgress>,
    bounds: ExportBounds,
) -> Result<NextExport, Failure> {
    let from = match progress {
        Some(progress) => Some(progress.until),
        None => ledger::oldest_ts(session).await?.map(rules::hour_of),
    };
    let Some(from) = from else { return Ok(NextExport::Nothing) };
    if let Some((progress, part)) = progress.and_then(|progress| Some((progress, progress.part_of_corrections()?))) {
        let (first, through_seq) = (progress.through_seq, part.through_seq);
        let rows = ledger::late(session, (first, through_seq), progress.until, bounds.late_rows).await?;
        return Ok(NextExport::Late { rows, through_seq });
    }
    let (latest, oldest_expiry) = expiry(session, bounds.margin_seconds).await?;
    let over = rules::over(latest, oldest_expiry);
    if over <= from {
        return Ok(NextExport::Nothing);
    }
    let through_seq = if let Some(part) = progress.and_then(|progress| progress.part_of_hour()) {
        part.through_seq
    } else {
        let newest_seq = ledger::newest_seq(session).await?;
        if let Some(progress) = progress {
            let behind = (progress.through_seq, newest_seq);
            let rows = ledger::late(session, behind, progress.until, bounds.late_rows).await?;
            if let Some(late) = rules::late(rows, newest_seq, bounds.late_rows) {
                return Ok(late);
            }
        }
        newest_seq
    };
    let query = rules::hours(progress, from, over, bounds);
    let usage = usage::find(session, &query, Behind::Through(through_seq)).await?;
    Ok(NextExport::Hours { from, until: query.end, through_seq, usage })
}

/// Returns the newest second whose hour may be exported, and the oldest expiry of a File that still has a row.
async fn expiry(session: &Session, margin_seconds: u64) -> Result<(u64, Option<u64>), Failure> {
    let sql = "SELECT greatest(now_ms() / 1000 - $1, 0), min(expires_at) FROM files WHERE expires_at IS NOT NULL";
    let Some(row) = session.row(sql, &[&stored(margin_seconds)]).await? else { return Ok((0, None)) };
    Ok((number(&row, 0)?, optional_number(&row, 1)?))
}

async fn note(tx: &Transaction<'_>, progress: ExportProgress) -> Result<(), Failure> {
    let sql =
        "INSERT INTO usage_export (\"only\", until, through_seq, corrections, part_through_seq, part_number, part_hour,
                   part_line_item, part_workspace_id, part_api_key_id, part_purpose)
               VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
               ON CONFLICT (\"only\") DO UPDATE SET until = excluded.until, through_seq = excluded.through_seq,
                   corrections = excluded.corrections, part_through_seq = excluded.part_through_seq,
                   part_number = excluded.part_number, part_hour = excluded.part_hour,
                   part_line_item = excluded.part_line_item, part_workspace_id = excluded.part_workspace_id,
                   part_api_key_id = excluded.part_api_key_id, part_purpose = excluded.part_purpose";
    let (part, after) = (progress.part, progress.part.map(|part| part.after));
    let [until, through_seq, corrections] = [progress.until, progress.through_seq, progress.corrections].map(stored);
    let (part_through_seq, number) = (part.map(|part| stored(part.through_seq)), part.map(|part| stored(part.number)));
    let (hour, item) = (after.map(|after| stored(after.hour)), after.map(|after| after.item.name()));
    let workspace = after.and_then(|after| after.group.workspace).map(|id| id.to_string());
    let key = after.and_then(|after| after.group.key).map(|id| id.to_string());
    let purpose = after.and_then(|after| after.group.purpose);
    let values: Values<'_> =
        &[&until, &through_seq, &corrections, &part_through_seq, &number, &hour, &item, &workspace, &key, &purpose];
    tx.execute(sql, values).await.map(drop)
}
