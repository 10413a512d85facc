//! The statements of usage, which add up rows of the ledger by the table of [`Fact::billed_as`].
//!
//! A rollup by hours saves reading most of the ledger. Both stores keep it in the same tables. A query adds the rows
//! behind it, expired Files that are not deleted yet, and corrections.

use crate::model::ledger::Fact;
use crate::model::prices::LineItem;
use crate::model::usage::{Dimensions, Group, Slot, SlotWidth, UsageByGroup, UsageQuery};

/// The name under which a store keeps the number of the last row of the ledger that the rollup includes.
pub const ROLLED_SEQ: &str = "usage_rolled_seq";

/// A table of the rollup.
#[derive(Debug)]
pub struct Rollup {
    /// Its name.
    pub table: &'static str,
    /// Its primary key.
    key: &'static str,
    /// The key and purpose of its rows.
    group_columns: &'static str,
}

/// The rollup by key and purpose.
const BY_KEY_AND_PURPOSE: Rollup = Rollup {
    table: "usage_hourly",
    key: "workspace_id, hour, api_key_id, purpose",
    group_columns: "api_key_id, purpose",
};
/// The rollup by workspace only.
const BY_WORKSPACE: Rollup =
    Rollup { table: "usage_hourly_totals", key: "workspace_id, hour", group_columns: "'', ''" };
/// The tables of the rollup.
pub const ROLLUPS: [Rollup; 2] = [BY_KEY_AND_PURPOSE, BY_WORKSPACE];

/// The columns of the rollup with sums.
const COUNTED: [&str; 7] =
    ["delta_bytes", "delta_files", "byte_seconds", "ops_class_a", "ops_class_b", "ingress_bytes", "egress_bytes"];

/// The rows of the ledger that a query adds to the rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// All committed rows.
    All,
    /// The rows up to this number. Rows behind it that the rollup includes are subtracted. Only for whole hours.
    Through(u64),
}

/// The parts of the statements in which the stores differ.
#[derive(Debug)]
pub struct Dialect<'a> {
    /// The ledger, read by number.
    pub ledger_by_seq: &'a str,
    /// The ledger, read by time within workspaces.
    pub ledger_by_time: &'a str,
    /// The ledger, of which only corrections are read.
    pub adjustments: &'a str,
    /// The table of Files, read by expiry.
    pub files: &'a str,
    /// The condition that a row is of the workspaces of the query.
    pub owned: &'a str,
    /// The same condition in a form that uses an index by workspace for a query of all workspaces.
    pub owned_each: &'a str,
    /// The condition that a row is of the keys of the query.
    pub keyed: &'a str,
    /// The condition that a File has expired by now.
    pub expired: &'a str,
    /// Rows may have no number yet.
    pub has_unnumbered: bool,
}

/// Returns a list of all columns of the rollup, each written by `column`.
fn counted(column: impl Fn(&str) -> String, between: &str) -> String {
    COUNTED.map(column).join(between)
}

fn columns() -> String {
    format!("workspace_id, hour, api_key_id, purpose, {}", COUNTED.join(", "))
}

/// Returns the names of facts, as a list of SQL texts.
fn facts_where(is_one: impl Fn(Fact) -> bool) -> String {
    let names = Fact::SIMPLE.into_iter().filter(|fact| is_one(*fact)).map(|fact| format!("'{}'", fact.name()));
    names.collect::<Vec<_>>().join(", ")
}

/// Returns the value of a column that counts rows billed as a line item.
fn billed_as(item: LineItem, value: &str) -> String {
    format!("CASE WHEN fact IN ({}) THEN {value} ELSE 0 END", facts_where(|fact| fact.billed_as().contains(&item)))
}

/// Returns the query that turns rows of the ledger into rows of the rollup, with slots of this width in place of hours.
pub fn rows(width: SlotWidth, ledger: &str, condition: &str) -> String {
    let seconds = width.seconds();
    format!(
        "SELECT workspace_id, ts - ts % {seconds} AS hour, coalesce(api_key_id, '') AS api_key_id,
                coalesce(purpose, '') AS purpose,
                {delta_bytes} AS delta_bytes,
                CAST(CASE WHEN fact IN ({more}) THEN 1 WHEN fact IN ({fewer}) THEN -1 ELSE 0 END AS BIGINT)
                    AS delta_files,
                {byte_seconds} AS byte_seconds,
                {ops_class_a} AS ops_class_a,
                {ops_class_b} AS ops_class_b,
                {ingress_bytes} AS ingress_bytes,
                {egress_bytes} AS egress_bytes
         FROM {ledger} WHERE fact <> 'adjustment' AND {condition}",
        delta_bytes = billed_as(LineItem::Storage, "bytes"),
        more = facts_where(|fact| fact.delta_files() > 0),
        fewer = facts_where(|fact| fact.delta_files() < 0),
        byte_seconds = billed_as(LineItem::Storage, &format!("bytes * ({seconds} - ts % {seconds})")),
        ops_class_a = billed_as(LineItem::ClassA, "count"),
        ops_class_b = billed_as(LineItem::ClassB, "count"),
        ingress_bytes = billed_as(LineItem::Ingress, "bytes"),
        egress_bytes = billed_as(LineItem::Egress, "bytes"),
    )
}

/// Returns the query for the same rows that subtracts what they add.
fn negative(rows: &str) -> String {
    let negated = counted(|column| format!("-{column}"), ", ");
    format!("SELECT workspace_id, hour, api_key_id, purpose, {negated} FROM ({rows}) facts")
}

impl Rollup {
    /// Returns the statement that adds rows of the ledger.
    pub fn add(&self, ledger: &str, condition: &str) -> String {
        let Self { table, key, group_columns } = self;
        format!(
            "INSERT INTO {table} ({columns})
             SELECT workspace_id, hour, {group_columns}, {sums} FROM ({rows}) facts WHERE true GROUP BY 1, 2, 3, 4
             ON CONFLICT ({key}) DO UPDATE SET {added}",
            columns = columns(),
            sums = counted(|column| format!("CAST(sum({column}) AS BIGINT)"), ", "),
            rows = rows(SlotWidth::Hour, ledger, condition),
            added = counted(|column| format!("{column} = {table}.{column} + excluded.{column}"), ", ")
        )
    }

    /// Returns the query that counts rows which are not what the ledger adds up to.
    pub fn wrong(&self, condition: &str, ledger: &str, ledger_condition: &str) -> String {
        let Self { table, group_columns, .. } = self;
        format!(
            "SELECT count(*) FROM (
                 SELECT 1 FROM (
                     SELECT {columns} FROM {table} WHERE {condition}
                     UNION ALL
                     SELECT workspace_id, hour, {group_columns}, {negated} FROM ({rows}) facts
                 ) differences GROUP BY workspace_id, hour, api_key_id, purpose HAVING {differs}
             ) wrong",
            columns = columns(),
            negated = counted(|column| format!("-{column}"), ", "),
            rows = rows(SlotWidth::Hour, ledger, ledger_condition),
            differs = counted(|column| format!("sum({column}) <> 0"), " OR ")
        )
    }
}

/// Returns the columns of a query for usage: workspace, key and purpose, as far as they are kept apart.
fn dimensions(Dimensions { workspace, key, purpose }: Dimensions) -> String {
    let kept = |kept: bool, column: &'static str| if kept { column } else { "''" };
    [kept(workspace, "workspace_id"), kept(key, "api_key_id"), kept(purpose, "purpose")].join(", ")
}

impl Dialect<'_> {
    /// Returns the query for usage without corrections. It has the columns workspace, key, purpose, slot and those that
    /// add up. Its bounds (`seq` and seconds) are literals, not parameters, so that the planner can estimate how few
    /// rows lie behind them.
    pub fn usage(&self, query: &UsageQuery, behind: Behind, rolled_seq: u64) -> String {
        let Self { ledger_by_seq, ledger_by_time, owned, owned_each, .. } = self;
        let together = !query.by.key && !query.by.purpose && query.keys.is_none();
        let rollup = if together { BY_WORKSPACE } else { BY_KEY_AND_PURPOSE }.table;
        let by_hours = |until: u64| {
            format!("SELECT {columns} FROM {rollup} WHERE {owned} AND hour < {until}", columns = columns())
        };
        let since = |width: SlotWidth, until: u64| match behind {
            Behind::All => {
                let numbered = format!("{owned} AND seq > {rolled_seq} AND ts < {until}");
                let unnumbered = self.has_unnumbered.then(|| format!("{owned} AND seq IS NULL AND ts < {until}"));
                let both = [Some(numbered), unnumbered].into_iter().flatten();
                both.map(|condition| rows(width, ledger_by_seq, &condition)).collect::<Vec<_>>().join(" UNION ALL ")
            }
            Behind::Through(through_seq) => {
                let (above, upto) = (rolled_seq.min(through_seq), rolled_seq.max(through_seq));
                let between = format!("{owned} AND seq > {above} AND seq <= {upto} AND ts < {until}");
                let between = rows(width, ledger_by_seq, &between);
                if rolled_seq <= through_seq { between } else { negative(&between) }
            }
        };
        let (start, end) = (query.start, query.end);
        let sources = match query.width {
            SlotWidth::Hour => [by_hours(end), since(SlotWidth::Hour, end)].join(" UNION ALL "),
            SlotWidth::Minute => {
                let hour = start - start % SlotWidth::Hour.seconds();
                let within = format!("{owned_each} AND ts >= {hour} AND ts < {end}");
                let within = rows(SlotWidth::Minute, ledger_by_time, &within);
                [by_hours(hour), since(SlotWidth::Minute, hour), within].join(" UNION ALL ")
            }
        };
        // What was stored before the window would overflow the sum of its byte-seconds, which nobody asks for.
        let sum = |column: &str| match column {
            "byte_seconds" => format!("CAST(sum(CASE WHEN hour < {start} THEN 0 ELSE byte_seconds END) AS BIGINT)"),
            column => format!("CAST(sum({column}) AS BIGINT)"),
        };
        format!(
            "SELECT {dimensions}, CASE WHEN hour < {start} THEN -1 ELSE hour END AS slot, {sums}
             FROM ({sources} UNION ALL {expired}) used WHERE {keyed} GROUP BY 1, 2, 3, 4",
            dimensions = dimensions(query.by),
            sums = counted(sum, ", "),
            expired = self.expired_files(query.width),
            keyed = self.keyed
        )
    }

    /// Files that have expired and are not deleted yet have ended all the same.
    fn expired_files(&self, width: SlotWidth) -> String {
        let Self { files, owned, expired, .. } = self;
        let seconds = width.seconds();
        format!(
            "SELECT f.workspace_id, f.expires_at - f.expires_at % {seconds}, coalesce(l.api_key_id, ''), f.purpose,
                    -f.size_bytes, -1, -f.size_bytes * ({seconds} - f.expires_at % {seconds}), 0, 0, 0, 0
             FROM (SELECT * FROM {files} WHERE {owned} AND {expired}) f JOIN ledger l ON l.event_id = 'st+:' || f.id"
        )
    }

    /// Returns the query for corrections: workspace, key, purpose, second, line item and quantity. They are added one
    /// by one, because their sum may be too large for an integer.
    pub fn corrections(&self, query: &UsageQuery, behind: Behind) -> String {
        let Self { adjustments, owned, keyed, .. } = self;
        let known = match behind {
            Behind::Through(through_seq) => format!("seq <= {through_seq}"),
            Behind::All => "true".to_owned(),
        };
        format!(
            "SELECT {dimensions}, ts, line_item, bytes + count FROM (
                 SELECT workspace_id, coalesce(api_key_id, '') AS api_key_id, coalesce(purpose, '') AS purpose, ts,
                        line_item, bytes, count
                 FROM {adjustments} WHERE fact = 'adjustment' AND {owned} AND ts >= {start} AND ts < {end} AND {known}
             ) corrections WHERE {keyed}",
            dimensions = dimensions(query.by),
            start = query.start,
            end = query.end
        )
    }
}

/// Adds a row of [`Dialect::usage`]. A negative slot is the time before the window.
pub fn add_row(usage: &mut UsageByGroup, group: Group, slot: i64, figures: [i64; 7]) {
    let series = usage.entry(group).or_default();
    let [delta_bytes, delta_files, byte_seconds, ops_class_a, ops_class_b, ingress_bytes, egress_bytes] =
        figures.map(i128::from);
    let Ok(start) = u64::try_from(slot) else {
        series.opening_bytes += delta_bytes;
        series.opening_files += delta_files;
        return;
    };
    let slot = Slot { delta_bytes, delta_files, byte_seconds, ops_class_a, ops_class_b, ingress_bytes, egress_bytes };
    series.slots.entry(start).or_default().add(slot);
}

/// Adds a row of [`Dialect::corrections`].
pub fn add_correction(
    usage: &mut UsageByGroup,
    width: SlotWidth,
    group: Group,
    (ts, item, quantity): (u64, LineItem, i64),
) {
    let slots = &mut usage.entry(group).or_default().slots;
    slots.entry(ts - ts % width.seconds()).or_default().adjust(item, quantity);
}
