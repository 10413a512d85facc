//! Merges old rows of reads into one for each key, kind, purpose, dialect and minute, in bounded steps, workspace by
//! workspace. Each step holds the lock of the numbering and of the rollup.

use super::connections::{Session, Values};
use super::failure::Failure;
use super::rows::{self, count, number, parsed, stored};
use super::store::{PostgresStore, read, transaction};
use super::task::Task;
use super::writer::{Lock, Transaction};
use super::{export, usage};
use crate::metadata::clock_watch::ClockStore;
use crate::metadata::error::MetadataError;
use crate::metadata::merges::ReadMergeStore;
use crate::metadata::rows::LEDGER;
use crate::metadata::rules::read_merges::{self, MINUTE_SECONDS, MergePage, MergeStep};
use crate::model::dialect::Dialect;
use crate::model::ids::WorkspaceId;
use crate::model::ledger::LedgerRow;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use tokio_postgres::Row;

#[async_trait]
impl ReadMergeStore for PostgresStore {
    async fn reads_to_merge(
        &self,
        after: Option<WorkspaceId>,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<MergePage, MetadataError> {
        read!(self, |session| {
            let sql = format!(
                "SELECT w.id, coalesce((
                     SELECT true FROM ledger l WHERE l.workspace_id = w.id AND l.fact IN ('list', 'retrieve', 'content')
                         AND (l.ts + 0, l.seq) > (coalesce(m.ts, 0), coalesce(m.seq, 0))
                         AND l.ts + 0 < w.until - w.until % {MINUTE_SECONDS}
                     ORDER BY l.ts + 0, l.seq LIMIT 1), false)
                 FROM (SELECT id, now_ms() / 1000 - $2 AS until FROM workspaces WHERE id > $1 ORDER BY id LIMIT $3) w
                     LEFT JOIN LATERAL (SELECT ts, seq FROM ledger_merges WHERE workspace_id = w.id OFFSET 0) m ON true
                 ORDER BY w.id"
            );
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            let values: Values<'_> = &[&after, &stored(older_than_seconds), &i64::from(limit)];
            let looked_at = session.rows(&sql, values).await?;
            let row = |row: &Row| Ok::<_, Failure>((parsed(row, 0)?, row.try_get(1)?));
            Ok(MergePage::of(looked_at.iter().map(row).collect::<Result<_, _>>()?, limit))
        })
    }

    async fn merge_reads(
        &self,
        workspace: WorkspaceId,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        if !self.may_expire().await? {
            return Ok(0);
        }
        transaction!(self, |tx| {
            tx.begin(&[Lock::Task(Task::Ledger)], async { Ok(()) }).await?;
            let workspace = workspace.to_string();
            let until = tx.now_seconds().saturating_sub(older_than_seconds);
            let rows = old_rows(&tx, &workspace, until - until % MINUTE_SECONDS, limit).await?;
            let exported = export::progress(&tx).await?.map_or(u64::MAX, |progress| progress.through_seq);
            let settled = usage::rolled_seq(&tx).await?.min(exported);
            let Some(step) = read_merges::plan(rows, settled, limit) else {
                tx.rollback().await?;
                return Ok(0);
            };
            apply(&tx, &workspace, &step).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(step.rows as u64)
        })
        .map(count)
    }
}

/// Returns the next rows of reads. A row without a number counts as the newest.
async fn old_rows(session: &Session, workspace: &str, until: u64, limit: u32) -> Result<Vec<LedgerRow>, Failure> {
    let mark = session.row("SELECT ts, seq FROM ledger_merges WHERE workspace_id = $1", &[&workspace]).await?;
    let (ts, seq) = mark.map_or(Ok((0, 0)), |row| Ok::<_, Failure>((number(&row, 0)?, number(&row, 1)?)))?;
    let sql = format!(
        "SELECT coalesce(seq, {}), {LEDGER} FROM ledger
         WHERE workspace_id = $1 AND fact IN ('list', 'retrieve', 'content') AND (ts + 0, seq) > ($2, $3)
             AND ts + 0 < $4
         ORDER BY ts + 0, seq LIMIT $5",
        i64::MAX
    );
    let values: Values<'_> = &[&workspace, &stored(ts), &stored(seq), &stored(until), &i64::from(limit)];
    rows::read_all(&session.rows(&sql, values).await?)
}

async fn apply(tx: &Transaction<'_>, workspace: &str, step: &MergeStep) -> Result<(), Failure> {
    let mark = "INSERT INTO ledger_merges (workspace_id, ts, seq) VALUES ($1, $2, $3)
                ON CONFLICT (workspace_id) DO UPDATE SET ts = excluded.ts, seq = excluded.seq";
    tx.execute(mark, &[&workspace, &stored(step.last.0), &stored(step.last.1)]).await?;
    let gone: Vec<i64> = step.gone.iter().copied().map(stored).collect();
    tx.execute("DELETE FROM ledger WHERE seq = ANY($1)", &[&gone]).await?;
    let insert =
        "INSERT INTO ledger (seq, event_id, ts, fact, workspace_id, api_key_id, purpose, dialect, bytes, count)
                  SELECT r.seq, r.event_id, r.ts, r.fact, $1, r.api_key_id, r.purpose, r.dialect, r.bytes, r.count
                  FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                              $9::bigint[], $10::bigint[])
                      AS r (seq, event_id, ts, fact, api_key_id, purpose, dialect, bytes, count)";
    let rows = &step.merged;
    let seqs: Vec<i64> = rows.iter().map(|row| stored(row.seq)).collect();
    let events: Vec<&str> = rows.iter().map(|row| row.event_id.as_str()).collect();
    let seconds: Vec<i64> = rows.iter().map(|row| stored(row.ts)).collect();
    let facts: Vec<&str> = rows.iter().map(|row| row.fact.name()).collect();
    let keys: Vec<Option<String>> = rows.iter().map(|row| row.key.map(|key| key.to_string())).collect();
    let purposes: Vec<Option<&str>> = rows.iter().map(|row| row.purpose.map(Purpose::name)).collect();
    let dialects: Vec<Option<&str>> = rows.iter().map(|row| row.dialect.map(Dialect::name)).collect();
    let (bytes, counts): (Vec<i64>, Vec<i64>) = rows.iter().map(|row| (row.bytes, row.count)).unzip();
    let values: Values<'_> =
        &[&workspace, &seqs, &events, &seconds, &facts, &keys, &purposes, &dialects, &bytes, &counts];
    tx.execute(insert, values).await.map(drop)
}
