//! How far usage is exported, and what is to be exported next.

use super::rows::{named, optional};
use super::store::SqliteStore;
use super::{ledger, outbox, usage};
use crate::metadata::error::MetadataError;
use crate::metadata::export::ExportStore;
use crate::metadata::rules::columns::EXPORT;
use crate::metadata::rules::usage::Behind;
use crate::model::export::{ExportBounds, ExportPart, ExportPlace, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::{Dimensions, Group, SlotWidth, UsageQuery};
use async_trait::async_trait;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};

#[async_trait]
impl ExportStore for SqliteStore {
    async fn export_progress(&self) -> Result<Option<ExportProgress>, MetadataError> {
        self.readers.point(progress)
    }

    async fn next_export(&self, bounds: ExportBounds) -> Result<(Option<ExportProgress>, NextExport), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers.long(move |connection| next(connection, bounds, now_seconds)).await
    }

    async fn freeze_export(
        &self,
        from: Option<ExportProgress>,
        to: ExportProgress,
        messages: Vec<NewMessage>,
    ) -> Result<bool, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| freeze(change.connection, from, to, &messages, now_seconds)).await
    }
}

pub(super) fn progress(connection: &Connection) -> Result<Option<ExportProgress>> {
    let sql = &format!("SELECT {EXPORT} FROM usage_export");
    let progress = |row: &Row<'_>| {
        let (until, through_seq, corrections) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(ExportProgress { until, through_seq, corrections, part: part(row)? })
    };
    connection.prepare_cached(sql)?.query_row([], progress).optional()
}

/// The columns of a part, from the fourth on.
fn part(row: &Row<'_>) -> Result<Option<ExportPart>> {
    let Some(through_seq) = row.get(3)? else { return Ok(None) };
    let purpose = row.get_ref(9)?.as_str_or_null()?.map(|_| named(row, 9, Purpose::named)).transpose()?;
    let group = Group::of(optional(row, 7)?, optional(row, 8)?, purpose);
    let after = ExportPlace { hour: row.get(5)?, group, item: named(row, 6, LineItem::named)? };
    Ok(Some(ExportPart { through_seq, number: row.get(4)?, after }))
}

/// On a connection whose reads all see the same moment.
fn next(
    connection: &Connection,
    bounds: ExportBounds,
    now_seconds: u64,
) -> Result<(Option<ExportProgress>, NextExport)> {
    let snapshot = connection.unchecked_transaction()?;
    let progress = progress(&snapshot)?;
    Ok((progress, behind(&snapshot, progress, bounds, now_seconds)?))
}

fn behind(
    snapshot: &Connection,
    progress: Option<ExportProgress>,
    bounds: ExportBounds,
    now_seconds: u64,
) -> Result<NextExport> {
    let hour = SlotWidth::Hour.seconds();
    let from = match progress {
        Some(progress) => Some(progress.until),
        None => ledger::oldest_ts(snapshot)?.map(|ts| ts - ts % hour),
    };
    let Some(from) = from else { return Ok(NextExport::Nothing) };
    if let Some((progress, part)) = progress.and_then(|progress| Some((progress, progress.part_of_corrections()?))) {
        let (first, through_seq) = (progress.through_seq, part.through_seq);
        let rows = ledger::late(snapshot, (first, through_seq), progress.until, bounds.late_rows)?;
        return Ok(NextExport::Late { rows, through_seq });
    }
    let over = over(snapshot, now_seconds.saturating_sub(bounds.margin_seconds))?;
    if over <= from {
        return Ok(NextExport::Nothing);
    }
    let part = progress.and_then(|progress| progress.part_of_hour());
    let through_seq = match part {
        Some(part) => part.through_seq,
        None => ledger::newest_seq(snapshot)?,
    };
    if part.is_none()
        && let Some(late) = late(snapshot, progress, through_seq, bounds)?
    {
        return Ok(late);
    }
    let hours = if part.is_some() { 1 } else { u64::from(bounds.hours) };
    let until = over.min(from + hours * hour);
    let by = Dimensions { workspace: true, key: true, purpose: true };
    let query = UsageQuery { start: from, end: until, width: SlotWidth::Hour, workspaces: None, keys: None, by };
    let usage = usage::find(snapshot, &query, Behind::Through(through_seq), now_seconds)?;
    Ok(NextExport::Hours { from, until, through_seq, usage })
}

/// The rows that tell of hours that are exported already, if there are any.
fn late(
    snapshot: &Connection,
    progress: Option<ExportProgress>,
    newest: u64,
    bounds: ExportBounds,
) -> Result<Option<NextExport>> {
    let Some(progress) = progress else { return Ok(None) };
    let rows = ledger::late(snapshot, (progress.through_seq, newest), progress.until, bounds.late_rows)?;
    let more = rows.len() == usize::try_from(bounds.late_rows).unwrap_or(usize::MAX);
    let last = rows.last().map(|row| row.seq);
    Ok(last.map(|last| NextExport::Late { rows, through_seq: if more { last } else { newest } }))
}

/// The hours before this second are over: it is not later than `latest`, nor than the deadline of a File that is still there.
fn over(snapshot: &Connection, latest: u64) -> Result<u64> {
    let sql = "SELECT min(expires_at) FROM files WHERE expires_at IS NOT NULL";
    let deadline: Option<u64> = snapshot.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    let over = deadline.map_or(latest, |deadline| deadline.min(latest));
    Ok(over - over % SlotWidth::Hour.seconds())
}

fn freeze(
    connection: &Connection,
    from: Option<ExportProgress>,
    to: ExportProgress,
    messages: &[NewMessage],
    now_seconds: u64,
) -> Result<bool> {
    if progress(connection)? != from {
        return Ok(false);
    }
    for message in messages {
        if !outbox::add(connection, message, now_seconds)? {
            return Err(Error::StatementChangedRows(0));
        }
    }
    let sql =
        "INSERT OR REPLACE INTO usage_export (only, until, through_seq, corrections, part_through_seq, part_number,
                   part_hour, part_line_item, part_workspace_id, part_api_key_id, part_purpose)
               VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (part, after) = (to.part, to.part.map(|part| part.after));
    connection.prepare_cached(sql)?.execute(params![
        to.until,
        to.through_seq,
        to.corrections,
        part.map(|part| part.through_seq),
        part.map(|part| part.number),
        after.map(|after| after.hour),
        after.map(|after| after.item.name()),
        after.and_then(|after| after.group.workspace).map(|id| id.to_string()),
        after.and_then(|after| after.group.key).map(|id| id.to_string()),
        after.and_then(|after| after.group.purpose),
    ])?;
    Ok(true)
}
