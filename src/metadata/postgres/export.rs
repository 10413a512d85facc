//! How far usage is exported, and what is to be exported next. Only rows of the ledger that have their numbers are exported:
//! whatever gets one later comes late.

use super::connections::Session;
use super::failure::Failure;
use super::rows::{number, optional_number, stored};
use super::usage::{self, Behind};
use super::writer::{Change, Lock, Task};
use super::{ledger, outbox};
use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::outbox::NewMessage;
use crate::model::usage::{Dimensions, SlotWidth, UsageQuery};
use tokio_postgres::Row;

pub(super) async fn progress(session: &Session) -> Result<Option<ExportProgress>, Failure> {
    let found = session.row("SELECT until, through_seq, corrections FROM usage_export", &[]).await?;
    let progress = |row: Row| {
        Ok(ExportProgress { until: number(&row, 0)?, through_seq: number(&row, 1)?, corrections: number(&row, 2)? })
    };
    found.map(progress).transpose()
}

/// On a session whose statements all see the same moment.
pub(super) async fn next(
    session: &Session,
    bounds: ExportBounds,
    set_ms: Option<i64>,
) -> Result<(Option<ExportProgress>, NextExport), Failure> {
    let progress = progress(session).await?;
    Ok((progress, behind(session, progress, bounds, set_ms).await?))
}

async fn behind(
    session: &Session,
    progress: Option<ExportProgress>,
    bounds: ExportBounds,
    set_ms: Option<i64>,
) -> Result<NextExport, Failure> {
    let hour = SlotWidth::Hour.seconds();
    let from = match progress {
        Some(progress) => Some(progress.until),
        None => ledger::oldest_ts(session).await?.map(|ts| ts - ts % hour),
    };
    let Some(from) = from else { return Ok(NextExport::Nothing) };
    let over = over(session, bounds.margin_seconds, set_ms).await?;
    if over <= from {
        return Ok(NextExport::Nothing);
    }
    let newest = ledger::newest_seq(session).await?;
    if let Some(progress) = progress {
        let rows = ledger::late(session, progress.through_seq, progress.until, bounds.late_rows).await?;
        let more = rows.len() == usize::try_from(bounds.late_rows).unwrap_or(usize::MAX);
        if let Some(last) = rows.last().map(|row| row.seq) {
            return Ok(NextExport::Late { rows, through_seq: if more { last } else { newest } });
        }
    }
    let until = over.min(from + u64::from(bounds.hours) * hour);
    let by = Dimensions { workspace: true, key: true, purpose: true };
    let query = UsageQuery { start: from, end: until, width: SlotWidth::Hour, workspaces: None, keys: None, by };
    let usage = usage::find(session, &query, Behind::Numbered, set_ms).await?;
    Ok(NextExport::Hours { from, until, through_seq: newest, usage })
}

/// The hours before this second are over: they ended so long ago, and it is not later than the deadline of a File that is
/// still there.
async fn over(session: &Session, margin_seconds: u64, set_ms: Option<i64>) -> Result<u64, Failure> {
    let sql = "SELECT greatest(now_ms($1) / 1000 - $2, 0), min(expires_at) FROM files WHERE expires_at IS NOT NULL";
    let Some(row) = session.row(sql, &[&set_ms, &stored(margin_seconds)]).await? else { return Ok(0) };
    let (latest, deadline) = (number(&row, 0)?, optional_number(&row, 1)?);
    let over = deadline.map_or(latest, |deadline| deadline.min(latest));
    Ok(over - over % SlotWidth::Hour.seconds())
}

pub(super) async fn freeze(
    change: Change<'_>,
    from: Option<ExportProgress>,
    to: ExportProgress,
    messages: &[NewMessage],
) -> Result<bool, Failure> {
    change.begin(&[Lock::Task(Task::Outbox)], async { Ok(()) }).await?;
    if progress(&change).await? != from {
        change.abandon().await?;
        return Ok(false);
    }
    for message in messages {
        if !outbox::insert(&change, message).await? {
            return Err(Failure::Unreadable("a message of the export is there already".to_owned()));
        }
    }
    let sql = "INSERT INTO usage_export (\"only\", until, through_seq, corrections) VALUES (1, $1, $2, $3)
               ON CONFLICT (\"only\") DO UPDATE SET until = excluded.until, through_seq = excluded.through_seq,
               corrections = excluded.corrections";
    change.execute(sql, &[&stored(to.until), &stored(to.through_seq), &stored(to.corrections)]).await?;
    change.commit(async { Ok(()) }).await?;
    Ok(true)
}
