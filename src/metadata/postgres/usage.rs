//! What the ledger amounts to. A cache by hours saves reading most of it; what came since, whether it has its number or not,
//! Files that have expired and are not swept yet, and corrections are added to it when it is asked.

use super::connections::{Session, Values};
use super::failure::Failure;
use super::ledger;
use super::rows::{named, number, parsed, stored};
use super::writer::Change;
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::{Dimensions, Group, Slot, SlotWidth, UsageByGroup, UsageQuery};
use std::str::FromStr;
use tokio_postgres::Row;

const ROLLED_SEQ: &str = "usage_rolled_seq";
const COLUMNS: &str = "workspace_id, hour, api_key_id, purpose, delta_bytes, delta_files, byte_seconds, ops_class_a, ops_class_b, ingress_bytes, egress_bytes";
/// Those of them that add up.
const COUNTED: [&str; 7] =
    ["delta_bytes", "delta_files", "byte_seconds", "ops_class_a", "ops_class_b", "ingress_bytes", "egress_bytes"];

/// The tables of the cache: where the key and the purpose of a row stand in each.
const CACHES: [(&str, &str); 2] = [("usage_hourly", "api_key_id, purpose"), ("usage_hourly_totals", "'', ''")];

fn for_each(counted: impl Fn(&str) -> String, between: &str) -> String {
    COUNTED.map(counted).join(between)
}

fn sums() -> String {
    for_each(|column| format!("sum({column})::bigint"), ", ")
}

/// All that ever happened before the window would be too much for an integer, and nobody asks for it.
fn sum_within(column: &str, start: u64) -> String {
    if column == "byte_seconds" {
        format!("sum(CASE WHEN hour < {start} THEN 0 ELSE byte_seconds END)::bigint")
    } else {
        format!("sum({column})::bigint")
    }
}

/// Rows of the ledger as rows of the cache, with slots of so many seconds in place of hours.
fn facts(width: SlotWidth, condition: &str) -> String {
    let seconds = width.seconds();
    let stored = "fact IN ('opening', 'create', 'complete', 'end')";
    format!(
        "SELECT workspace_id, ts - ts % {seconds} AS hour, coalesce(api_key_id, '') AS api_key_id,
                coalesce(purpose, '') AS purpose,
                CASE WHEN {stored} THEN bytes ELSE 0 END AS delta_bytes,
                CASE WHEN fact IN ('opening', 'create', 'complete') THEN 1 WHEN fact = 'end' THEN -1 ELSE 0 END::bigint
                    AS delta_files,
                CASE WHEN {stored} THEN bytes * ({seconds} - ts % {seconds}) ELSE 0 END AS byte_seconds,
                CASE WHEN fact IN ('create', 'complete', 'list') THEN count ELSE 0 END AS ops_class_a,
                CASE WHEN fact IN ('retrieve', 'content') THEN count ELSE 0 END AS ops_class_b,
                CASE WHEN fact IN ('create', 'complete') THEN bytes ELSE 0 END AS ingress_bytes,
                CASE WHEN fact = 'content' THEN bytes ELSE 0 END AS egress_bytes
         FROM ledger WHERE fact <> 'adjustment' AND {condition}"
    )
}

/// Returns the query for the same rows that takes from sums what they add.
fn negative(facts: &str) -> String {
    let taken = for_each(|column| format!("-{column}"), ", ");
    format!("SELECT workspace_id, hour, api_key_id, purpose, {taken} FROM ({facts}) r")
}

/// Numbers at most `limit` more rows of the ledger, and takes as many into the cache; how many there were.
pub(super) async fn roll_up(change: Change<'_>, limit: u32) -> Result<u64, Failure> {
    ledger::number_some(&change, limit).await?;
    let rolled = rolled_seq(&change).await?;
    let last = "SELECT max(seq), count(*) FROM (SELECT seq FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2) l";
    let last = change.row(last, &[&stored(rolled), &i64::from(limit)]).await?;
    let Some((last, count)) = last.and_then(|row| Some((row.try_get::<_, i64>(0).ok()?, number(&row, 1).ok()?))) else {
        change.commit(async { Ok(()) }).await?;
        return Ok(0);
    };
    for (table, kept) in CACHES {
        let sql = format!(
            "INSERT INTO {table} ({COLUMNS})
             SELECT workspace_id, hour, {kept}, {sums} FROM ({facts}) l GROUP BY 1, 2, 3, 4
             ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET {added}",
            sums = sums(),
            facts = facts(SlotWidth::Hour, "seq > $1 AND seq <= $2"),
            added = for_each(|column| format!("{column} = {table}.{column} + excluded.{column}"), ", ")
        );
        change.execute(&sql, &[&stored(rolled), &last]).await?;
    }
    let note = "INSERT INTO installation (name, value) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    change.execute(note, &[&ROLLED_SEQ, &last.to_string()]).await?;
    change.commit(async { Ok(()) }).await?;
    Ok(count)
}

/// Forgets the cache; it is made anew by rolling up.
pub(super) async fn forget_rollup(change: Change<'_>) -> Result<(), Failure> {
    ledger::number_some(&change, 0).await?;
    for (table, _) in CACHES {
        change.execute(&format!("DELETE FROM {table}"), &[]).await?;
    }
    change.execute("DELETE FROM installation WHERE name = $1", &[&ROLLED_SEQ]).await?;
    change.commit(async { Ok(()) }).await
}

/// Returns the workspace and hour behind these of which the cache or the ledger has something, workspace by workspace.
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

/// Counts the rows of the cache that are not what the ledger says of this workspace and hour.
pub(super) async fn wrong_rows(session: &Session, key: &[String]) -> Result<u64, Failure> {
    let [workspace, hour] = key else { return Ok(0) };
    let (rolled, mut wrong) = (rolled_seq(session).await?, 0);
    let hour = hour.parse::<i64>().unwrap_or_default();
    for (table, kept) in CACHES {
        let sql = format!(
            "SELECT count(*) FROM (
                 SELECT 1 FROM (
                     SELECT {COLUMNS} FROM {table} WHERE workspace_id = $1 AND hour = $2
                     UNION ALL
                     SELECT workspace_id, hour, {kept}, {negative} FROM ({facts}) l
                 ) d GROUP BY workspace_id, hour, api_key_id, purpose HAVING {differs}
             ) w",
            negative = for_each(|column| format!("-{column}"), ", "),
            facts = facts(SlotWidth::Hour, "workspace_id = $1 AND ts >= $2 AND ts < $2 + 3600 AND seq <= $3"),
            differs = for_each(|column| format!("sum({column}) <> 0"), " OR ")
        );
        let found = session.row(&sql, &[workspace, &hour, &stored(rolled)]).await?;
        wrong += found.map_or(Ok(0), |row| number(&row, 0))?;
    }
    Ok(wrong)
}

pub(super) async fn rolled_seq(session: &Session) -> Result<u64, Failure> {
    let sql = "SELECT value::bigint FROM installation WHERE name = $1";
    session.row(sql, &[&ROLLED_SEQ]).await?.map_or(Ok(0), |row| number(&row, 0))
}

/// Which rows of the ledger count beside the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// All that are committed.
    All,
    /// Those up to this number, and nothing of the cache that came later; for whole hours only.
    Through(u64),
}

/// On a session whose statements all see the same moment. Numbers are written into the statement, so that the database
/// knows how few rows there are behind them.
pub(super) async fn find(
    session: &Session,
    query: &UsageQuery,
    behind: Behind,
    set_ms: Option<i64>,
) -> Result<UsageByGroup, Failure> {
    let rolled = rolled_seq(session).await?;
    let [(apart, _), (together, _)] = CACHES;
    let cache = if query.by.key || query.by.purpose || query.keys.is_some() { apart } else { together };
    // Each source has the condition itself, so that an index of it by workspace can be used.
    let owned = if query.workspaces.is_some() { "workspace_id = ANY($1)" } else { "$1::text[] IS NULL" };
    let by_hours = |until: u64| format!("SELECT {COLUMNS} FROM {cache} WHERE {owned} AND hour < {until}");
    let since = |width: SlotWidth, until: u64| match behind {
        Behind::All => {
            let numbered = facts(width, &format!("{owned} AND seq > {rolled} AND ts < {until}"));
            [numbered, facts(width, &format!("{owned} AND seq IS NULL AND ts < {until}"))].join(" UNION ALL ")
        }
        Behind::Through(through_seq) => {
            let (above, upto) = (rolled.min(through_seq), rolled.max(through_seq));
            let rows = facts(width, &format!("{owned} AND seq > {above} AND seq <= {upto} AND ts < {until}"));
            if rolled <= through_seq { rows } else { negative(&rows) }
        }
    };
    let sources = match query.width {
        SlotWidth::Hour => [by_hours(query.end), since(SlotWidth::Hour, query.end)].join(" UNION ALL "),
        SlotWidth::Minute => {
            let hour = query.start - query.start % SlotWidth::Hour.seconds();
            let some =
                if query.workspaces.is_some() { owned } else { "workspace_id = ANY(ARRAY(SELECT id FROM workspaces))" };
            let within = facts(SlotWidth::Minute, &format!("{some} AND ts >= {hour} AND ts < {}", query.end));
            [by_hours(hour), since(SlotWidth::Minute, hour), within].join(" UNION ALL ")
        }
    };
    // Expired and not swept: they have ended all the same.
    let seconds = query.width.seconds();
    let expired = format!(
        "SELECT f.workspace_id, f.expires_at - f.expires_at % {seconds}, coalesce(l.api_key_id, ''), f.purpose,
                -f.size_bytes, -1, -f.size_bytes * ({seconds} - f.expires_at % {seconds}), 0, 0, 0, 0
         FROM (SELECT * FROM files WHERE {owned} AND expires_at <= now_ms($3) / 1000 AND expires_at < {}) f
         JOIN ledger l ON l.event_id = 'st+:' || f.id",
        query.end
    );
    let keyed = if query.keys.is_some() { "api_key_id = ANY($2)" } else { "$2::text[] IS NULL" };
    let kept = |kept: bool, column: &'static str| if kept { column } else { "''" };
    let Dimensions { workspace, key, purpose } = query.by;
    let dimensions = [kept(workspace, "workspace_id"), kept(key, "api_key_id"), kept(purpose, "purpose")].join(", ");
    let sql = format!(
        "SELECT {dimensions}, CASE WHEN hour < {start} THEN -1 ELSE hour END AS slot, {sums}
         FROM ({sources} UNION ALL {expired}) u
         WHERE {keyed}
         GROUP BY 1, 2, 3, 4",
        start = query.start,
        sums = for_each(|column| sum_within(column, query.start), ", ")
    );
    let workspaces: Option<Vec<String>> = query.workspaces.as_ref().map(|ids| texts(ids));
    let keys: Option<Vec<String>> = query.keys.as_ref().map(|ids| texts(ids));
    let mut usage = UsageByGroup::new();
    for row in session.query(&sql, &[&workspaces, &keys, &set_ms]).await? {
        let series = usage.entry(group(&row)?).or_default();
        let (start, slot) = (row.try_get::<_, i64>(3)?, slot_of(&row)?);
        if let Ok(start) = u64::try_from(start) {
            series.slots.entry(start).or_default().add(slot);
        } else {
            series.opening_bytes += slot.delta_bytes;
            series.opening_files += slot.delta_files;
        }
    }
    let wanted: Values<'_> = &[&workspaces, &keys];
    add_adjustments(session, query, behind, (&dimensions, owned, keyed), wanted, &mut usage).await?;
    Ok(usage)
}

/// Adds corrections, one by one: they may be as large as they like.
async fn add_adjustments(
    session: &Session,
    query: &UsageQuery,
    behind: Behind,
    (dimensions, owned, keyed): (&str, &str, &str),
    wanted: Values<'_>,
    usage: &mut UsageByGroup,
) -> Result<(), Failure> {
    let known = match behind {
        Behind::Through(through_seq) => format!("seq <= {through_seq}"),
        Behind::All => "true".to_owned(),
    };
    let sql = format!(
        "SELECT {dimensions}, ts, line_item, bytes + count FROM (
             SELECT workspace_id, coalesce(api_key_id, '') AS api_key_id, coalesce(purpose, '') AS purpose, ts, line_item,
                    bytes, count
             FROM ledger WHERE fact = 'adjustment' AND {owned} AND ts >= {} AND ts < {} AND {known}
         ) a WHERE {keyed}",
        query.start, query.end
    );
    for row in session.query(&sql, wanted).await? {
        let (ts, item, quantity) = (number(&row, 3)?, named(&row, 4, LineItem::named)?, row.try_get(5)?);
        let slots = &mut usage.entry(group(&row)?).or_default().slots;
        slots.entry(ts - ts % query.width.seconds()).or_default().adjust(item, quantity);
    }
    Ok(())
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn group(row: &Row) -> Result<Group, Failure> {
    let purpose: &str = row.try_get(2)?;
    let purpose = if purpose.is_empty() { None } else { Some(named(row, 2, Purpose::named)?) };
    Ok(Group::of(known(row, 0)?, known(row, 1)?, purpose))
}

/// An id, where one is known and kept apart.
fn known<T: FromStr>(row: &Row, column: usize) -> Result<Option<T>, Failure> {
    if row.try_get::<_, &str>(column)?.is_empty() { Ok(None) } else { parsed(row, column).map(Some) }
}

fn slot_of(row: &Row) -> Result<Slot, Failure> {
    let number = |column: usize| Ok::<_, Failure>(i128::from(row.try_get::<_, i64>(column)?));
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
