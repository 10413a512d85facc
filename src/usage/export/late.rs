//! Rows of the ledger that come when the hours that they tell of are exported already: what they add to each.

use crate::model::ledger::{Fact, LedgerRow};
use crate::model::prices::LineItem;
use crate::model::usage::{Group, SlotWidth};
use std::collections::BTreeMap;

/// By how much what was said of an hour, a group and a line item changes.
pub(super) type Corrections = BTreeMap<(u64, Group, LineItem), i128>;

/// What these rows add to the hours before `until`; nothing where they cancel each other out.
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

/// The hours from a second on, and how many of their seconds are not before it.
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
    fn reads_and_adjustments_stay_in_their_hour_and_may_cancel_out() {
        let reads = [row(Fact::Read(ReadOp::Content), 3600, 70, 2), row(Fact::Read(ReadOp::Content), 3700, 5, 1)];
        assert_eq!(of(&reads), [(3600, LineItem::ClassB, 3), (3600, LineItem::Egress, 75)]);
        let adjustment = |bytes| row(Fact::Adjustment(LineItem::Storage), 100, bytes, 0);
        assert_eq!(of(&[adjustment(-500)]), [(0, LineItem::Storage, -500)]);
        assert_eq!(of(&[adjustment(-500), adjustment(500)]), []);
    }
}
