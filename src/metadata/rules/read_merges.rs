//! The plan of the merge of old rows of reads into one row for each key, kind of read, purpose, dialect and minute
//! (docs/decisions/0017). Stores read the rows, delete those that are merged and insert those that replace them.

use crate::model::dialect::Dialect;
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::ledger::{Fact, LedgerRow, ReadOp};
use crate::model::purpose::Purpose;
use std::collections::BTreeMap;

/// The seconds for which old reads are merged, which are the finest slots of usage.
pub const MINUTE_SECONDS: u64 = 60;

/// A page of workspaces that were checked for old rows of reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergePage {
    /// The workspaces that have old rows of reads.
    pub workspaces: Vec<WorkspaceId>,
    /// The last checked workspace. None on the last page.
    pub next: Option<WorkspaceId>,
}

impl MergePage {
    /// Returns the page of at most `limit` workspaces, each with whether it has old rows of reads.
    pub fn of(looked_at: Vec<(WorkspaceId, bool)>, limit: u32) -> Self {
        let is_full = looked_at.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = looked_at.last().map(|(workspace, _)| *workspace).filter(|_| is_full);
        let with_some = looked_at.into_iter().filter(|(_, has_some)| *has_some);
        Self { workspaces: with_some.map(|(workspace, _)| workspace).collect(), next }
    }
}

/// The changes of one step to the rows of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeStep {
    /// The number of rows that it covers.
    pub rows: usize,
    /// The second and the number of the last of these rows. The next step begins behind it.
    pub last: (u64, u64),
    /// The numbers of the rows to delete.
    pub gone: Vec<u64>,
    /// The rows to insert, each with the number of a deleted row.
    pub merged: Vec<LedgerRow>,
}

/// Plans a step over these rows of reads, which are in the order of their seconds and numbers. They are fewer than
/// `limit` if there are no other old rows. The step ends before the first row behind `settled_seq`. A minute with more
/// than `limit` rows is merged into several rows of each kind. The newest row keeps its `event_id`, because it may be
/// the one that is recorded beside the blobs ([`newest_event`](crate::metadata::LedgerStore::newest_event)).
pub fn plan(mut rows: Vec<LedgerRow>, settled_seq: u64, limit: u32) -> Option<MergeStep> {
    let is_full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let newest_seq = rows.iter().map(|row| row.seq).max();
    let settled = rows.iter().take_while(|row| row.seq <= settled_seq).count();
    if is_full
        && settled == rows.len()
        && let (Some(first), Some(last)) = (rows.first().map(minute), rows.last().map(minute))
        && first < last
    {
        // The next step may have more rows of the last minute.
        rows.retain(|row| minute(row) < last);
    } else {
        rows.truncate(settled);
    }
    let last = rows.last().map(|row| (row.ts, row.seq))?;
    let mut step = MergeStep { rows: rows.len(), last, gone: Vec::new(), merged: Vec::new() };
    let mut kinds: BTreeMap<Kind, Vec<LedgerRow>> = BTreeMap::new();
    for row in rows {
        if let Fact::Read(op) = row.fact
            && Some(row.seq) != newest_seq
        {
            let kind = (minute(&row), row.key, op, row.purpose.map(Purpose::name), row.dialect);
            kinds.entry(kind).or_default().push(row);
        }
    }
    for rows in kinds.into_values().filter(|rows| rows.len() > 1) {
        step.gone.extend(rows.iter().map(|row| row.seq));
        step.merged.extend(merged(rows));
    }
    Some(step)
}

/// The values that the rows of a merge share: minute, key, kind of read, purpose and dialect.
type Kind = (u64, Option<KeyId>, ReadOp, Option<&'static str>, Option<Dialect>);

/// Returns the first second of the minute of a second. Reads are merged up to a full minute.
pub const fn minute_of(seconds: u64) -> u64 {
    seconds - seconds % MINUTE_SECONDS
}

const fn minute(row: &LedgerRow) -> u64 {
    minute_of(row.ts)
}

/// Returns the sum of rows with the number of the newest one, or several rows where a sum would overflow.
fn merged(rows: Vec<LedgerRow>) -> Vec<LedgerRow> {
    let mut merged: Vec<LedgerRow> = Vec::new();
    for row in rows {
        let sum = merged.last_mut().and_then(|sum| {
            let (bytes, count) = (sum.bytes.checked_add(row.bytes)?, sum.count.checked_add(row.count)?);
            Some((sum, bytes, count))
        });
        match sum {
            Some((sum, bytes, count)) => {
                (sum.bytes, sum.count) = (bytes, count);
                (sum.seq, sum.ts) = (sum.seq.max(row.seq), sum.ts.max(row.ts));
            }
            None => merged.push(row),
        }
    }
    for row in &mut merged {
        row.event_id = format!("rm:{}:{}", minute(row), row.seq);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64, ts: u64, op: ReadOp, purpose: Option<Purpose>) -> LedgerRow {
        LedgerRow {
            seq,
            event_id: format!("rd:x:{seq}"),
            ts,
            fact: Fact::Read(op),
            workspace: WorkspaceId::next(None, 1, [0; 11]),
            key: None,
            purpose,
            file: None,
            bytes: 10,
            count: 1,
            request: None,
            dialect: Some(Dialect::OpenAi),
            reverses: None,
            note: None,
            actor: None,
        }
    }

    fn list(seq: u64, ts: u64) -> LedgerRow {
        row(seq, ts, ReadOp::List, None)
    }

    fn merged_of(step: &MergeStep) -> Vec<(u64, u64, i64, i64)> {
        step.merged.iter().map(|row| (row.seq, row.ts, row.bytes, row.count)).collect()
    }

    #[test]
    fn rows_of_one_kind_and_minute_become_one_at_the_place_of_the_last() {
        let content = |seq, purpose| row(seq, 62, ReadOp::Content, Some(purpose));
        let rows = vec![
            list(1, 60),
            list(7, 61),
            content(3, Purpose::Batch),
            content(4, Purpose::Vision),
            content(5, Purpose::Vision),
            list(6, 119),
            list(8, 120),
        ];
        let step = plan(rows, 100, 100).unwrap();
        assert_eq!((step.rows, step.last), (7, (120, 8)));
        assert_eq!(step.gone, [1, 7, 6, 4, 5]);
        assert_eq!(merged_of(&step), [(7, 119, 30, 3), (5, 62, 20, 2)]);
        assert_eq!(step.merged[0].event_id, "rm:60:7");
        assert_eq!(plan(Vec::new(), 100, 100), None);
    }

    #[test]
    fn rows_of_several_dialects_stay_apart() {
        let of = |seq, dialect| LedgerRow { dialect, ..list(seq, 60) };
        let (ours, theirs) = (Some(Dialect::OpenAi), Some(Dialect::Mistral));
        let rows =
            vec![of(1, ours), of(2, theirs), of(3, None), of(4, theirs), of(5, ours), of(6, None), of(7, theirs)];
        let step = plan(rows, 100, 100).unwrap();
        let merged: Vec<_> = step.merged.iter().map(|row| (row.dialect, row.seq, row.count)).collect();
        assert_eq!(merged, [(None, 6, 2), (ours, 5, 2), (theirs, 4, 2)]);
        let events: Vec<_> = step.merged.iter().map(|row| row.event_id.as_str()).collect();
        assert_eq!(events, ["rm:60:6", "rm:60:5", "rm:60:4"]);
    }

    #[test]
    fn a_step_ends_with_a_minute_unless_that_is_all_it_has() {
        let rows = vec![list(1, 60), list(2, 61), list(3, 120)];
        assert_eq!(plan(rows.clone(), 100, 3).unwrap().last, (61, 2), "the rest of a minute may follow");
        assert_eq!(plan(rows.clone(), 100, 4).unwrap().last, (120, 3));
        let step = plan(vec![list(1, 60), list(2, 61), list(3, 62)], 100, 3).unwrap();
        assert_eq!((step.last, step.merged.len()), ((62, 3), 1), "a minute of more rows takes several steps");
    }

    #[test]
    fn what_is_not_settled_stays_and_all_behind_it() {
        let rows = vec![list(1, 60), list(2, 61), list(9, 62), list(3, 63)];
        let step = plan(rows.clone(), 5, 100).unwrap();
        assert_eq!((step.rows, step.last, step.gone), (2, (61, 2), vec![1, 2]));
        assert_eq!(plan(rows[2..].to_vec(), 5, 100), None);
    }

    #[test]
    fn the_row_that_came_last_stays_as_it_is() {
        let step = plan(vec![list(1, 60), list(4, 61), list(2, 62), list(3, 63)], 100, 100).unwrap();
        assert_eq!((step.rows, step.last, step.gone), (4, (63, 3), vec![1, 2, 3]));
        assert_eq!(plan(vec![list(1, 60), list(2, 61)], 100, 100).unwrap().gone, [0; 0]);
    }

    #[test]
    fn sums_that_no_row_can_hold_are_several_rows() {
        let large = LedgerRow { bytes: i64::MAX - 5, ..list(2, 61) };
        let step = plan(vec![list(1, 60), large, list(3, 62), list(4, 120)], 100, 100).unwrap();
        assert_eq!(merged_of(&step), [(1, 60, 10, 1), (2, 61, i64::MAX - 5, 1), (3, 62, 10, 1)]);
    }
}
