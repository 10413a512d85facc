//! Rows of the ledger: added in the transaction of the fact, never changed, never removed but for [reads](super::merges).

use super::audit;
use super::rows::{self, named, parsed};
use crate::model::adjustment::{Adjusted, NewAdjustment, row_of_event};
use crate::model::audit::{Action, NewEntry, Origin};
use crate::model::caller::Caller;
use crate::model::file::File;
use crate::model::ids::{ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, LedgerRow, Reads};
use crate::model::page::Page;
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};
use serde_json::json;

/// What [`ledger_row`] reads.
pub(super) const COLUMNS: &str =
    "seq, event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, line_item, bytes, count, request_id,
    reverses, note, actor";

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
pub(super) fn newest_event(connection: &Connection) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT event_id FROM ledger ORDER BY seq DESC LIMIT 1")?;
    select.query_row([], |row| row.get(0)).optional()
}

/// Whether there is a row of this `event_id`.
pub(super) fn has_event(connection: &Connection, event_id: &str) -> Result<bool> {
    let mut select = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM ledger WHERE event_id = ?1)")?;
    select.query_row([event_id], |row| row.get(0))
}

/// Enters what was read since the batch before this one; a batch that is entered already is left out.
pub(super) fn add_reads(
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
pub(super) fn adjust(connection: &Connection, new: &NewAdjustment, origin: Origin, now_ms: u64) -> Result<Adjusted> {
    let event_id = new.event_id();
    if let Some(known) = find(connection, &event_id)? {
        return Ok(if new.is(&known) { Adjusted::Known(known) } else { Adjusted::NameTaken });
    }
    if let Some(reversed) = &new.reverses {
        let row = find(connection, &row_of_event(reversed))?.filter(|row| row.workspace == new.workspace);
        if !row.is_some_and(|row| row.lines().iter().any(|line| line.event_id == *reversed)) {
            return Ok(Adjusted::NoSuchEvent);
        }
    }
    let (bytes, count) = if new.item.is_counted() { (0, new.quantity) } else { (new.quantity, 0) };
    let sql = format!(
        "INSERT INTO ledger ({COLUMNS}) VALUES (NULL, ?1, ?2, ?3, ?4, ?5, NULL, NULL, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
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
    let details =
        json!({"line_item": new.item.name(), "quantity": new.quantity.to_string(), "reason": new.reason.as_str()});
    let (action, workspace, object) = (Action::UsageAdjusted, Some(new.workspace), event_id.clone());
    audit::note(connection, origin, NewEntry { action, workspace, object, details: Some(details) }, now_ms)?;
    find(connection, &event_id)?.map(Adjusted::Entered).ok_or(Error::QueryReturnedNoRows)
}

fn find(connection: &Connection, event_id: &str) -> Result<Option<LedgerRow>> {
    let sql = format!("SELECT {COLUMNS} FROM ledger WHERE event_id = ?1");
    connection.prepare_cached(&sql)?.query_row([event_id], ledger_row).optional()
}

pub(super) fn list(
    connection: &Connection,
    workspace: Option<WorkspaceId>,
    after_seq: u64,
    limit: u32,
) -> Result<Page<LedgerRow>> {
    let (index, owned) = match workspace {
        Some(_) => ("INDEXED BY ledger_by_workspace", "workspace_id = ?2"),
        None => ("NOT INDEXED", "?2 IS NULL"),
    };
    let sql = format!("SELECT {COLUMNS} FROM ledger {index} WHERE seq > ?1 AND {owned} ORDER BY seq LIMIT ?3");
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
    let sql = format!("SELECT {COLUMNS} FROM ledger WHERE seq > ?1 AND seq <= ?4 AND ts < ?2 ORDER BY seq LIMIT ?3");
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
