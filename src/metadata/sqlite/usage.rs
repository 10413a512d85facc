//! What the ledger amounts to. A cache by hours saves reading most of it; what came since, Files that have expired and are
//! not swept yet, and corrections are added to it when it is asked.

use super::rows::named;
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::{Dimensions, Group, Slot, SlotWidth, UsageByGroup, UsageQuery};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter};
use std::str::FromStr;

const ROLLED_SEQ: &str = "usage_rolled_seq";
const COLUMNS: &str = "workspace_id, hour, api_key_id, purpose, delta_bytes, delta_files, byte_seconds, ops_class_a, ops_class_b, ingress_bytes, egress_bytes";
const SUMS: &str = "sum(delta_bytes), sum(delta_files), sum(byte_seconds), sum(ops_class_a), sum(ops_class_b),
    sum(ingress_bytes), sum(egress_bytes)";

/// The clause by which rows of every workspace behind a `seq` are found: the primary key.
const BY_SEQ: &str = "NOT INDEXED";

/// The tables of the cache: where the key and the purpose of a row stand in each.
const CACHES: [(&str, &str); 2] = [("usage_hourly", "api_key_id, purpose"), ("usage_hourly_totals", "'', ''")];

/// Returns the query that turns rows of the ledger into rows of the cache, with slots of this width in place of hours. `index`
/// is the `INDEXED BY` clause, `condition` chooses the rows.
fn facts(width: SlotWidth, index: &str, condition: &str) -> String {
    let seconds = width.seconds();
    let stored = "fact IN ('opening', 'create', 'complete', 'end')";
    format!(
        "SELECT workspace_id, ts - ts % {seconds} AS hour, coalesce(api_key_id, '') AS api_key_id,
                coalesce(purpose, '') AS purpose,
                CASE WHEN {stored} THEN bytes ELSE 0 END AS delta_bytes,
                CASE fact WHEN 'opening' THEN 1 WHEN 'create' THEN 1 WHEN 'complete' THEN 1 WHEN 'end' THEN -1 ELSE 0 END
                    AS delta_files,
                CASE WHEN {stored} THEN bytes * ({seconds} - ts % {seconds}) ELSE 0 END AS byte_seconds,
                CASE WHEN fact IN ('create', 'complete', 'list') THEN count ELSE 0 END AS ops_class_a,
                CASE WHEN fact IN ('retrieve', 'content') THEN count ELSE 0 END AS ops_class_b,
                CASE WHEN fact IN ('create', 'complete') THEN bytes ELSE 0 END AS ingress_bytes,
                CASE WHEN fact = 'content' THEN bytes ELSE 0 END AS egress_bytes
         FROM ledger {index} WHERE fact <> 'adjustment' AND {condition}"
    )
}

/// Returns the query for the same rows that takes from sums what they add.
fn negative(facts: &str) -> String {
    format!(
        "SELECT workspace_id, hour, api_key_id, purpose, -delta_bytes, -delta_files, -byte_seconds, -ops_class_a,
                -ops_class_b, -ingress_bytes, -egress_bytes FROM ({facts})"
    )
}

/// Takes at most `limit` more rows of the ledger into the cache; how many there were.
pub(super) fn roll_up(connection: &Connection, limit: u32) -> Result<usize> {
    let rolled = rolled_seq(connection)?;
    let last = "SELECT max(seq), count(*) FROM (SELECT seq FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2)";
    let (last, count): (Option<u64>, usize) =
        connection.prepare_cached(last)?.query_row(params![rolled, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else { return Ok(0) };
    for (table, kept) in CACHES {
        let sql = format!(
            "INSERT INTO {table} ({COLUMNS})
             SELECT workspace_id, hour, {kept}, {SUMS} FROM ({facts})
             WHERE true GROUP BY 1, 2, 3, 4
             ON CONFLICT DO UPDATE SET delta_bytes = delta_bytes + excluded.delta_bytes,
                 delta_files = delta_files + excluded.delta_files, byte_seconds = byte_seconds + excluded.byte_seconds,
                 ops_class_a = ops_class_a + excluded.ops_class_a, ops_class_b = ops_class_b + excluded.ops_class_b,
                 ingress_bytes = ingress_bytes + excluded.ingress_bytes,
                 egress_bytes = egress_bytes + excluded.egress_bytes",
            facts = facts(SlotWidth::Hour, BY_SEQ, "seq > ?1 AND seq <= ?2")
        );
        connection.prepare_cached(&sql)?.execute(params![rolled, last])?;
    }
    let note = "INSERT INTO installation (name, value) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(note)?.execute(params![ROLLED_SEQ, last.to_string()])?;
    Ok(count)
}

/// Forgets the cache; it is made anew by rolling up.
pub(super) fn forget_rollup(connection: &Connection) -> Result<()> {
    for (table, _) in CACHES {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    connection.execute("DELETE FROM installation WHERE name = ?1", [ROLLED_SEQ]).map(drop)
}

/// Returns the workspace and hour behind these of which the cache or the ledger has something, workspace by workspace.
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
        let hour: Option<u64> =
            connection.prepare_cached(next_hour)?.query_row(params![workspace, from], |row| row.get(0))?;
        if let Some(hour) = hour {
            return Ok(Some(vec![workspace, hour.to_string()]));
        }
        let next: Option<String> =
            connection.prepare_cached(next_workspace)?.query_row([&workspace], |row| row.get(0))?;
        let Some(next) = next else { return Ok(None) };
        (workspace, from) = (next, 0);
    }
}

/// Counts the rows of the cache that are not what the ledger says of this workspace and hour.
pub(super) fn wrong_rows(connection: &Connection, key: &[String]) -> Result<u64> {
    let [workspace, hour] = key else { return Ok(0) };
    let (rolled, mut wrong) = (rolled_seq(connection)?, 0);
    let of_hour = "workspace_id = ?1 AND ts >= ?2 AND ts < ?2 + 3600 AND seq <= ?3";
    for (table, kept) in CACHES {
        let sql = format!(
            "SELECT count(*) FROM (
                 SELECT workspace_id, hour, api_key_id, purpose, {SUMS} FROM (
                     SELECT {COLUMNS} FROM {table} WHERE workspace_id = ?1 AND hour = ?2
                     UNION ALL
                     SELECT workspace_id, hour, {kept}, -delta_bytes, -delta_files, -byte_seconds, -ops_class_a,
                            -ops_class_b, -ingress_bytes, -egress_bytes FROM ({facts})
                 ) GROUP BY 1, 2, 3, 4
                 HAVING sum(delta_bytes) <> 0 OR sum(delta_files) <> 0 OR sum(byte_seconds) <> 0 OR sum(ops_class_a) <> 0
                     OR sum(ops_class_b) <> 0 OR sum(ingress_bytes) <> 0 OR sum(egress_bytes) <> 0
             )",
            facts = facts(SlotWidth::Hour, "INDEXED BY ledger_by_workspace_time", of_hour)
        );
        let values = params![workspace, hour.parse::<u64>().unwrap_or_default(), rolled];
        wrong += connection.prepare_cached(&sql)?.query_row(values, |row| row.get::<_, u64>(0))?;
    }
    Ok(wrong)
}

pub(super) fn rolled_seq(connection: &Connection) -> Result<u64> {
    let sql = "SELECT CAST(value AS INTEGER) FROM installation WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([ROLLED_SEQ], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// On a connection whose reads all see the same moment.
pub(super) fn find(connection: &Connection, query: &UsageQuery, now_seconds: u64) -> Result<UsageByGroup> {
    let snapshot = connection.unchecked_transaction()?;
    within(&snapshot, query, None, now_seconds)
}

/// What the rows of the ledger up to one of them amount to, in slots of an hour, within a snapshot that is there already.
pub(super) fn through(
    snapshot: &Connection,
    query: &UsageQuery,
    through_seq: u64,
    now_seconds: u64,
) -> Result<UsageByGroup> {
    within(snapshot, query, Some(through_seq), now_seconds)
}

fn within(
    snapshot: &Connection,
    query: &UsageQuery,
    through_seq: Option<u64>,
    now_seconds: u64,
) -> Result<UsageByGroup> {
    if query.workspaces.as_ref().is_some_and(Vec::is_empty) {
        return Ok(UsageByGroup::new());
    }
    let rolled = rolled_seq(snapshot)?;
    let [(apart, _), (together, _)] = CACHES;
    let cache = if query.by.key || query.by.purpose || query.keys.is_some() { apart } else { together };
    let (filter, values) = Filter::of(query);
    let owned = &filter.workspaces;
    let by_hours = |until: u64| format!("SELECT {COLUMNS} FROM {cache} WHERE {owned} AND hour < {until}");
    let since = |width: SlotWidth, until: u64| {
        facts(width, filter.by_seq(), &format!("{owned} AND seq > {rolled} AND ts < {until}"))
    };
    let sources = match query.width {
        SlotWidth::Hour => {
            let beside = match through_seq {
                None => since(SlotWidth::Hour, query.end),
                Some(through_seq) => {
                    let (above, upto) = (rolled.min(through_seq), rolled.max(through_seq));
                    let rows = format!("{owned} AND seq > {above} AND seq <= {upto} AND ts < {}", query.end);
                    let rows = facts(SlotWidth::Hour, filter.by_seq(), &rows);
                    if rolled <= through_seq { rows } else { negative(&rows) }
                }
            };
            [by_hours(query.end), beside].join(" UNION ALL ")
        }
        SlotWidth::Minute => {
            let hour = query.start - query.start % SlotWidth::Hour.seconds();
            let some = if filter.is_all { "workspace_id IN (SELECT id FROM workspaces)" } else { owned.as_str() };
            let within = format!("{some} AND ts >= {hour} AND ts < {}", query.end);
            let within = facts(SlotWidth::Minute, "INDEXED BY ledger_by_workspace_time", &within);
            [by_hours(hour), since(SlotWidth::Minute, hour), within].join(" UNION ALL ")
        }
    };
    // Expired Files that are not swept yet have ended all the same.
    let seconds = query.width.seconds();
    let expired = format!(
        "SELECT f.workspace_id, f.expires_at - f.expires_at % {seconds}, coalesce(l.api_key_id, ''), f.purpose,
                -f.size_bytes, -1, -f.size_bytes * ({seconds} - f.expires_at % {seconds}), 0, 0, 0, 0
         FROM (SELECT * FROM files {index} WHERE {owned} AND expires_at <= {last}) f
         JOIN ledger l ON l.event_id = 'st+:' || f.id",
        index = if filter.is_all { "INDEXED BY files_by_expiry" } else { "INDEXED BY files_by_workspace_expiry" },
        last = now_seconds.min(query.end.saturating_sub(1)),
    );
    let kept = |kept: bool, column: &'static str| if kept { column } else { "''" };
    let Dimensions { workspace, key, purpose } = query.by;
    let dimensions = [kept(workspace, "workspace_id"), kept(key, "api_key_id"), kept(purpose, "purpose")].join(", ");
    let slot = format!("CASE WHEN hour < {} THEN -1 ELSE hour END", query.start);
    // All that ever happened before the window would be too much for the sum of a column of integers, and nobody asks for it.
    let within = format!("sum(CASE WHEN hour < {} THEN 0 ELSE byte_seconds END)", query.start);
    let sums = SUMS.replace("sum(byte_seconds)", &within);
    let sql = format!(
        "SELECT {dimensions}, {slot} AS slot, {sums} FROM ({sources} UNION ALL {expired}) WHERE {keys}
         GROUP BY 1, 2, 3, slot",
        keys = filter.keys
    );
    let mut usage = UsageByGroup::new();
    let mut select = snapshot.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(&values))?;
    while let Some(row) = rows.next()? {
        let series = usage.entry(group(row)?).or_default();
        let (start, slot) = (row.get::<_, i64>(3)?, slot_of(row)?);
        if let Ok(start) = u64::try_from(start) {
            series.slots.entry(start).or_default().add(slot);
        } else {
            series.opening_bytes += slot.delta_bytes;
            series.opening_files += slot.delta_files;
        }
    }
    add_adjustments(snapshot, query, through_seq, &dimensions, (&filter, &values), &mut usage)?;
    Ok(usage)
}

/// Adds corrections, one by one: they may be as large as they like.
fn add_adjustments(
    connection: &Connection,
    query: &UsageQuery,
    through_seq: Option<u64>,
    dimensions: &str,
    (filter, values): (&Filter, &[Value]),
    usage: &mut UsageByGroup,
) -> Result<()> {
    let sql = format!(
        "SELECT {dimensions}, ts, line_item, bytes + count FROM (
             SELECT workspace_id, coalesce(api_key_id, '') AS api_key_id, coalesce(purpose, '') AS purpose, ts, line_item,
                    bytes, count
             FROM ledger INDEXED BY ledger_adjustments
             WHERE fact = 'adjustment' AND {owned} AND ts >= {start} AND ts < {end} AND {known}
         ) WHERE {keys}",
        known = through_seq.map_or_else(|| "true".to_owned(), |through_seq| format!("seq <= {through_seq}")),
        owned = filter.workspaces,
        start = query.start,
        end = query.end,
        keys = filter.keys
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let (ts, item, quantity) = (row.get::<_, u64>(3)?, named(row, 4, LineItem::named)?, row.get::<_, i64>(5)?);
        let slots = &mut usage.entry(group(row)?).or_default().slots;
        slots.entry(ts - ts % query.width.seconds()).or_default().adjust(item, quantity);
    }
    Ok(())
}

/// Which rows a question is about, as conditions on their columns.
struct Filter {
    /// Whether it is about every workspace.
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

    /// Returns the clause by which rows of the ledger behind a `seq` are found.
    const fn by_seq(&self) -> &'static str {
        if self.is_all { BY_SEQ } else { "INDEXED BY ledger_by_workspace" }
    }
}

fn group(row: &Row<'_>) -> Result<Group> {
    let purpose = if row.get_ref(2)?.as_str()?.is_empty() { None } else { Some(named(row, 2, Purpose::named)?) };
    Ok(Group::of(known(row, 0)?, known(row, 1)?, purpose))
}

/// An id, where one is known and kept apart.
fn known<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>> {
    if row.get_ref(column)?.as_str()?.is_empty() { Ok(None) } else { super::rows::parsed(row, column).map(Some) }
}

fn slot_of(row: &Row<'_>) -> Result<Slot> {
    let number = |column: usize| row.get::<_, i64>(column).map(i128::from);
    Ok(Slot {
        delta_bytes: number(4)?,
        delta_files: number(5)?,
        byte_seconds: number(6)?,
        ops_class_a: number(7)?,
        ops_class_b: number(8)?,
        ingress_bytes: number(9)?,
        egress_bytes: number(10)?,
    })
}
