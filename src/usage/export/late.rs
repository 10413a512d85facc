//! Corrections by late ledger rows, whose hours are exported already.

use crate::model::ledger::{Fact, LedgerRow};
use crate::model::prices::LineItem;
use crate::model::usage::{Group, SlotWidth};
use std::collections::BTreeMap;

/// The change of usage by hour, group and line item.
pub(super) type Corrections = BTreeMap<(u64, Group, LineItem), i128>;

/// The maximum of corrections at once, unless a single row has more: a storage row changes each hour since.
const MAX_CORRECTIONS: u64 = 50_000;

/// Returns the first rows that change a bounded number of hours before `until`; at least one.
pub(super) fn first_rows(rows: &[LedgerRow], until: u64) -> &[LedgerRow] {
    let mut changed = 0;
    let fits = |row: &&LedgerRow| {
        let is_storage = matches!(row.fact, Fact::Opening | Fact::Create | Fact::Complete | Fact::End);
        let hours = until.saturating_sub(hour_of(row.ts)) / SlotWidth::Hour.seconds();
        changed += if is_storage { hours.max(1) } else { 1 };
        changed <= MAX_CORRECTIONS
    };
    let count = rows.iter().take_while(fits).count().max(1);
    rows.get(..count).unwrap_or(rows)
}

/// Returns the changes of the hours before `until`. Changes that cancel each other out are left out.
pub(super) fn corrections(rows: &[LedgerRow], until: u64) -> Corrections {
    let mut corrections = Corrections::new();
    for row in rows {
        let group = Group::of(Some(row.workspace), row.key, row.purpose);
        for line in row.lines() {
            let (bytes, count) = (i128::from(line.bytes), i128::from(line.count));
            let mut add = |hour: u64, quantity: i128| {
                *corrections.entry((hour, group, line.line_item)).or_default() += quantity;
            };
            match line.line_item {
                LineItem::Storage if !matches!(row.fact, Fact::Adjustment(_)) => {
                    for (hour, seconds) in stored(row.ts, until) {
                        add(hour, bytes * seconds);
                    }
                }
                LineItem::Storage | LineItem::Ingress | LineItem::Egress => add(hour_of(row.ts), bytes),
                LineItem::ClassA | LineItem::ClassB => add(hour_of(row.ts), count),
            }
        }
    }
    corrections.retain(|_, quantity| *quantity != 0);
    corrections
}

const fn hour_of(second: u64) -> u64 {
    second - second % SlotWidth::Hour.seconds()
}

/// Returns the hours since a second, each with its seconds from then on.
fn stored(from: u64, until: u64) -> impl Iterator<Item = (u64, i128)> {
    let width = SlotWidth::Hour.seconds();
    let hours = std::iter::successors(Some(hour_of(from)), move |hour| Some(hour + width));
    let seconds = move |hour: u64| i128::from(hour + width - hour.max(from));
    hours.take_while(move |hour| *hour < until).map(move |hour| (hour, seconds(hour)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::WorkspaceId;
    use crate::model::ledger::ReadOp;

    fn row(fact: Fact, ts: u64, bytes: i64, count: i64) -> LedgerRow {
        LedgerRow {
            seq: 1,
            event_id: "x".into(),
            ts,
            fact,
            workspace: WorkspaceId::next(None, 1, [0; 11]),
            key: None,
            purpose: None,
            file: None,
            bytes,
            count,
            request: None,
            dialect: None,
            reverses: None,
            note: None,
            actor: None,
        }
    }

    fn of(rows: &[LedgerRow]) -> Vec<(u64, LineItem, i128)> {
        corrections(rows, 10_800).into_iter().map(|((hour, _, item), quantity)| (hour, item, quantity)).collect()
    }

    #[test]
    fn what_ended_earlier_was_not_there_in_any_hour_since() {
        let found = of(&[row(Fact::End, 3000, -10, 0)]);
        assert_eq!(
            found,
            [(0, LineItem::Storage, -6000), (3600, LineItem::Storage, -36_000), (7200, LineItem::Storage, -36_000)]
        );
        let created = of(&[row(Fact::Create, 7300, 10, 1)]);
        let expected = [(LineItem::Storage, 35_000), (LineItem::ClassA, 1), (LineItem::Ingress, 10)];
        assert_eq!(created, expected.map(|(item, quantity)| (7200, item, quantity)));
    }

    #[test]
    fn rows_are_taken_until_they_change_too_many_hours() {
        let read = row(Fact::Read(ReadOp::List), 0, 0, 1);
        let (end, hours) = (row(Fact::End, 0, -10, 0), |count: u64| count * 3600);
        let taken = |rows: &[LedgerRow], until: u64| first_rows(rows, until).len();
        assert_eq!(taken(&vec![read.clone(); 1000], hours(MAX_CORRECTIONS)), 1000, "a read changes one hour");
        assert_eq!(taken(&vec![end.clone(); 1000], hours(MAX_CORRECTIONS / 4)), 4);
        assert_eq!(taken(&[end.clone(), read], hours(MAX_CORRECTIONS)), 1);
        assert_eq!(taken(&vec![end; 3], hours(MAX_CORRECTIONS * 2)), 1, "one at least");
        assert_eq!(taken(&[], hours(1)), 0);
    }

    #[test]
    fn reads_and_adjustments_stay_in_their_hour_and_may_cancel_out() {
        let reads = [row(Fact::Read(ReadOp::Content), 3600, 70, 2), row(Fact::Read(ReadOp::Content), 3700, 5, 1)];
        assert_eq!(of(&reads), [(3600, LineItem::ClassB, 3), (3600, LineItem::Egress, 75)]);
        let adjustment = |bytes| row(Fact::Adjustment(LineItem::Storage), 100, bytes, 0);
        assert_eq!(of(&[adjustment(-500)]), [(0, LineItem::Storage, -500)]);
        assert_eq!(of(&[adjustment(-500), adjustment(500)]), []);
    }
}
