//! Rows of the ledger: inserted in the transaction of the fact. They change once, to get their number, and only
//! [reads](super::merges) are removed.

use super::audit;
use super::connections::{Connections, Prepared, Session, Values};
use super::failure::Failure;
use super::rows::{self, number, stored};
use super::store::{PostgresStore, read, read_long, transaction, write};
use super::task::Task;
use super::writer::{Lock, Proof, Transaction};
use crate::metadata::error::MetadataError;
use crate::metadata::ledger::LedgerStore;
use crate::metadata::rows::LEDGER;
use crate::metadata::rules;
use crate::metadata::rules::ledger::{created_event, reads_event};
use crate::model::adjustment::{Adjusted, NewAdjustment, row_of_event};
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::file::File;
use crate::model::ids::{FileId, ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, LedgerRow, Reads};
use crate::model::page::Page;
use crate::model::purpose::Purpose;
use async_trait::async_trait;

/// The most rows that get their numbers in one transaction.
const NUMBERED_AT_ONCE: u32 = 5000;

/// Inserts the row of a new File.
pub(super) const BEGIN: &str = "
    INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count, request_id,
        dialect)
    VALUES ('st+:' || $1::text, $2, $3, $4, $5, $6, $1::text, $7, 1, $8, $9)";
/// Inserts the rows of the deleted Files of `gone`. An expired File ends at the second of its expiry, whenever it is
/// deleted. The purpose and size repeat those of its first row, and the dialect is that of `gone`.
pub(super) const END: &str = "
    INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, file_id, bytes, count, dialect)
    SELECT 'st-:' || l.file_id, greatest(l.ts, least(g.expires_at, now_ms() / 1000)), 'end', l.workspace_id,
           l.api_key_id, l.purpose, l.file_id, -l.bytes, 0, g.dialect
    FROM gone g JOIN ledger l ON l.event_id = 'st+:' || g.id";

#[async_trait]
impl LedgerStore for PostgresStore {
    async fn add_reads(&self, process: ProcessId, first_number: u64, reads: Vec<Reads>) -> Result<(), MetadataError> {
        let reads = reads.as_slice();
        write!(self, |session| {
            let sql = "INSERT INTO ledger (event_id, ts, fact, workspace_id, api_key_id, purpose, dialect, bytes,
                           count)
                       SELECT r.event_id, now_ms() / 1000, r.fact, r.workspace_id, r.api_key_id, r.purpose, r.dialect,
                           r.bytes, r.count
                       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                           $7::bigint[], $8::bigint[])
                           AS r (event_id, fact, workspace_id, api_key_id, purpose, dialect, bytes, count)
                       ON CONFLICT (event_id) DO NOTHING";
            let numbers = (first_number..).zip(reads);
            let events: Vec<String> = numbers.map(|(number, _)| reads_event(process, number)).collect();
            let facts: Vec<&str> = reads.iter().map(|reads| Fact::Read(reads.op).name()).collect();
            let workspaces: Vec<String> = reads.iter().map(|reads| reads.workspace.to_string()).collect();
            let keys: Vec<String> = reads.iter().map(|reads| reads.key.to_string()).collect();
            let purposes: Vec<Option<&str>> = reads.iter().map(|reads| reads.purpose.map(Purpose::name)).collect();
            let dialects: Vec<&str> = reads.iter().map(|reads| reads.dialect.name()).collect();
            let bytes: Vec<i64> = reads.iter().map(|reads| stored(reads.bytes)).collect();
            let counts: Vec<i64> = reads.iter().map(|reads| stored(reads.count)).collect();
            let values: Values<'_> = &[&events, &facts, &workspaces, &keys, &purposes, &dialects, &bytes, &counts];
            session.execute(sql, values).await.map(drop)
        })
    }

    async fn adjust(&self, new: NewAdjustment, origin: Origin) -> Result<Adjusted, MetadataError> {
        let adjustment = &new;
        let adjusted = transaction!(self, |tx| adjust(tx, adjustment, origin).await)?;
        let event_id = adjustment.event_id();
        let numbered = async |row: LedgerRow| -> Result<LedgerRow, MetadataError> {
            number_all(&self.connections).await?;
            let event_id = event_id.as_str();
            Ok(read!(self, |session| find(session, event_id).await)?.unwrap_or(row))
        };
        Ok(match adjusted {
            Adjusted::Entered(row) => Adjusted::Entered(numbered(row).await?),
            Adjusted::Known(row) => Adjusted::Known(numbered(row).await?),
            refused => refused,
        })
    }

    async fn ledger(
        &self,
        workspace: Option<WorkspaceId>,
        after_seq: u64,
        limit: u32,
    ) -> Result<Page<LedgerRow>, MetadataError> {
        number_all(&self.connections).await?;
        read_long!(self, workspace, |session| {
            let sql = format!(
                "SELECT seq, {LEDGER} FROM ledger WHERE seq > $1 AND {} ORDER BY seq LIMIT $3",
                if workspace.is_some() { "workspace_id = $2" } else { "$2::text IS NULL" }
            );
            let workspace = workspace.map(|id| id.to_string());
            let found = session.rows(&sql, &[&stored(after_seq), &workspace, &(i64::from(limit) + 1)]).await?;
            Ok(Page::cut(rows::read_all(&found)?, limit))
        })
    }

    async fn newest_event(&self) -> Result<Option<String>, MetadataError> {
        read!(self, |session| {
            let found = session.row("SELECT event_id FROM ledger ORDER BY arrival DESC LIMIT 1", &[]).await?;
            found.map(|row| Ok(row.try_get(0)?)).transpose()
        })
    }

    async fn has_event(&self, event_id: &str) -> Result<bool, MetadataError> {
        read!(self, |session| {
            Ok(session.row("SELECT 1 FROM ledger WHERE event_id = $1", &[&event_id]).await?.is_some())
        })
    }
}

/// Returns the proof that a File was created.
pub(super) fn creation_proof(file: FileId) -> Proof {
    Proof::Event(created_event(file))
}

pub(super) async fn begin(begin: &Prepared<'_>, caller: Caller, file: &File, fact: Fact) -> Result<(), Failure> {
    let (id, workspace, key) = (file.id.to_string(), caller.workspace.to_string(), caller.key.to_string());
    let (created_at, size_bytes) = (stored(file.created_at()), stored(file.size_bytes));
    let (fact, purpose) = (fact.name(), file.purpose.name());
    let (request, dialect) = (caller.request.to_string(), caller.dialect.name());
    let values: Values<'_> = &[&id, &created_at, &fact, &workspace, &key, &purpose, &size_bytes, &request, &dialect];
    begin.execute(values).await.map(drop)
}

/// Numbers every row that is committed by now. Rows that are committed later get higher numbers, so no reader misses
/// one.
pub(super) async fn number_all(connections: &Connections) -> Result<(), MetadataError> {
    while is_behind(connections).await? {
        let numbered = connections
            .run(|deadline| async move {
                let tx = Transaction::new(connections, None, deadline).await?;
                let numbered = number_some(&tx, NUMBERED_AT_ONCE).await?;
                tx.commit(async { Ok(()) }).await?;
                Ok(numbered)
            })
            .await?;
        if numbered < u64::from(NUMBERED_AT_ONCE) {
            break;
        }
    }
    Ok(())
}

/// Returns whether a committed row has no number yet.
async fn is_behind(connections: &Connections) -> Result<bool, MetadataError> {
    connections
        .run(|deadline| async move {
            let session = connections.session(deadline.request).await?;
            let behind = session.row("SELECT 1 FROM ledger WHERE seq IS NULL LIMIT 1", &[]);
            Ok(connections.ask(&session, deadline, behind).await?.is_some())
        })
        .await
}

/// Begins the transaction and numbers at most `limit` rows. Returns how many got a number.
pub(super) async fn number_some(tx: &Transaction<'_>, limit: u32) -> Result<u64, Failure> {
    let sql = "UPDATE ledger l SET seq = n.seq
        FROM (SELECT arrival, (SELECT coalesce(max(seq), 0) FROM ledger) + row_number() OVER (ORDER BY arrival) AS seq
              FROM (SELECT arrival FROM ledger WHERE seq IS NULL ORDER BY arrival LIMIT $1) u) n
        WHERE l.arrival = n.arrival";
    let number = tx.prepare(sql).await?;
    tx.begin(&[Lock::Task(Task::Ledger)], async { number.execute(&[&i64::from(limit)]).await }).await
}

/// Returns at most `limit` rows with a number in (`after_seq`, `through_seq`] and a time before `before`, in order.
pub(super) async fn late(
    session: &Session,
    (after_seq, through_seq): (u64, u64),
    before: u64,
    limit: u32,
) -> Result<Vec<LedgerRow>, Failure> {
    // An index by time would find nearly all rows.
    let sql =
        format!("SELECT seq, {LEDGER} FROM ledger WHERE seq > $1 AND seq <= $4 AND ts + 0 < $2 ORDER BY seq LIMIT $3");
    let values: Values<'_> = &[&stored(after_seq), &stored(before), &i64::from(limit), &stored(through_seq)];
    let found = session.rows(&sql, values).await?;
    rows::read_all(&found)
}

/// Returns the highest number of a row; 0 when there is none.
pub(super) async fn newest_seq(session: &Session) -> Result<u64, Failure> {
    let newest = session.row("SELECT coalesce(max(seq), 0) FROM ledger", &[]).await?;
    newest.map_or(Ok(0), |row| number(&row, 0))
}

/// Returns the Unix second of the oldest fact.
pub(super) async fn oldest_ts(session: &Session) -> Result<Option<u64>, Failure> {
    let sql = "SELECT min((SELECT min(l.ts) FROM ledger l WHERE l.workspace_id = w.id)) FROM workspaces w";
    let oldest = session.row(sql, &[]).await?;
    oldest.map_or(Ok(None), |row| rows::optional_number(&row, 0))
}

/// Inserts an adjustment, once under its id. A row without a number is returned with the number 0.
async fn adjust(tx: Transaction<'_>, new: &NewAdjustment, origin: Origin) -> Result<Adjusted, Failure> {
    let event_id = new.event_id();
    tx.begin(&[Lock::Event(&event_id)], async { Ok(()) }).await?;
    let reversed = match &new.reverses {
        Some(event) => find(&tx, &row_of_event(event)).await?,
        None => None,
    };
    if let Some(refused) = rules::adjustments::refuse(new, find(&tx, &event_id).await?, reversed.as_ref()) {
        tx.rollback().await?;
        return Ok(refused);
    }
    let (bytes, count) = rules::adjustments::amounts(new);
    let sql = format!(
        "INSERT INTO ledger ({LEDGER})
         VALUES ($1, $2, $3, $4, $5, NULL, NULL, $6, $7, $8, $9, NULL, $10, $11, $12)"
    );
    let (fact, item, reason) = (Fact::Adjustment(new.item).name(), new.item.name(), new.reason.as_str());
    let (workspace, key) = (new.workspace.to_string(), new.key.map(|key| key.to_string()));
    let (request, actor) = (origin.request.map(|request| request.to_string()), origin.actor.to_string());
    let (now_seconds, reverses) = (stored(tx.now_seconds()), &new.reverses);
    let values: Values<'_> =
        &[&event_id, &now_seconds, &fact, &workspace, &key, &item, &bytes, &count, &request, reverses, &reason, &actor];
    tx.execute(&sql, values).await?;
    audit::note(&tx, origin, rules::audit::adjustment(new)).await?;
    let entered = find(&tx, &event_id).await?;
    let entered = entered.ok_or_else(|| Failure::Unreadable("what was entered is not there".to_owned()))?;
    tx.commit(async { Ok(()) }).await?;
    Ok(Adjusted::Entered(entered))
}

async fn find(session: &Session, event_id: &str) -> Result<Option<LedgerRow>, Failure> {
    let sql = format!("SELECT coalesce(seq, 0), {LEDGER} FROM ledger WHERE event_id = $1");
    session.row(&sql, &[&event_id]).await?.as_ref().map(rows::read).transpose()
}
