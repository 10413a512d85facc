//! The next step of the export of usage.

use crate::model::export::{ExportBounds, ExportProgress, NextExport};
use crate::model::ledger::LedgerRow;
use crate::model::usage::{Dimensions, SlotWidth, UsageQuery};

/// Returns the first second of the hour of a second.
pub const fn hour_of(seconds: u64) -> u64 {
    seconds - seconds % SlotWidth::Hour.seconds()
}

/// Returns the second before which all hours are over, if `latest` is the newest second whose hour may be exported. The
/// hour of an expired File that still has a row is not over.
pub fn over(latest: u64, oldest_expiry: Option<u64>) -> u64 {
    hour_of(oldest_expiry.map_or(latest, |expires_at| expires_at.min(latest)))
}

/// Returns the step that exports late rows, if there are any. `rows` are at most `limit` rows up to `newest_seq`.
pub fn late(rows: Vec<LedgerRow>, newest_seq: u64, limit: u32) -> Option<NextExport> {
    let is_full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last_seq = rows.last()?.seq;
    Some(NextExport::Late { rows, through_seq: if is_full { last_seq } else { newest_seq } })
}

/// Returns the query of the hours of a step: all from `from` to `over` within the bounds, or the hour of which a part
/// is exported.
pub fn hours(progress: Option<ExportProgress>, from: u64, over: u64, bounds: ExportBounds) -> UsageQuery {
    let has_part = progress.and_then(|progress| progress.part_of_hour()).is_some();
    let hours = if has_part { 1 } else { u64::from(bounds.hours) };
    let end = over.min(from + hours * SlotWidth::Hour.seconds());
    let by = Dimensions { workspace: true, key: true, purpose: true };
    UsageQuery { start: from, end, width: SlotWidth::Hour, workspaces: None, keys: None, by }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::export::{ExportPart, ExportPlace};
    use crate::model::ids::WorkspaceId;
    use crate::model::ledger::{Fact, ReadOp};
    use crate::model::prices::LineItem;
    use crate::model::usage::Group;

    const HOUR: u64 = 3600;
    const BOUNDS: ExportBounds = ExportBounds { hours: 3, late_rows: 2, margin_seconds: 60 };

    fn row(seq: u64) -> LedgerRow {
        LedgerRow {
            seq,
            event_id: format!("rd:x:{seq}"),
            ts: 1,
            fact: Fact::Read(ReadOp::List),
            workspace: WorkspaceId::next(None, 1, [0; 11]),
            key: None,
            purpose: None,
            file: None,
            bytes: 0,
            count: 1,
            request: None,
            dialect: None,
            reverses: None,
            note: None,
            actor: None,
        }
    }

    #[test]
    fn an_hour_is_over_unless_a_file_that_expired_in_it_has_a_row() {
        assert_eq!(over(3 * HOUR + 1, None), 3 * HOUR);
        assert_eq!(over(3 * HOUR + 1, Some(2 * HOUR + 5)), 2 * HOUR);
        assert_eq!(over(3 * HOUR + 1, Some(9 * HOUR)), 3 * HOUR);
    }

    #[test]
    fn late_rows_go_up_to_the_newest_unless_there_may_be_others() {
        let through = |rows| match late(rows, 9, BOUNDS.late_rows) {
            Some(NextExport::Late { through_seq, .. }) => Some(through_seq),
            _ => None,
        };
        assert_eq!(through(Vec::new()), None);
        assert_eq!(through(vec![row(4)]), Some(9));
        assert_eq!(through(vec![row(4), row(5)]), Some(5));
    }

    #[test]
    fn a_step_has_the_hours_of_its_bounds_or_the_hour_that_is_begun() {
        let end = |progress, over| hours(progress, HOUR, over, BOUNDS).end;
        assert_eq!((end(None, 2 * HOUR), end(None, 9 * HOUR)), (2 * HOUR, 4 * HOUR));
        let after = ExportPlace { hour: HOUR, group: Group::of(None, None, None), item: LineItem::Storage };
        let part = Some(ExportPart { through_seq: 1, number: 1, after });
        let progress = ExportProgress { until: HOUR, through_seq: 1, corrections: 0, part };
        assert_eq!(end(Some(progress), 9 * HOUR), 2 * HOUR);
    }
}
