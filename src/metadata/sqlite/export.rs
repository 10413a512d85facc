//! How far usage is exported, and what is to be exported next.

use super::{ledger, outbox, usage};
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use crate::model::usage::{Dimensions, SlotWidth, UsageQuery};
use rusqlite::{Connection, Error, OptionalExtension, Result, params};

pub(super) fn progress(connection: &Connection) -> Result<Option<ExportProgress>> {
    let mut select = connection.prepare_cached("SELECT until, through_seq, corrections FROM usage_export")?;
    let progress = |row: &rusqlite::Row<'_>| {
        Ok(ExportProgress { until: row.get(0)?, through_seq: row.get(1)?, corrections: row.get(2)? })
    };
    select.query_row([], progress).optional()
}

/// On a connection whose reads all see the same moment.
pub(super) fn next(
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
    let over = over(snapshot, now_seconds.saturating_sub(bounds.margin_seconds))?;
    if over <= from {
        return Ok(NextExport::Nothing);
    }
    let newest = ledger::newest_seq(snapshot)?;
    if let Some(progress) = progress {
        let rows = ledger::late(snapshot, progress.through_seq, progress.until, bounds.late_rows)?;
        let more = rows.len() == usize::try_from(bounds.late_rows).unwrap_or(usize::MAX);
        if let Some(last) = rows.last().map(|row| row.seq) {
            return Ok(NextExport::Late { rows, through_seq: if more { last } else { newest } });
        }
    }
    let until = over.min(from + u64::from(bounds.hours) * hour);
    let by = Dimensions { workspace: true, key: true, purpose: true };
    let query = UsageQuery { start: from, end: until, width: SlotWidth::Hour, workspaces: None, keys: None, by };
    let usage = usage::within(snapshot, &query, now_seconds)?;
    Ok(NextExport::Hours { from, until, through_seq: newest, usage })
}

/// The hours before this second are over: it is not later than `latest`, nor than the deadline of a File that is still there.
fn over(snapshot: &Connection, latest: u64) -> Result<u64> {
    let sql = "SELECT min(expires_at) FROM files WHERE expires_at IS NOT NULL";
    let deadline: Option<u64> = snapshot.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    let over = deadline.map_or(latest, |deadline| deadline.min(latest));
    Ok(over - over % SlotWidth::Hour.seconds())
}

pub(super) fn freeze(
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
    let sql = "INSERT INTO usage_export (only, until, through_seq, corrections) VALUES (1, ?1, ?2, ?3)
               ON CONFLICT (only) DO UPDATE SET until = excluded.until, through_seq = excluded.through_seq,
               corrections = excluded.corrections";
    connection.prepare_cached(sql)?.execute(params![to.until, to.through_seq, to.corrections])?;
    Ok(true)
}
