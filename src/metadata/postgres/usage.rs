//! Usage, summed from the ledger. An hourly rollup saves reading most of it; queries add later rows (numbered or not),
//! expired Files that are not deleted yet, and corrections.

use super::connections::Session;
use super::failure::Failure;
use super::ledger;
use super::rows::{self, count, named, number, stored};
use super::store::{PostgresStore, read_long, transaction};
use crate::metadata::error::MetadataError;
use crate::metadata::rules::usage::{Behind, Dialect, ROLLED_SEQ, ROLLUPS, add_correction, add_row};
use crate::metadata::usage::UsageStore;
use crate::model::prices::LineItem;
use crate::model::usage::{SlotWidth, UsageByGroup, UsageQuery};
use async_trait::async_trait;

#[async_trait]
impl UsageStore for PostgresStore {
    async fn usage(&self, query: UsageQuery) -> Result<UsageByGroup, MetadataError> {
        read_long!(self, query.only_workspace(), |session| find(session, &query, Behind::All).await)
    }

    async fn roll_up_usage(&self, limit: u32) -> Result<usize, MetadataError> {
        transaction!(self, |tx| {
            ledger::number_some(&tx, limit).await?;
            let rolled = rolled_seq(&tx).await?;
            let last = "SELECT max(seq), count(*) FROM (SELECT seq FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2) l";
            let last = tx.row(last, &[&stored(rolled), &i64::from(limit)]).await?;
            let last = last.map(|row| Ok::<_, Failure>((row.try_get::<_, Option<i64>>(0)?, number(&row, 1)?)));
            let Some((Some(last), count)) = last.transpose()? else {
                tx.commit(async { Ok(()) }).await?;
                return Ok(0);
            };
            for rollup in ROLLUPS {
                let sql = rollup.add("ledger", "seq > $1 AND seq <= $2");
                tx.execute(&sql, &[&stored(rolled), &last]).await?;
            }
            let note = "INSERT INTO installation (name, value) VALUES ($1, $2)
                        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            tx.execute(note, &[&ROLLED_SEQ, &last.to_string()]).await?;
            tx.commit(async { Ok(()) }).await?;
            Ok(count)
        })
        .map(count)
    }

    async fn forget_usage_rollup(&self) -> Result<(), MetadataError> {
        transaction!(self, |tx| {
            ledger::number_some(&tx, 0).await?;
            for rollup in ROLLUPS {
                tx.execute(&format!("DELETE FROM {}", rollup.table), &[]).await?;
            }
            tx.execute("DELETE FROM installation WHERE name = $1", &[&ROLLED_SEQ]).await?;
            tx.commit(async { Ok(()) }).await
        })
    }
}

/// Returns the next workspace and hour after `after` that the rollup or the ledger has, by workspace.
pub(super) async fn next_hour(session: &Session, after: Option<&[String]>) -> Result<Option<Vec<String>>, Failure> {
    let (mut workspace, mut from) = match after {
        Some([workspace, hour]) => {
            (workspace.clone(), hour.parse::<i64>().unwrap_or_default() + stored(SlotWidth::Hour.seconds()))
        }
        _ => (String::new(), 0),
    };
    let next_hour = "SELECT least((SELECT min(hour) FROM usage_hourly WHERE workspace_id = $1 AND hour >= $2),
                                  (SELECT min(hour) FROM usage_hourly_totals WHERE workspace_id = $1 AND hour >= $2),
                                  (SELECT min(ts) - min(ts) % 3600 FROM ledger WHERE workspace_id = $1 AND ts >= $2))";
    let next_workspace = "SELECT least((SELECT min(workspace_id) FROM usage_hourly WHERE workspace_id > $1),
                                       (SELECT min(workspace_id) FROM usage_hourly_totals WHERE workspace_id > $1),
                                       (SELECT min(workspace_id) FROM ledger WHERE workspace_id > $1))";
    loop {
        let hour = session.row(next_hour, &[&workspace, &from]).await?;
        if let Some(hour) = hour.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten() {
            return Ok(Some(vec![workspace, hour.to_string()]));
        }
        let next = session.row(next_workspace, &[&workspace]).await?;
        let Some(next) = next.map(|row| row.try_get::<_, Option<String>>(0)).transpose()?.flatten() else {
            return Ok(None);
        };
        (workspace, from) = (next, 0);
    }
}

/// Counts the rows of the rollup that differ from the sums of the ledger in a workspace and hour.
pub(super) async fn wrong_rows(session: &Session, key: &[String]) -> Result<u64, Failure> {
    let [workspace, hour] = key else { return Ok(0) };
    let (rolled, mut wrong) = (rolled_seq(session).await?, 0);
    let hour = hour.parse::<i64>().unwrap_or_default();
    let of_hour = "workspace_id = $1 AND ts >= $2 AND ts < $2 + 3600 AND seq <= $3";
    for rollup in ROLLUPS {
        let sql = rollup.wrong("workspace_id = $1 AND hour = $2", "ledger", of_hour);
        let found = session.row(&sql, &[workspace, &hour, &stored(rolled)]).await?;
        wrong += found.map_or(Ok(0), |row| number(&row, 0))?;
    }
    Ok(wrong)
}

pub(super) async fn rolled_seq(session: &Session) -> Result<u64, Failure> {
    let sql = "SELECT value::bigint FROM installation WHERE name = $1";
    session.row(sql, &[&ROLLED_SEQ]).await?.map_or(Ok(0), |row| number(&row, 0))
}

/// Returns usage. Must run in one snapshot.
pub(super) async fn find(session: &Session, query: &UsageQuery, behind: Behind) -> Result<UsageByGroup, Failure> {
    // The condition is repeated for each source, so that its index by workspace is used.
    let (owned, owned_each) = match query.workspaces {
        Some(_) => ("workspace_id = ANY($1)", "workspace_id = ANY($1)"),
        None => ("$1::text[] IS NULL", "workspace_id = ANY(ARRAY(SELECT id FROM workspaces))"),
    };
    let dialect = Dialect {
        ledger_by_seq: "ledger",
        ledger_by_time: "ledger",
        adjustments: "ledger",
        files: "files",
        owned,
        owned_each,
        keyed: if query.keys.is_some() { "api_key_id = ANY($2)" } else { "$2::text[] IS NULL" },
        expired: &format!("expires_at <= now_ms() / 1000 AND expires_at < {}", query.end),
        has_unnumbered: true,
    };
    let workspaces: Option<Vec<String>> = query.workspaces.as_ref().map(|ids| texts(ids));
    let keys: Option<Vec<String>> = query.keys.as_ref().map(|ids| texts(ids));
    let mut usage = UsageByGroup::new();
    let sql = dialect.usage(query, behind, rolled_seq(session).await?);
    for row in session.query(&sql, &[&workspaces, &keys]).await? {
        let mut figures = [0; 7];
        for (column, figure) in (4..).zip(&mut figures) {
            *figure = row.try_get(column)?;
        }
        add_row(&mut usage, rows::read(&row)?, row.try_get(3)?, figures);
    }
    for row in session.query(&dialect.corrections(query, behind), &[&workspaces, &keys]).await? {
        let correction = (number(&row, 3)?, named(&row, 4, LineItem::named)?, row.try_get(5)?);
        add_correction(&mut usage, query.width, rows::read(&row)?, correction);
    }
    Ok(usage)
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
