//! The progress of the export of usage, and its next step.

use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{ledger, outbox, usage};
use crate::metadata::error::MetadataError;
use crate::metadata::export::ExportStore;
use crate::metadata::rows::EXPORT;
use crate::metadata::rules::export as rules;
use crate::metadata::rules::usage::Behind;
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use async_trait::async_trait;
use rusqlite::{Connection, Error, Result, params};

#[async_trait]
impl ExportStore for SqliteStore {
    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError> {
        self.readers.point(progress)
    }

    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError> {
        let latest = self.clock.now_seconds().saturating_sub(bounds.margin_seconds);
        self.readers
            .long(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                let progress = progress(&snapshot)?;
                Ok((progress, next(&snapshot, progress, bounds, latest)?))
            })
            .await
    }

    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError> {
        self.writer.write(move |transaction| freeze(transaction, from, to, &messages)).await
    }
}

pub(super) fn progress(connection: &Connection) -> Result<Option<ExportProgress>> {
    connection.row(&format!("SELECT {EXPORT} FROM usage_export"), [], rows::read)
}

/// Returns the next step after `progress`. The hours up to `latest` may be exported.
fn next(
    snapshot: &Connection,
    progress: Option<ExportProgress>,
    bounds: ExportBounds,
    latest: u64,
) -> Result<NextExport> {
    let from = match progress {
        Some(progress) => Some(progress.until),
        None => ledger::oldest_ts(snapshot)?.map(rules::hour_of),
    };
    let Some(from) = from else { return Ok(NextExport::Nothing) };
    if let Some((progress, part)) = progress.and_then(|progress| Some((progress, progress.part_of_corrections()?))) {
        let (first, through_seq) = (progress.through_seq, part.through_seq);
        let rows = ledger::late(snapshot, (first, through_seq), progress.until, bounds.late_rows)?;
        return Ok(NextExport::Late { rows, through_seq });
    }
    let over =
        rules::over(latest, snapshot.value("SELECT min(expires_at) FROM files WHERE expires_at IS NOT NULL", [])?);
    if over <= from {
        return Ok(NextExport::Nothing);
    }
    let through_seq = if let Some(part) = progress.and_then(|progress| progress.part_of_hour()) {
        part.through_seq
    } else {
        let newest_seq = ledger::newest_seq(snapshot)?;
        if let Some(progress) = progress {
            let behind = (progress.through_seq, newest_seq);
            let rows = ledger::late(snapshot, behind, progress.until, bounds.late_rows)?;
            if let Some(late) = rules::late(rows, newest_seq, bounds.late_rows) {
                return Ok(late);
            }
        }
        newest_seq
    };
    let query = rules::hours(progress, from, over, bounds);
    let usage = usage::find(snapshot, &query, Behind::Through(through_seq), latest)?;
    Ok(NextExport::Hours { from, until: query.end, through_seq, usage })
}

fn freeze(
    transaction: &Transaction<'_>,
    from: Option<ExportProgress>,
    to: ExportProgress,
    messages: &[NewMessage],
) -> Result<bool> {
    if progress(transaction)? != from {
        return Ok(false);
    }
    for message in messages {
        if !outbox::add(transaction, message)? {
            return Err(Error::StatementChangedRows(0));
        }
    }
    let sql =
        "INSERT OR REPLACE INTO usage_export (only, until, through_seq, corrections, part_through_seq, part_number,
                   part_hour, part_line_item, part_workspace_id, part_api_key_id, part_purpose)
               VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (part, after) = (to.part, to.part.map(|part| part.after));
    let values = params![
        to.until,
        to.through_seq,
        to.corrections,
        part.map(|part| part.through_seq),
        part.map(|part| part.number),
        after.map(|after| after.hour),
        after.map(|after| after.item.name()),
        after.and_then(|after| after.group.workspace),
        after.and_then(|after| after.group.key),
        after.and_then(|after| after.group.purpose),
    ];
    transaction.change(sql, values)?;
    Ok(true)
}
