//! Rows of the ledger: added in the transaction of the fact, never changed, never removed but for
//! [reads](super::merges).

use super::audit;
use super::queries::Queries;
use super::rows;
use super::store::SqliteStore;
use super::transaction::Transaction;
use crate::metadata::error::MetadataError;
use crate::metadata::ledger::LedgerStore;
use crate::metadata::rows::LEDGER;
use crate::metadata::rules;
use crate::metadata::rules::ledger::{created_event, reads_event};
use crate::model::adjustment::{Adjusted, NewAdjustment, row_of_event};
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::file::File;
use crate::model::ids::{ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, LedgerRow, Reads};
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use rusqlite::{Connection, Error, Result, params};

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError> {
        self.writer
            .write(move |transaction| {
                let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, dialect, bytes,
                               count)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (event_id) DO NOTHING";
                let mut insert = transaction.prepare_cached(sql)?;
                for (number, reads) in (first_number..).zip(reads) {
                    insert.execute(params![
                        reads_event(process, number),
                        transaction.now_seconds(),
                        Fact::Read(reads.op).name(),
                        reads.workspace,
                        reads.key,
                        reads.purpose.map(Purpose::name),
                        reads.dialect.name(),
                        reads.bytes,
                        reads.count,
                    ])?;
                }
                Ok(())
            })
            .await
    }

    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError> {
        self.writer.write(move |transaction| adjust(transaction, &new, origin)).await
    }

    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError> {
        let (index, owned) = match workspace {
            Some(_) => ("INDEXED BY ledger_by_workspace", "workspace_id = ?2"),
            None => ("NOT INDEXED", "?2 IS NULL"),
        };
        let sql = format!("SELECT seq, {LEDGER} FROM ledger {index} WHERE seq > ?1 AND {owned} ORDER BY seq LIMIT ?3");
        self.readers
            .long(move |connection| {
                let values = params![after_seq, workspace, u64::from(limit) + 1];
                Ok(Page::cut(connection.rows(&sql, values, rows::read)?, limit))
            })
            .await
    }

    async fn newest_event(&self) -> Result<Option<String>, MetadataError> {
        let sql = "SELECT event_id FROM ledger ORDER BY seq DESC LIMIT 1";
        self.readers.point(|connection| connection.row(sql, [], |row| row.get(0)))
    }

    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM ledger WHERE event_id = ?1)";
        self.readers.point(|connection| connection.value(sql, [event_id]))
    }
}

/// Enters the row of a new File.
pub(super) fn begin(transaction: &Transaction<'_>, caller: Caller, file: &File, fact: Fact) -> Result<()> {
    let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count,
                   request_id, dialect)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10)";
    let values = params![
        created_event(file.id),
        file.created_at(),
        fact.name(),
        caller.workspace,
        caller.key,
        file.purpose.name(),
        file.id,
        file.size_bytes,
        caller.request,
        caller.dialect.name(),
    ];
    transaction.change(sql, values).map(drop)
}

/// Enters the row of a File that has ended: at the second of its expiry if it has expired, otherwise now. The row
/// repeats the values of the first row of the File, but has the dialect of the request that deleted it, if one did.
pub(super) fn end(
    transaction: &Transaction<'_>,
    file: &str,
    expires_at: Option<u64>,
    dialect: Option<Dialect>,
) -> Result<()> {
    let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count,
                   dialect)
               SELECT 'st-:' || file_id, max(ts, ?2), 'end', workspace_id, api_key_id, purpose, file_id, -bytes, 0, ?3
               FROM ledger WHERE event_id = 'st+:' || ?1";
    let now_seconds = transaction.now_seconds();
    let ended_at = expires_at.map_or(now_seconds, |expires_at| expires_at.min(now_seconds));
    transaction.change(sql, params![file, ended_at, dialect.map(Dialect::name)]).map(drop)
}

/// Enters a correction once under its name.
fn adjust(transaction: &Transaction<'_>, new: &NewAdjustment, origin: Origin) -> Result<Adjusted> {
    let event_id = new.event_id();
    let reversed = new.reverses.as_ref().map(|event| find(transaction, &row_of_event(event))).transpose()?.flatten();
    if let Some(refused) = rules::adjustments::refuse(new, find(transaction, &event_id)?, reversed.as_ref()) {
        return Ok(refused);
    }
    let (bytes, count) = rules::adjustments::amounts(new);
    let sql = format!(
        "INSERT INTO ledger ({LEDGER})
         VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL, ?6, ?7, ?8, ?9, NULL, ?10, ?11, ?12)"
    );
    let values = params![
        event_id,
        transaction.now_seconds(),
        Fact::Adjustment(new.item).name(),
        new.workspace,
        new.key,
        new.item.name(),
        bytes,
        count,
        origin.request,
        new.reverses,
        new.reason.as_str(),
        origin.actor.to_string(),
    ];
    transaction.change(&sql, values)?;
    audit::add(transaction, origin, rules::audit::adjustment(new))?;
    find(transaction, &event_id)?.map(Adjusted::Entered).ok_or(Error::QueryReturnedNoRows)
}

fn find(connection: &Connection, event_id: &str) -> Result<Option<LedgerRow>> {
    connection.row(&format!("SELECT seq, {LEDGER} FROM ledger WHERE event_id = ?1"), [event_id], rows::read)
}

/// Returns at most `limit` rows behind `after_seq` and up to `through_seq` whose facts are older than the second
/// `before`, in the order of commits.
pub(super) fn late(
    connection: &Connection,
    (after_seq, through_seq): (u64, u64),
    before: u64,
    limit: u32,
) -> Result<Vec<LedgerRow>> {
    let sql =
        format!("SELECT seq, {LEDGER} FROM ledger WHERE seq > ?1 AND seq <= ?4 AND ts < ?2 ORDER BY seq LIMIT ?3");
    connection.rows(&sql, params![after_seq, before, limit, through_seq], rows::read)
}

/// Returns the number of the newest row. It is 0 when there is none.
pub(super) fn newest_seq(connection: &Connection) -> Result<u64> {
    connection.value("SELECT coalesce(max(seq), 0) FROM ledger", [])
}

/// Returns the second of the oldest fact.
pub(super) fn oldest_ts(connection: &Connection) -> Result<Option<u64>> {
    connection.value("SELECT min((SELECT min(l.ts) FROM ledger l WHERE l.workspace_id = w.id)) FROM workspaces w", [])
}
