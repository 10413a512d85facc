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

/// The tables of the cache: where the key and the purpose of a row stand in each.
const CACHES: [(&str, &str); 2] = [("usage_hourly", "api_key_id, purpose"), ("usage_hourly_totals", "'', ''")];

/// Rows of the ledger as rows of the cache, with slots of so many seconds in place of hours.
fn facts(width: SlotWidth, condition: &str) -> String {
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
         FROM ledger WHERE fact <> 'adjustment' AND {condition}"
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
            facts = facts(SlotWidth::Hour, "seq > ?1 AND seq <= ?2")
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

/// How many hours of the cache are not what the ledger says.
pub(super) fn wrong_hours(connection: &Connection) -> Result<u64> {
    let (rolled, mut wrong) = (rolled_seq(connection)?, 0);
    for (table, kept) in CACHES {
        let sql = format!(
            "SELECT count(*) FROM (
                 SELECT workspace_id, hour, api_key_id, purpose, {SUMS} FROM (
                     SELECT {COLUMNS} FROM {table}
                     UNION ALL
                     SELECT workspace_id, hour, {kept}, -delta_bytes, -delta_files, -byte_seconds, -ops_class_a,
                            -ops_class_b, -ingress_bytes, -egress_bytes FROM ({facts})
                 ) GROUP BY 1, 2, 3, 4
                 HAVING sum(delta_bytes) <> 0 OR sum(delta_files) <> 0 OR sum(byte_seconds) <> 0 OR sum(ops_class_a) <> 0
                     OR sum(ops_class_b) <> 0 OR sum(ingress_bytes) <> 0 OR sum(egress_bytes) <> 0
             )",
            facts = facts(SlotWidth::Hour, "seq <= ?1")
        );
        wrong += connection.query_row(&sql, [rolled], |row| row.get::<_, u64>(0))?;
    }
    Ok(wrong)
}

fn rolled_seq(connection: &Connection) -> Result<u64> {
    let sql = "SELECT CAST(value AS INTEGER) FROM installation WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([ROLLED_SEQ], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// On a connection whose reads all see the same moment.
pub(super) fn find(connection: &Connection, query: &UsageQuery, now_seconds: u64) -> Result<UsageByGroup> {
    let snapshot = connection.unchecked_transaction()?;
    within(&snapshot, query, now_seconds)
}

/// The same within a snapshot that is there already.
pub(super) fn within(snapshot: &Connection, query: &UsageQuery, now_seconds: u64) -> Result<UsageByGroup> {
    let rolled = rolled_seq(snapshot)?;
    let [(apart, _), (together, _)] = CACHES;
    let cache = if query.by.key || query.by.purpose || query.keys.is_some() { apart } else { together };
    let by_hours = |until: u64| format!("SELECT {COLUMNS} FROM {cache} WHERE hour < {until}");
    let sources = match query.width {
        SlotWidth::Hour => {
            let since = facts(SlotWidth::Hour, &format!("seq > {rolled} AND ts < {}", query.end));
            [by_hours(query.end), since].join(" UNION ALL ")
        }
        SlotWidth::Minute => {
            let hour = query.start - query.start % SlotWidth::Hour.seconds();
            let since = facts(SlotWidth::Minute, &format!("seq > {rolled} AND ts < {hour}"));
            let within = facts(SlotWidth::Minute, &format!("ts >= {hour} AND ts < {}", query.end));
            [by_hours(hour), since, within].join(" UNION ALL ")
        }
    };
    // Expired and not swept: they have ended all the same.
    let seconds = query.width.seconds();
    let expired = format!(
        "SELECT f.workspace_id, f.expires_at - f.expires_at % {seconds}, coalesce(l.api_key_id, ''), f.purpose,
                -f.size_bytes, -1, -f.size_bytes * ({seconds} - f.expires_at % {seconds}), 0, 0, 0, 0
         FROM files f JOIN ledger l ON l.event_id = 'st+:' || f.id
         WHERE f.expires_at <= {now_seconds} AND f.expires_at < {}",
        query.end
    );
    let (condition, values) = conditions(query);
    let kept = |kept: bool, column: &'static str| if kept { column } else { "''" };
    let Dimensions { workspace, key, purpose } = query.by;
    let dimensions = [kept(workspace, "workspace_id"), kept(key, "api_key_id"), kept(purpose, "purpose")].join(", ");
    let slot = format!("CASE WHEN hour < {} THEN -1 ELSE hour END", query.start);
    // All that ever happened before the window would be too much for the sum of a column of integers, and nobody asks for it.
    let within = format!("sum(CASE WHEN hour < {} THEN 0 ELSE byte_seconds END)", query.start);
    let sums = SUMS.replace("sum(byte_seconds)", &within);
    let sql = format!(
        "SELECT {dimensions}, {slot} AS slot, {sums} FROM ({sources} UNION ALL {expired}) WHERE {condition}
         GROUP BY 1, 2, 3, slot"
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
    add_adjustments(snapshot, query, &dimensions, (&condition, &values), &mut usage)?;
    Ok(usage)
}

/// Adds corrections, one by one: they may be as large as they like.
fn add_adjustments(
    connection: &Connection,
    query: &UsageQuery,
    dimensions: &str,
    (condition, values): (&str, &[Value]),
    usage: &mut UsageByGroup,
) -> Result<()> {
    let sql = format!(
        "SELECT {dimensions}, ts, line_item, bytes + count FROM (
             SELECT workspace_id, coalesce(api_key_id, '') AS api_key_id, coalesce(purpose, '') AS purpose, ts, line_item,
                    bytes, count
             FROM ledger WHERE fact = 'adjustment' AND ts >= {} AND ts < {}
         ) WHERE {condition}",
        query.start, query.end
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

fn conditions(query: &UsageQuery) -> (String, Vec<Value>) {
    let workspaces = query.workspaces.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    let keys = query.keys.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    let (mut conditions, mut values) = (vec!["true".to_owned()], Vec::new());
    for (column, wanted) in [("workspace_id", workspaces), ("api_key_id", keys)] {
        if let Some(wanted) = wanted {
            conditions.push(format!("{column} IN ({})", vec!["?"; wanted.len()].join(", ")));
            values.extend(wanted.into_iter().map(Value::Text));
        }
    }
    (conditions.join(" AND "), values)
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
