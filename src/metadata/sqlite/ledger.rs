//! Rows of the ledger: added in the transaction of the fact, never changed, never removed but for [reads](super::merges).

use super::audit;
use super::rows::{self, named, parsed};
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::ledger::LedgerStore;
use crate::metadata::rules;
use crate::metadata::rules::columns::LEDGER;
use crate::model::adjustment::{Adjusted, NewAdjustment, row_of_event};
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::file::File;
use crate::model::ids::{ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, LedgerRow, Reads};
use crate::model::page::Page;
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.writer.write(move |change| add_reads(change.connection, process, first_number, &reads, now_seconds)).await
    }

    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError> {
        let now_ms = self.clock.now_ms();
        self.writer.write(move |change| adjust(change.connection, &new, origin, now_ms)).await
    }

    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError> {
        self.readers.long(move |connection| list(connection, workspace, after_seq, limit)).await
    }

    async fn newest_event(&self) -> Result<Option<String>, MetadataError> {
        self.readers.point(newest_event)
    }

    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError> {
        self.readers.point(|connection| has_event(connection, event_id))
    }
}

/// A File has come.
pub(super) fn begin(connection: &Connection, caller: Caller, file: &File, fact: Fact) -> Result<()> {
    let sql =
        "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count, request_id)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9)";
    let id = file.id.to_string();
    connection.prepare_cached(sql)?.execute(params![
        format!("st+:{id}"),
        file.created_at(),
        fact.name(),
        caller.workspace.to_string(),
        caller.key.to_string(),
        file.purpose.name(),
        id,
        file.size_bytes,
        caller.request.to_string(),
    ])?;
    Ok(())
}

/// A File has gone: at the second in which it expired, if it did, whenever that is found out. What it came with is repeated.
pub(super) fn end(connection: &Connection, file: &str, expires_at: Option<u64>, now_seconds: u64) -> Result<()> {
    let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count)
               SELECT 'st-:' || file_id, max(ts, ?2), 'end', workspace_id, api_key_id, purpose, file_id, -bytes, 0
               FROM ledger WHERE event_id = 'st+:' || ?1";
    let ended_at = expires_at.map_or(now_seconds, |expires_at| expires_at.min(now_seconds));
    connection.prepare_cached(sql)?.execute(params![file, ended_at]).map(drop)
}

/// The `event_id` of the newest row.
fn newest_event(connection: &Connection) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT event_id FROM ledger ORDER BY seq DESC LIMIT 1")?;
    select.query_row([], |row| row.get(0)).optional()
}

/// Whether there is a row of this `event_id`.
fn has_event(connection: &Connection, event_id: &str) -> Result<bool> {
    let mut select = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM ledger WHERE event_id = ?1)")?;
    select.query_row([event_id], |row| row.get(0))
}

/// Enters what was read since the batch before this one; a batch that is entered already is left out.
fn add_reads(
    connection: &Connection,
    process: ProcessId,
    first_number: u64,
    reads: &[Reads],
    now_seconds: u64,
) -> Result<()> {
    let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, bytes, count)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (event_id) DO NOTHING";
    let mut insert = connection.prepare_cached(sql)?;
    for (number, reads) in (first_number..).zip(reads) {
        insert.execute(params![
            format!("rd:{process}:{number}"),
            now_seconds,
            Fact::Read(reads.op).name(),
            reads.workspace.to_string(),
            reads.key.to_string(),
            reads.purpose.map(Purpose::name),
            reads.bytes,
            reads.count,
        ])?;
    }
    Ok(())
}

/// Enters a correction, once under its name.
fn adjust(connection: &Connection, new: &NewAdjustment, origin: Origin, now_ms: u64) -> Result<Adjusted> {
    let event_id = new.event_id();
    let reversed = new.reverses.as_ref().map(|event| find(connection, &row_of_event(event))).transpose()?.flatten();
    if let Some(refused) = rules::adjustments::refuse(new, find(connection, &event_id)?, reversed.as_ref()) {
        return Ok(refused);
    }
    let (bytes, count) = rules::adjustments::amounts(new);
    let sql =
        format!("INSERT INTO ledger ({LEDGER}) VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
    connection.prepare_cached(&sql)?.execute(params![
        event_id,
        now_ms / 1000,
        Fact::Adjustment(new.item).name(),
        new.workspace.to_string(),
        new.key.map(|key| key.to_string()),
        new.item.name(),
        bytes,
        count,
        origin.request.map(|request| request.to_string()),
        new.reverses,
        new.reason.as_str(),
        origin.actor.to_string(),
    ])?;
    audit::note(connection, origin, rules::audit::adjustment(new), now_ms)?;
    find(connection, &event_id)?.map(Adjusted::Entered).ok_or(Error::QueryReturnedNoRows)
}

fn find(connection: &Connection, event_id: &str) -> Result<Option<LedgerRow>> {
    let sql = format!("SELECT seq, {LEDGER} FROM ledger WHERE event_id = ?1");
    connection.prepare_cached(&sql)?.query_row([event_id], ledger_row).optional()
}

fn list(
    connection: &Connection,
    workspace: Option<WorkspaceId>,
    after_seq: u64,
    limit: u32,
) -> Result<Page<LedgerRow>> {
    let (index, owned) = match workspace {
        Some(_) => ("INDEXED BY ledger_by_workspace", "workspace_id = ?2"),
        None => ("NOT INDEXED", "?2 IS NULL"),
    };
    let sql = format!("SELECT seq, {LEDGER} FROM ledger {index} WHERE seq > ?1 AND {owned} ORDER BY seq LIMIT ?3");
    let values = params![after_seq, workspace.map(|id| id.to_string()), u64::from(limit) + 1];
    let rows = connection.prepare_cached(&sql)?.query_map(values, ledger_row)?.collect::<Result<_>>()?;
    Ok(Page::cut(rows, limit))
}

/// At most `limit` rows behind a row, and up to another, that tell of what was before a second, in the order of commits.
pub(super) fn late(
    connection: &Connection,
    (after_seq, through_seq): (u64, u64),
    before: u64,
    limit: u32,
) -> Result<Vec<LedgerRow>> {
    let sql =
        format!("SELECT seq, {LEDGER} FROM ledger WHERE seq > ?1 AND seq <= ?4 AND ts < ?2 ORDER BY seq LIMIT ?3");
    connection.prepare_cached(&sql)?.query_map(params![after_seq, before, limit, through_seq], ledger_row)?.collect()
}

/// The newest row; 0 when there is none.
pub(super) fn newest_seq(connection: &Connection) -> Result<u64> {
    connection.prepare_cached("SELECT coalesce(max(seq), 0) FROM ledger")?.query_row([], |row| row.get(0))
}

/// The second of the oldest fact.
pub(super) fn oldest_ts(connection: &Connection) -> Result<Option<u64>> {
    let sql = "SELECT min((SELECT min(l.ts) FROM ledger l WHERE l.workspace_id = w.id)) FROM workspaces w";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

pub(super) fn ledger_row(row: &Row<'_>) -> Result<LedgerRow> {
    let line_item: Option<String> = row.get(8)?;
    let name: String = row.get(3)?;
    let fact = Fact::named(&name, line_item.as_deref().and_then(LineItem::named));
    Ok(LedgerRow {
        seq: row.get(0)?,
        event_id: row.get(1)?,
        ts: row.get(2)?,
        fact: fact.ok_or_else(|| Error::InvalidColumnType(3, name, Type::Text))?,
        workspace: parsed(row, 4)?,
        key: rows::optional(row, 5)?,
        purpose: row.get_ref(6)?.as_str_or_null()?.map(|_| named(row, 6, Purpose::named)).transpose()?,
        file: rows::optional(row, 7)?,
        bytes: row.get(9)?,
        count: row.get(10)?,
        request: rows::optional(row, 11)?,
        reverses: row.get(12)?,
        note: row.get(13)?,
        actor: rows::optional(row, 14)?,
    })
}
