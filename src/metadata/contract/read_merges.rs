//! The contract of the merge of old rows of reads.

use super::fixtures::{small_file, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::export::ExportProgress;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, ReadOp, Reads};
use crate::model::purpose::Purpose;
use crate::model::usage::{Dimensions, SlotWidth, UsageByGroup, UsageQuery};
use std::collections::BTreeMap;

/// Returns the sums of the rows of reads by key, kind, purpose, dialect and minute, and the number of rows.
async fn reads_by_minute(store: &dyn MetadataStore, caller: Caller) -> (BTreeMap<String, (i64, i64)>, usize) {
    let (mut sums, mut count, mut after) = (BTreeMap::new(), 0, 0);
    loop {
        let page = store.ledger(Some(caller.workspace), after, 7).await.unwrap();
        for row in page.rows.iter().filter(|row| matches!(row.fact, Fact::Read(_))) {
            let name = format!("{:?} {:?} {:?} {:?} {}", row.key, row.fact, row.purpose, row.dialect, row.ts / 60);
            let sum: &mut (i64, i64) = sums.entry(name).or_default();
            *sum = (sum.0 + row.bytes, sum.1 + row.count);
            count += 1;
        }
        assert!(page.rows.iter().all(|row| row.seq > after), "pages go on");
        after = page.rows.last().map_or(after, |row| row.seq);
        if !page.has_more {
            return (sums, count);
        }
    }
}

/// Merges all reads that are older than `older_than` seconds, in steps of `limit` rows. Returns the number of rows.
async fn merge(store: &dyn MetadataStore, caller: Caller, older_than: u64, limit: u32) -> usize {
    let mut rows = 0;
    loop {
        let more = store.merge_reads(caller.workspace, older_than, limit).await.unwrap();
        assert!(more <= limit as usize, "a step is bounded: {more}");
        if more == 0 {
            return rows;
        }
        rows += more;
    }
}

/// Returns the usage of two hours, by keys and purposes, by minutes and by hours.
async fn all_usage(store: &dyn MetadataStore, callers: &[Caller], start: u64) -> Vec<UsageByGroup> {
    let by = Dimensions { workspace: true, key: true, purpose: true };
    let workspaces: Vec<WorkspaceId> = callers.iter().map(|caller| caller.workspace).collect();
    let ask = async |width, by| {
        let query =
            UsageQuery { start, end: start + 7200, width, workspaces: Some(workspaces.clone()), keys: None, by };
        store.usage(query).await.unwrap()
    };
    vec![
        ask(SlotWidth::Minute, by).await,
        ask(SlotWidth::Hour, by).await,
        ask(SlotWidth::Minute, Dimensions::default()).await,
    ]
}

/// Old rows of reads are merged into one for each key, kind, purpose, dialect and minute. Only the list of rows
/// changes.
pub async fn old_reads_are_merged(store: &dyn MetadataStore, clock: &Clock) {
    const AGE: u64 = 3600;
    const STEP: u32 = 40;
    let callers = [tenant(store, "merged").await, tenant(store, "merged beside").await];
    let [busy, quiet] = callers;
    let foreign = Caller { dialect: Dialect::Mistral, ..busy };
    let begin = clock.now_seconds().next_multiple_of(3600);
    let read = |caller: Caller, op, purpose, bytes| Reads {
        workspace: caller.workspace,
        key: caller.key,
        op,
        purpose,
        dialect: caller.dialect,
        count: 1,
        bytes,
    };
    let mut number = 0;
    for second in 0..180 {
        clock.set((begin + second) * 1000);
        let mut reads = vec![read(busy, ReadOp::List, None, 0)];
        if second % 2 == 0 {
            let caller = if second % 4 == 0 { foreign } else { busy };
            reads.push(read(caller, ReadOp::Content, Some(Purpose::Vision), second));
        }
        if second % 30 == 0 {
            reads.push(read(quiet, ReadOp::Content, Some(Purpose::Batch), 10));
        }
        if second % 60 == 5 {
            reads.push(read(quiet, ReadOp::Retrieve, Some(Purpose::Batch), 0));
        }
        let first = number;
        number += reads.len() as u64;
        store.add_reads(MERGED, first, reads).await.unwrap();
    }
    let IdempotentOutcome::Made(Some(_)) =
        store.create_file(quiet, small_file(5, Purpose::Batch, None), None).await.unwrap()
    else {
        panic!("it fits")
    };
    clock.set((begin + 180 + AGE) * 1000);
    store
        .add_reads(MERGED, 10_000, vec![read(busy, ReadOp::List, None, 0), read(busy, ReadOp::List, None, 0)])
        .await
        .unwrap();
    assert_eq!(merge(store, busy, AGE, STEP).await, 0, "the cache of usage does not have them yet");
    while store.roll_up_usage(1000).await.unwrap() > 0 {}
    let usage = all_usage(store, &callers, begin).await;
    let (sums, _) = reads_by_minute(store, busy).await;
    let (quiet_sums, quiet_count) = reads_by_minute(store, quiet).await;
    assert_eq!(quiet_count, 9);
    let kept: Vec<String> = retrieves(store, quiet).await;

    let waiting = all_waiting(store, AGE).await;
    assert!(callers.iter().all(|caller| waiting.contains(&caller.workspace)));
    assert_eq!(merge(store, busy, AGE, STEP).await, 270, "every row once, and none that is young");
    assert_eq!(merge(store, quiet, AGE, 1000).await, 9);
    let waiting = all_waiting(store, AGE).await;
    assert!(callers.iter().all(|caller| !waiting.contains(&caller.workspace)), "nothing is left to do");

    assert!(usage == all_usage(store, &callers, begin).await, "usage is what it was");
    let (merged, count) = reads_by_minute(store, busy).await;
    assert_eq!(merged, sums, "and so are the reads of each minute");
    assert!((8..40).contains(&count), "270 rows and 2 young ones have become {count}");
    assert_eq!(
        reads_by_minute(store, quiet).await,
        (quiet_sums, 7),
        "one for each minute and kind, and the last to come"
    );
    assert_eq!(retrieves(store, quiet).await, kept, "what is alone stays as it is");
    assert!(store.find_misfits().await.unwrap().is_empty());
    store.forget_usage_rollup().await.unwrap();
    while store.roll_up_usage(50).await.unwrap() > 0 {}
    assert!(usage == all_usage(store, &callers, begin).await, "the cache can be made anew");
    let newest = store.newest_event().await.unwrap().unwrap();
    clock.set((begin + 600 + 2 * AGE) * 1000);
    assert_eq!(merge(store, busy, AGE, STEP).await, 2);
    assert!(store.has_event(&newest).await.unwrap(), "the row that is noted beside the blobs stays");
    what_is_to_be_exported_is_not_merged(store, clock, quiet).await;
}

const MERGED: ProcessId = ProcessId::new([5; 16]);

/// Returns the workspaces that have old reads, page by page.
async fn all_waiting(store: &dyn MetadataStore, older_than: u64) -> Vec<WorkspaceId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.reads_to_merge(after, older_than, 3).await.unwrap();
        all.extend(page.workspaces);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn retrieves(store: &dyn MetadataStore, caller: Caller) -> Vec<String> {
    let rows = store.ledger(Some(caller.workspace), 0, 1000).await.unwrap().rows;
    rows.into_iter().filter(|row| row.fact == Fact::Read(ReadOp::Retrieve)).map(|row| row.event_id).collect()
}

/// Rows that are not exported yet are not merged, so that the export reflects exactly them.
async fn what_is_to_be_exported_is_not_merged(store: &dyn MetadataStore, clock: &Clock, caller: Caller) {
    let begin = clock.now_seconds().next_multiple_of(3600);
    let lists = async || {
        let rows = store.ledger(Some(caller.workspace), 0, 1000).await.unwrap().rows;
        let lists = rows.into_iter().filter(|row| row.fact == Fact::Read(ReadOp::List));
        lists.map(|row| (row.seq, row.count)).collect::<Vec<_>>()
    };
    let Caller { workspace, key, dialect, .. } = caller;
    for second in 0..6 {
        clock.set((begin + second) * 1000);
        let reads = Reads { workspace, key, op: ReadOp::List, purpose: None, dialect, count: 1, bytes: 0 };
        store.add_reads(MERGED, 20_000 + second, vec![reads]).await.unwrap();
    }
    while store.roll_up_usage(1000).await.unwrap() > 0 {}
    let before = lists().await;
    let progress = |seq| ExportProgress { until: begin, through_seq: seq, corrections: 0, part: None };
    let (first, second) = (progress(before[2].0), progress(before[5].0));
    assert!(store.freeze_export(None, first, Vec::new()).await.unwrap());
    clock.set((begin + 7200) * 1000);
    assert_eq!(merge(store, caller, 3600, 100).await, 3);
    assert_eq!(lists().await, [&[(before[2].0, 3)], &before[3..]].concat());
    assert!(store.freeze_export(Some(first), second, Vec::new()).await.unwrap());
    assert_eq!(merge(store, caller, 3600, 100).await, 3);
    assert_eq!(lists().await, [(before[2].0, 3), (before[4].0, 2), before[5]]);
}
