//! The merge of old rows of reads into one for each key, kind, purpose, dialect and minute, in bounded steps,
//! workspace by workspace.

use super::queries::Queries;
use super::rows::parsed;
use super::store::SqliteStore;
use super::transaction::Transaction;
use super::{export, usage};
use crate::metadata::error::MetadataError;
use crate::metadata::merges::ReadMergeStore;
use crate::metadata::rows::LEDGER;
use crate::metadata::rules::read_merges::{self, MergePage, MergeStep, minute_of};
use crate::model::dialect::Dialect;
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use rusqlite::{Result, Row, params};

#[async_trait]
impl ReadMergeStore for SqliteStore {
    async fn reads_to_merge(
        &self,
        after: Option<WorkspaceId>,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<MergePage, MetadataError> {
        let until = self.clock.now_seconds().saturating_sub(older_than_seconds);
        self.readers
            .long(move |connection| {
                let sql = "SELECT w.id, EXISTS (
                               SELECT 1 FROM ledger l INDEXED BY ledger_reads
                               WHERE l.workspace_id = w.id AND l.fact IN ('list', 'retrieve', 'content')
                                   AND (l.ts, l.seq) > (coalesce(m.ts, 0), coalesce(m.seq, 0)) AND l.ts < ?2)
                           FROM workspaces w LEFT JOIN ledger_merges m ON m.workspace_id = w.id
                           WHERE w.id > ?1 ORDER BY w.id LIMIT ?3";
                let after = after.map(|id| id.to_string()).unwrap_or_default();
                let values = params![after, minute_of(until), limit];
                let workspace = |row: &Row<'_>| Ok((parsed(row, 0)?, row.get(1)?));
                Ok(MergePage::of(connection.rows(sql, values, workspace)?, limit))
            })
            .await
    }

    async fn merge_reads(
        &self,
        workspace: WorkspaceId,
        older_than_seconds: u64,
        limit: u32,
    ) -> Result<usize, MetadataError> {
        self.expire(move |transaction| {
            let until = transaction.now_seconds().saturating_sub(older_than_seconds);
            merge(transaction, &workspace.to_string(), until, limit)
        })
        .await
    }
}

/// Merges the next reads of a workspace before this second. Returns the number of rows that the step concerned.
fn merge(transaction: &Transaction<'_>, workspace: &str, until_seconds: u64, limit: u32) -> Result<usize> {
    let mark = "SELECT ts, seq FROM ledger_merges WHERE workspace_id = ?1";
    let mark = transaction.row(mark, [workspace], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (ts, seq): (u64, u64) = mark.unwrap_or_default();
    let rows = format!(
        "SELECT seq, {LEDGER} FROM ledger INDEXED BY ledger_reads
         WHERE workspace_id = ?1 AND fact IN ('list', 'retrieve', 'content') AND (ts, seq) > (?2, ?3) AND ts < ?4
         ORDER BY ts, seq LIMIT ?5"
    );
    let values = params![workspace, ts, seq, minute_of(until_seconds), limit];
    let rows = transaction.rows(&rows, values, super::rows::read)?;
    let exported = export::progress(transaction)?.map_or(u64::MAX, |progress| progress.through_seq);
    let settled = usage::rolled_seq(transaction)?.min(exported);
    let Some(step) = read_merges::plan(rows, settled, limit) else { return Ok(0) };
    apply(transaction, workspace, &step)?;
    Ok(step.rows)
}

fn apply(transaction: &Transaction<'_>, workspace: &str, step: &MergeStep) -> Result<()> {
    let mark = "INSERT OR REPLACE INTO ledger_merges (workspace_id, ts, seq) VALUES (?1, ?2, ?3)";
    transaction.change(mark, params![workspace, step.last.0, step.last.1])?;
    let mut delete = transaction.prepare_cached("DELETE FROM ledger WHERE seq = ?1")?;
    step.gone.iter().try_for_each(|seq| delete.execute([seq]).map(drop))?;
    let insert =
        "INSERT INTO ledger (seq, event_id, ts, fact, workspace_id, api_key_id, purpose, dialect, bytes, count)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let mut insert = transaction.prepare_cached(insert)?;
    for row in &step.merged {
        insert.execute(params![
            row.seq,
            row.event_id,
            row.ts,
            row.fact.name(),
            workspace,
            row.key,
            row.purpose.map(Purpose::name),
            row.dialect.map(Dialect::name),
            row.bytes,
            row.count,
        ])?;
    }
    Ok(())
}
