//! Rows of the ledger: added in the transaction of the fact, never changed but for their number, never removed.

use super::connections::{Connections, Prepared, Session, Values};
use super::failure::Failure;
use super::rows::{self, named, number, parsed, stored};
use super::writer::{Change, Lock, Task};
use crate::metadata::MetadataError;
use crate::model::caller::Caller;
use crate::model::file::File;
use crate::model::ids::{ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, LedgerRow, Reads};
use crate::model::page::Page;
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use tokio_postgres::Row;

/// Rows that get their numbers in one transaction.
const NUMBERED_AT_ONCE: u32 = 5000;

/// A File has come.
pub(super) const BEGIN: &str = "
    INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count, request_id)
    VALUES ('st+:' || $1::text, $2, $3, $4, $5, $6, $1::text, $7, 1, $8)";
/// The Files of `gone` have gone, each at the second in which it expired, if it did, whenever that is found out. What it
/// came with is repeated. `$2` is the time that a test has set.
pub(super) const END: &str = "
    INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count)
    SELECT 'st-:' || l.file_id, greatest(l.ts, least(g.expires_at, now_ms($2) / 1000)), 'end', l.workspace_id,
           l.api_key_id, l.purpose, l.file_id, -l.bytes, 0
    FROM gone g JOIN ledger l ON l.event_id = 'st+:' || g.id";

pub(super) async fn begin(begin: &Prepared<'_>, caller: Caller, file: &File, fact: Fact) -> Result<(), Failure> {
    let (id, workspace, key) = (file.id.to_string(), caller.workspace.to_string(), caller.key.to_string());
    let (created_at, size_bytes) = (stored(file.created_at()), stored(file.size_bytes));
    let (purpose, request) = (file.purpose.name(), caller.request.to_string());
    let values: Values<'_> = &[&id, &created_at, &fact.name(), &workspace, &key, &purpose, &size_bytes, &request];
    begin.execute(values).await.map(drop)
}

/// Enters what was read since the batch before this one; a batch that is entered already is left out.
pub(super) async fn add_reads(
    session: &Session,
    process: ProcessId,
    first_number: u64,
    reads: &[Reads],
    set_ms: Option<i64>,
) -> Result<(), Failure> {
    let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, bytes, count)
               SELECT r.event_id, now_ms($1) / 1000, r.fact, r.workspace_id, r.api_key_id, r.purpose, r.bytes, r.count
               FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
                   AS r (event_id, fact, workspace_id, api_key_id, purpose, bytes, count)
               ON CONFLICT (event_id) DO NOTHING";
    let numbers = (first_number..).zip(reads);
    let events: Vec<String> = numbers.map(|(number, _)| format!("rd:{process}:{number}")).collect();
    let facts: Vec<&str> = reads.iter().map(|reads| Fact::Read(reads.op).name()).collect();
    let workspaces: Vec<String> = reads.iter().map(|reads| reads.workspace.to_string()).collect();
    let keys: Vec<String> = reads.iter().map(|reads| reads.key.to_string()).collect();
    let purposes: Vec<Option<&str>> = reads.iter().map(|reads| reads.purpose.map(Purpose::name)).collect();
    let bytes: Vec<i64> = reads.iter().map(|reads| stored(reads.bytes)).collect();
    let counts: Vec<i64> = reads.iter().map(|reads| stored(reads.count)).collect();
    let values: Values<'_> = &[&set_ms, &events, &facts, &workspaces, &keys, &purposes, &bytes, &counts];
    session.execute(sql, values).await.map(drop)
}

/// Gives numbers to every row that is committed by now. What is committed later comes behind them: no reader misses it.
pub(super) async fn number_all(connections: &Connections, set_ms: Option<i64>) -> Result<(), MetadataError> {
    loop {
        let numbered = connections
            .run(|deadline| async move {
                let change = Change::new(connections, deadline, set_ms).await?;
                let numbered = number_some(&change, NUMBERED_AT_ONCE).await?;
                change.commit(async { Ok(()) }).await?;
                Ok(numbered)
            })
            .await?;
        if numbered < u64::from(NUMBERED_AT_ONCE) {
            return Ok(());
        }
    }
}

/// Gives numbers to at most `limit` rows, in a transaction that begins with it; how many there were.
pub(super) async fn number_some(change: &Change<'_>, limit: u32) -> Result<u64, Failure> {
    let sql = "UPDATE ledger l SET seq = n.seq
        FROM (SELECT arrival, (SELECT coalesce(max(seq), 0) FROM ledger) + row_number() OVER (ORDER BY arrival) AS seq
              FROM (SELECT arrival FROM ledger WHERE seq IS NULL ORDER BY arrival LIMIT $1) u) n
        WHERE l.arrival = n.arrival";
    let number = change.prepare(sql).await?;
    change.begin(&[Lock::Task(Task::Ledger)], async { number.execute(&[&i64::from(limit)]).await }).await
}

pub(super) async fn list(
    session: &Session,
    workspace: Option<WorkspaceId>,
    after_seq: u64,
    limit: u32,
) -> Result<Page<LedgerRow>, Failure> {
    let sql = format!(
        "SELECT seq, event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, line_item, bytes, count, request_id,
                reverses, note
         FROM ledger WHERE seq > $1 AND {} ORDER BY seq LIMIT $3",
        if workspace.is_some() { "workspace_id = $2" } else { "$2::text IS NULL" }
    );
    let workspace = workspace.map(|id| id.to_string());
    let found = session.rows(&sql, &[&stored(after_seq), &workspace, &(i64::from(limit) + 1)]).await?;
    Ok(Page::cut(found.iter().map(ledger_row).collect::<Result<_, _>>()?, limit))
}

fn ledger_row(row: &Row) -> Result<LedgerRow, Failure> {
    let line_item: Option<&str> = row.try_get(8)?;
    let line_item = line_item.and_then(LineItem::named);
    let purpose: Option<&str> = row.try_get(6)?;
    Ok(LedgerRow {
        seq: number(row, 0)?,
        event_id: row.try_get(1)?,
        ts: number(row, 2)?,
        fact: named(row, 3, |name| Fact::named(name, line_item))?,
        workspace: parsed(row, 4)?,
        key: rows::optional(row, 5)?,
        purpose: purpose.map(|_| named(row, 6, Purpose::named)).transpose()?,
        file: rows::optional(row, 7)?,
        bytes: row.try_get(9)?,
        count: row.try_get(10)?,
        request: rows::optional(row, 11)?,
        reverses: row.try_get(12)?,
        note: row.try_get(13)?,
    })
}
