//! Sums of the ledger. A rollup by hours saves reading most rows. Queries add to it later rows, expired Files that are
//! not deleted yet, and corrections.

use super::installation;
use super::queries::Queries;
use super::rows::{self, named};
use super::store::SqliteStore;
use crate::metadata::error::MetadataError;
use crate::metadata::rules::usage::{Behind, Dialect, ROLLED_SEQ, ROLLUPS, add_correction, add_row};
use crate::metadata::usage::UsageStore;
use crate::model::prices::LineItem;
use crate::model::usage::{SlotWidth, UsageByGroup, UsageQuery};
use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params, params_from_iter};

/// The ledger, read by number, which is the primary key.
const BY_SEQ: &str = "ledger NOT INDEXED";
/// The ledger, read by time within workspaces.
const BY_TIME: &str = "ledger INDEXED BY ledger_by_workspace_time";

#[async_trait]
impl UsageStore for SqliteStore {
    async fn usage(&self, query: UsageQuery) -> Result<UsageByGroup, MetadataError> {
        let now_seconds = self.clock.now_seconds();
        self.readers
            .long(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                find(&snapshot, &query, Behind::All, now_seconds)
            })
            .await
    }

    async fn roll_up_usage(&self, limit: u32) -> Result<usize, MetadataError> {
        self.writer
            .write(move |transaction| {
                let rolled = rolled_seq(transaction)?;
                let last = "SELECT max(seq), count(*) FROM
                            (SELECT seq FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
                let last = transaction.row(last, params![rolled, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let Some((Some(last), count)): Option<(Option<u64>, usize)> = last else { return Ok(0) };
                for rollup in ROLLUPS {
                    let sql = rollup.add(BY_SEQ, "seq > ?1 AND seq <= ?2");
                    transaction.change(&sql, params![rolled, last])?;
                }
                installation::set(transaction, ROLLED_SEQ, last)?;
                Ok(count)
            })
            .await
    }

    async fn forget_usage_rollup(&self) -> Result<(), MetadataError> {
        self.writer
            .write(|transaction| {
                for rollup in ROLLUPS {
                    transaction.execute(&format!("DELETE FROM {}", rollup.table), [])?;
                }
                installation::remove(transaction, ROLLED_SEQ)
            })
            .await
    }
}

/// Returns the next workspace and hour behind these of which the rollup or the ledger has rows, workspace by workspace.
pub(super) fn next_hour(connection: &Connection, after: Option<&[String]>) -> Result<Option<Vec<String>>> {
    let (mut workspace, mut from) = match after {
        Some([workspace, hour]) => {
            (workspace.clone(), hour.parse::<u64>().unwrap_or_default() + SlotWidth::Hour.seconds())
        }
        _ => (String::new(), 0),
    };
    let next_hour = "SELECT min(h) FROM (
             SELECT min(hour) AS h FROM usage_hourly WHERE workspace_id = ?1 AND hour >= ?2
             UNION ALL SELECT min(hour) FROM usage_hourly_totals WHERE workspace_id = ?1 AND hour >= ?2
             UNION ALL SELECT min(ts) - min(ts) % 3600 FROM ledger WHERE workspace_id = ?1 AND ts >= ?2)";
    let next_workspace = "SELECT min(w) FROM (
             SELECT min(workspace_id) AS w FROM usage_hourly WHERE workspace_id > ?1
             UNION ALL SELECT min(workspace_id) FROM usage_hourly_totals WHERE workspace_id > ?1
             UNION ALL SELECT min(workspace_id) FROM ledger WHERE workspace_id > ?1)";
    loop {
        if let Some(hour) = connection.value::<Option<u64>>(next_hour, params![workspace, from])? {
            return Ok(Some(vec![workspace, hour.to_string()]));
        }
        let Some(next) = connection.value(next_workspace, [&workspace])? else { return Ok(None) };
        (workspace, from) = (next, 0);
    }
}

/// Returns the number of rows of the rollup that differ from the sums of the ledger in this workspace and hour.
pub(super) fn wrong_rows(connection: &Connection, key: &[String]) -> Result<u64> {
    let [workspace, hour] = key else { return Ok(0) };
    let (rolled, mut wrong) = (rolled_seq(connection)?, 0);
    let of_hour = "workspace_id = ?1 AND ts >= ?2 AND ts < ?2 + 3600 AND seq <= ?3";
    for rollup in ROLLUPS {
        let sql = rollup.wrong("workspace_id = ?1 AND hour = ?2", BY_TIME, of_hour);
        let values = params![workspace, hour.parse::<u64>().unwrap_or_default(), rolled];
        wrong += connection.value::<u64>(&sql, values)?;
    }
    Ok(wrong)
}

pub(super) fn rolled_seq(connection: &Connection) -> Result<u64> {
    Ok(installation::find(connection, ROLLED_SEQ)?.unwrap_or_default())
}

/// Returns usage within a snapshot.
pub(super) fn find(
    snapshot: &Connection,
    query: &UsageQuery,
    behind: Behind,
    now_seconds: u64,
) -> Result<UsageByGroup> {
    let mut usage = UsageByGroup::new();
    if query.workspaces.as_ref().is_some_and(Vec::is_empty) {
        return Ok(usage);
    }
    let (filter, values) = Filter::of(query);
    let expired = format!("expires_at <= {}", now_seconds.min(query.end.saturating_sub(1)));
    let dialect = filter.dialect(&expired);
    let mut select = snapshot.prepare(&dialect.usage(query, behind, rolled_seq(snapshot)?))?;
    let mut rows = select.query(params_from_iter(&values))?;
    while let Some(row) = rows.next()? {
        let mut figures = [0; 7];
        for (column, figure) in (4..).zip(&mut figures) {
            *figure = row.get(column)?;
        }
        add_row(&mut usage, rows::read(row)?, row.get(3)?, figures);
    }
    let mut select = snapshot.prepare(&dialect.corrections(query, behind))?;
    let mut rows = select.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let correction = (row.get(3)?, named(row, 4, LineItem::named)?, row.get(5)?);
        add_correction(&mut usage, query.width, rows::read(row)?, correction);
    }
    Ok(usage)
}

/// The conditions on the columns of the rows of a query.
struct Filter {
    /// Whether the query is about all workspaces.
    is_all: bool,
    workspaces: String,
    keys: String,
}

impl Filter {
    /// Returns the filter of a query and the values of its parameters, which are numbered from 1.
    fn of(query: &UsageQuery) -> (Self, Vec<Value>) {
        let texts = |ids: &[String]| ids.iter().cloned().map(Value::Text).collect::<Vec<_>>();
        let workspaces = query.workspaces.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        let keys = query.keys.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        let mut values = Vec::new();
        let mut condition = |column: &str, wanted: Option<Vec<String>>| {
            let Some(wanted) = wanted else { return "true".to_owned() };
            let first = values.len() + 1;
            let places = (first..first + wanted.len()).map(|place| format!("?{place}")).collect::<Vec<_>>();
            values.extend(texts(&wanted));
            format!("{column} IN ({})", places.join(", "))
        };
        let is_all = workspaces.is_none();
        let (workspaces, keys) = (condition("workspace_id", workspaces), condition("api_key_id", keys));
        (Self { is_all, workspaces, keys }, values)
    }

    fn dialect<'a>(&'a self, expired: &'a str) -> Dialect<'a> {
        let owned = self.workspaces.as_str();
        let (ledger_by_seq, files, owned_each) = if self.is_all {
            (BY_SEQ, "files INDEXED BY files_by_expiry", "workspace_id IN (SELECT id FROM workspaces)")
        } else {
            ("ledger INDEXED BY ledger_by_workspace", "files INDEXED BY files_by_workspace_expiry", owned)
        };
        Dialect {
            ledger_by_seq,
            ledger_by_time: BY_TIME,
            adjustments: "ledger INDEXED BY ledger_adjustments",
            files,
            owned,
            owned_each,
            keyed: &self.keys,
            expired,
            has_unnumbered: false,
        }
    }
}
