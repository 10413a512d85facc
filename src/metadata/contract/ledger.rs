//! The contract of the ledger and of usage: usage is exact for every caller and width, with and without sweeps and the
//! rollup.

use super::fixtures::{ORIGIN, begin_with_parts, complete, expire, made, small_file, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::adjustment::{Adjusted, NewAdjustment, Reason};
use crate::model::audit::{Action, AuditQuery};
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::expiry::ExpiresAfter;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{FileId, ProcessId, WorkspaceId};
use crate::model::ledger::{Fact, ReadOp, Reads};
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::{Dimensions, Group, Slot, SlotWidth, UsageByGroup, UsageQuery};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use venna_testkit::{Rng, setting};

/// Random schedules of a short run.
const SCHEDULES: u64 = 500;
const STEPS: u64 = 8;
const PURPOSES: [Purpose; 3] = [Purpose::UserData, Purpose::Vision, Purpose::Evals];

/// A File from its creation to its end, as it is billed.
#[derive(Clone, Debug)]
struct Life {
    id: FileId,
    purpose: Purpose,
    bytes: u64,
    from: u64,
    expires_at: Option<u64>,
    deleted_at: Option<u64>,
}

impl Life {
    /// Returns the second of its end as of `now`.
    fn until(&self, now: u64) -> u64 {
        [self.expires_at, self.deleted_at].into_iter().flatten().chain([now]).min().unwrap()
    }

    fn is_live(&self, now: u64) -> bool {
        self.deleted_at.is_none() && self.expires_at.is_none_or(|second| second > now)
    }

    fn overlap(&self, start: u64, end: u64, now: u64) -> i128 {
        i128::from(self.until(now).min(end).saturating_sub(self.from.max(start))) * i128::from(self.bytes)
    }
}

struct Schedule {
    caller: Caller,
    lives: Vec<Life>,
    corrections: Vec<Correction>,
}

/// The second, line item and quantity of a correction.
type Correction = (u64, LineItem, i64);

/// Returns how many random schedules a run has: `VENNA_SCHEDULES`, or those of a short run.
pub fn schedules() -> usize {
    usize::try_from(setting("VENNA_SCHEDULES", SCHEDULES)).unwrap()
}

/// Runs random schedules concurrently, each in its workspace, and compares the usage after each step.
pub async fn usage_is_what_happened(store: &dyn MetadataStore, clock: &Clock, schedules: usize, seed: u64) {
    let mut rng = Rng::new(seed);
    let begun = clock.now_seconds();
    let names: Vec<String> = (0..schedules).map(|number| format!("schedule {number}")).collect();
    let callers = join_all(names.iter().map(|name| tenant(store, name))).await;
    let mut all: Vec<Schedule> =
        callers.into_iter().map(|caller| Schedule { caller, lives: Vec::new(), corrections: Vec::new() }).collect();
    for step in 0..STEPS {
        let rolls: Vec<[u64; 5]> = (0..schedules).map(|_| std::array::from_fn(|_| rng.below(1 << 30))).collect();
        let now = clock.now_seconds();
        join_all(all.iter_mut().zip(rolls).map(|(schedule, rolls)| act(store, schedule, rolls, now))).await;
        match rng.below(3) {
            0 => drop(store.roll_up_usage(1 + rng.below(5000)).await.unwrap()),
            1 => drop(expire(store, 1 + rng.below(500)).await),
            _ => {}
        }
        clock.set(clock.now_ms() + rng.below(2_500_000));
        if step % 3 == 2 || step + 1 == STEPS {
            compare(store, &all, begun, clock.now_seconds()).await;
        }
    }
    let before = ask(store, begun, clock.now_seconds(), SlotWidth::Hour).await;
    while store.roll_up_usage(10_000).await.unwrap() > 0 {}
    assert!(store.find_misfits().await.unwrap().is_empty(), "seed {seed}");
    store.forget_usage_rollup().await.unwrap();
    while store.roll_up_usage(3000).await.unwrap() > 0 {}
    while expire(store, 10_000).await > 0 {}
    assert!(store.find_misfits().await.unwrap().is_empty(), "seed {seed}");
    assert!(
        before == ask(store, begun, clock.now_seconds(), SlotWidth::Hour).await,
        "a cache changes nothing, seed {seed}"
    );
}

async fn act(store: &dyn MetadataStore, schedule: &mut Schedule, rolls: [u64; 5], now: u64) {
    let live: Vec<usize> = (0..schedule.lives.len()).filter(|at| schedule.lives[*at].is_live(now)).collect();
    let pick = live.get(usize::try_from(rolls[1]).unwrap() % live.len().max(1)).copied();
    match (rolls[0] % 6, pick) {
        (5, _) => {
            let item = LineItem::ALL[usize::try_from(rolls[1]).unwrap() % LineItem::ALL.len()];
            let size = i64::try_from(rolls[2]).unwrap() + 1;
            // Of byte-seconds, so many that two are more than a column of integers holds.
            let quantity = if item == LineItem::Storage { i64::MAX - size } else { size };
            let quantity = if rolls[3].is_multiple_of(2) { quantity } else { -quantity };
            let caller = schedule.caller;
            let new = NewAdjustment {
                name: format!("{}:{now}", caller.workspace),
                workspace: caller.workspace,
                key: None,
                item,
                quantity,
                reason: Reason::parse("a roll of dice").unwrap(),
                reverses: None,
            };
            assert!(matches!(store.adjust(new, ORIGIN).await.unwrap(), Adjusted::Entered(_)));
            schedule.corrections.push((now, item, quantity));
        }
        (0, Some(at)) => {
            assert!(store.delete_file(schedule.caller, schedule.lives[at].id).await.unwrap());
            schedule.lives[at].deleted_at = Some(now);
        }
        (1, _) => {}
        _ => {
            let expires_after = ExpiresAfter::seconds(3600 + rolls[2] % 3000).filter(|_| rolls[2].is_multiple_of(2));
            let purpose = PURPOSES[usize::try_from(rolls[3]).unwrap() % PURPOSES.len()];
            let new = small_file(usize::try_from(rolls[4] % 1000).unwrap(), purpose, expires_after);
            let IdempotentOutcome::Made(Some(file)) = store.create_file(schedule.caller, new, None).await.unwrap()
            else {
                panic!("nothing keeps it from being made")
            };
            schedule.lives.push(Life {
                id: file.id,
                purpose,
                bytes: file.size_bytes,
                from: file.created_at(),
                expires_at: file.expires_at,
                deleted_at: None,
            });
        }
    }
}

async fn ask(store: &dyn MetadataStore, begun: u64, now: u64, width: SlotWidth) -> UsageByGroup {
    let by = Dimensions { workspace: true, key: false, purpose: true };
    let (start, end) = (begun - begun % 3600, now.next_multiple_of(3600));
    store.usage(UsageQuery { start, end, width, workspaces: None, keys: None, by }).await.unwrap()
}

async fn compare(store: &dyn MetadataStore, all: &[Schedule], begun: u64, now: u64) {
    let (start, end) = (begun - begun % 3600, now.next_multiple_of(3600));
    for (width, bucket) in [(SlotWidth::Hour, 3600), (SlotWidth::Minute, 600), (SlotWidth::Hour, end - start)] {
        let bounds: Vec<(u64, u64)> =
            (start..end).step_by(usize::try_from(bucket).unwrap()).map(|from| (from, from + bucket)).collect();
        let mut usage = ask(store, begun, now, width).await;
        for schedule in all {
            let (mut end_bytes, mut created) = (0, 0);
            for purpose in PURPOSES {
                let group = Group::of(Some(schedule.caller.workspace), None, Some(purpose));
                let series = usage.remove(&group).unwrap_or_default();
                let lives: Vec<&Life> = schedule.lives.iter().filter(|life| life.purpose == purpose).collect();
                let buckets = series.buckets(&bounds, width, now);
                for (used, (from, until)) in buckets.iter().zip(&bounds) {
                    let expected: i128 = lives.iter().map(|life| life.overlap(*from, *until, now)).sum();
                    assert_eq!(used.byte_seconds, expected, "{group:?} in {from}..{until} at {now}: {lives:?}");
                }
                let happened = buckets.iter().map(|used| used.happened).fold(BTreeMap::new(), |mut sums, slot| {
                    *sums.entry("in").or_insert(0) += slot.ingress_bytes;
                    *sums.entry("a").or_insert(0) += slot.ops_class_a;
                    sums
                });
                assert_eq!(happened["in"], lives.iter().map(|life| i128::from(life.bytes)).sum::<i128>());
                assert_eq!(happened["a"], i128::try_from(lives.len()).unwrap());
                end_bytes += buckets.last().unwrap().end_bytes;
                created += lives.len();
            }
            let series = usage.remove(&Group::of(Some(schedule.caller.workspace), None, None)).unwrap_or_default();
            for (used, (from, until)) in series.buckets(&bounds, width, now).iter().zip(&bounds) {
                let corrected = corrected(&schedule.corrections, *from, *until);
                assert_eq!((used.byte_seconds, used.happened), (corrected.byte_seconds, corrected), "{from}..{until}");
            }
            let live = schedule.lives.iter().filter(|life| life.is_live(now)).map(|life| i128::from(life.bytes)).sum();
            assert_eq!(end_bytes, live, "what is billed is what is there");
            assert_eq!(created, schedule.lives.len());
        }
        assert!(usage.keys().all(|group| group.workspace.is_none_or(|id| !belongs(all, id))), "nothing else is billed");
    }
    let by = Dimensions { workspace: true, ..Dimensions::default() };
    let query = UsageQuery { start, end, width: SlotWidth::Hour, workspaces: None, keys: None, by };
    let totals = store.usage(query).await.unwrap();
    for schedule in all {
        let group = Group::of(Some(schedule.caller.workspace), None, None);
        let used = totals.get(&group).map(|series| series.buckets(&[(start, end)], SlotWidth::Hour, now)[0]);
        let expected: i128 = schedule.lives.iter().map(|life| life.overlap(start, end, now)).sum::<i128>()
            + corrected(&schedule.corrections, start, end).byte_seconds;
        assert_eq!(used.unwrap_or_default().byte_seconds, expected, "{group:?}");
    }
    for schedule in all.iter().step_by(97) {
        let counted = store.storage_usage(schedule.caller.workspace).await.unwrap();
        let live: Vec<&Life> = schedule.lives.iter().filter(|life| life.is_live(now)).collect();
        let bytes: u64 = live.iter().map(|life| life.bytes).sum();
        assert_eq!((counted.stored_bytes, counted.stored_files), (bytes, live.len() as u64), "quotas count the same");
    }
}

/// Returns the sum of the corrections within a window.
fn corrected(corrections: &[Correction], from: u64, until: u64) -> Slot {
    let within = corrections.iter().filter(|(ts, ..)| (from..until).contains(ts));
    within.fold(Slot::default(), |mut sum, (_, item, quantity)| {
        sum.adjust(*item, *quantity);
        sum
    })
}

fn belongs(all: &[Schedule], workspace: WorkspaceId) -> bool {
    all.iter().any(|schedule| schedule.caller.workspace == workspace)
}

/// A correction is entered once under its name, and reverses only events of its workspace.
pub async fn corrections_are_entered_once(store: &dyn MetadataStore) {
    let (caller, other) = (tenant(store, "corrected").await, tenant(store, "beside").await);
    let new = small_file(5, Purpose::Vision, None);
    let IdempotentOutcome::Made(Some(file)) = store.create_file(caller, new, None).await.unwrap() else {
        panic!("it fits")
    };
    let new = NewAdjustment {
        name: "one".to_owned(),
        workspace: caller.workspace,
        key: Some(caller.key),
        item: LineItem::ClassA,
        quantity: -1,
        reason: Reason::parse("a refund").unwrap(),
        reverses: Some(format!("st+:{}", file.id)),
    };
    let Adjusted::Entered(row) = store.adjust(new.clone(), ORIGIN).await.unwrap() else { panic!("it is new") };
    assert_eq!((row.event_id.as_str(), row.adjusted()), ("adj:one", Some((LineItem::ClassA, -1))));
    assert_eq!((row.key, row.actor, row.note.as_deref()), (Some(caller.key), Some(ORIGIN.actor), Some("a refund")));
    assert_eq!((row.dialect, row.reverses.clone()), (None, new.reverses.clone()));
    assert_eq!(store.adjust(new.clone(), ORIGIN).await.unwrap(), Adjusted::Known(row.clone()));
    let changed = NewAdjustment { quantity: -2, ..new.clone() };
    assert_eq!(store.adjust(changed, ORIGIN).await.unwrap(), Adjusted::NameTaken);
    let foreign = NewAdjustment { name: "two".to_owned(), workspace: other.workspace, key: None, ..new };
    assert_eq!(store.adjust(foreign, ORIGIN).await.unwrap(), Adjusted::NoSuchEvent);
    let rows = store.ledger(Some(caller.workspace), 0, 10).await.unwrap().rows;
    assert_eq!(rows.last(), Some(&row));
    assert_eq!(store.ledger(Some(other.workspace), 0, 10).await.unwrap().rows, []);
    let query = AuditQuery { actions: Some(vec![Action::UsageAdjusted]), limit: 10, ..AuditQuery::default() };
    let entries = store.audit_log(AuditQuery { workspaces: Some(vec![caller.workspace]), ..query }).await.unwrap().rows;
    assert_eq!(entries.iter().map(|entry| entry.object.as_str()).collect::<Vec<_>>(), ["adj:one"]);
}

/// Reads that are entered repeatedly are billed once.
pub async fn reads_are_entered_once(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "reader").await;
    let reads = |op, count, bytes| Reads {
        workspace: caller.workspace,
        key: caller.key,
        op,
        purpose: Some(Purpose::Vision).filter(|_| op != ReadOp::List),
        dialect: caller.dialect,
        count,
        bytes,
    };
    let process = ProcessId::new([4; 16]);
    let first = vec![reads(ReadOp::List, 3, 0), reads(ReadOp::Content, 2, 700)];
    for _ in 0..2 {
        store.add_reads(process, 0, first.clone()).await.unwrap();
    }
    store.add_reads(process, 2, vec![reads(ReadOp::Retrieve, 5, 0)]).await.unwrap();
    let now = clock.now_seconds();
    let (start, end) = (now - now % 3600, now.next_multiple_of(3600) + 3600);
    let (workspaces, keys) = (Some(vec![caller.workspace]), Some(vec![caller.key]));
    let query = UsageQuery { start, end, width: SlotWidth::Hour, workspaces, keys, by: Dimensions::default() };
    for rolled in [false, true] {
        let usage = store.usage(query.clone()).await.unwrap();
        let slot = usage[&Group::default()].slots[&start];
        assert_eq!((slot.ops_class_a, slot.ops_class_b, slot.egress_bytes), (3, 7, 700), "rolled up: {rolled}");
        while store.roll_up_usage(100_000).await.unwrap() > 0 {}
    }
    let rows = store.ledger(Some(caller.workspace), 0, 10).await.unwrap();
    let facts: Vec<Fact> = rows.rows.iter().map(|row| row.fact).collect();
    assert_eq!(facts, [ReadOp::List, ReadOp::Content, ReadOp::Retrieve].map(Fact::Read));
    let page = store.ledger(Some(caller.workspace), rows.rows[0].seq, 1).await.unwrap();
    assert!(page.rows == rows.rows[1..2] && page.has_more);
    assert!(store.archive_workspace(caller.workspace, ORIGIN, None).await.unwrap().made().unwrap().is_some());
}

/// A row has the dialect of the request that caused it, and none if no request did.
pub async fn rows_have_the_dialect_of_their_request(store: &dyn MetadataStore, clock: &Clock) {
    let ours = tenant(store, "dialects").await;
    let theirs = Caller { dialect: Dialect::Mistral, ..ours };
    let create = async |caller: Caller, expires_after| {
        let new = small_file(5, Purpose::Vision, expires_after);
        made(store.create_file(caller, new, None).await.unwrap()).unwrap().id
    };
    let mut lives = Vec::new();
    for (creator, deleter) in [(ours, ours), (ours, theirs), (theirs, ours), (theirs, theirs)].repeat(4) {
        lives.push((create(creator, None).await, creator.dialect, deleter));
    }
    // Deletes of several requests may share a transaction.
    let deletes = lives.iter().map(|(file, _, deleter)| store.delete_file(*deleter, *file));
    assert!(join_all(deletes).await.into_iter().all(Result::unwrap));
    let (upload, parts) = begin_with_parts(store, ours, 10, 2).await;
    let completed = complete(store, theirs, upload, parts).await;
    let expired = create(theirs, ExpiresAfter::seconds(3600)).await;
    clock.set(clock.now_ms() + 3_600_000);
    while expire(store, 10).await > 0 {}
    let Caller { workspace, key, .. } = ours;
    let reads = [ours, theirs].map(|Caller { dialect, .. }| Reads {
        workspace,
        key,
        op: ReadOp::List,
        purpose: None,
        dialect,
        count: 1,
        bytes: 0,
    });
    store.add_reads(ProcessId::new([3; 16]), 0, reads.to_vec()).await.unwrap();
    let rows = store.ledger(Some(workspace), 0, 1000).await.unwrap().rows;
    let dialect_of = |event: String| rows.iter().find(|row| row.event_id == event).unwrap().dialect;
    for (file, created_in, deleter) in &lives {
        assert_eq!(dialect_of(format!("st+:{file}")), Some(*created_in));
        assert_eq!(dialect_of(format!("st-:{file}")), Some(deleter.dialect), "whichever it was created in");
    }
    assert_eq!(dialect_of(format!("st+:{completed}")), Some(Dialect::Mistral));
    assert_eq!(dialect_of(format!("st+:{expired}")), Some(Dialect::Mistral));
    assert_eq!(dialect_of(format!("st-:{expired}")), None);
    let lists = rows.iter().filter(|row| row.fact == Fact::Read(ReadOp::List)).map(|row| row.dialect);
    assert_eq!(lists.collect::<Vec<_>>(), [Some(Dialect::OpenAi), Some(Dialect::Mistral)]);
}
