//! What every metadata store does with messages to the outside and with the export of usage.

use super::fixtures::{ORIGIN, expire, small_file, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::caller::Caller;
use crate::model::expiry::ExpiresAfter;
use crate::model::export::{ExportBounds, ExportPart, ExportPlace, ExportProgress, NextExport};
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{FileId, ProcessId};
use crate::model::ledger::{ReadOp, Reads};
use crate::model::outbox::{NewMessage, OutboxStatus, RefusedMessage, SinkName};
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::{Group, SlotWidth, UsageByGroup};
use bytes::Bytes;

const HOUR: u64 = SlotWidth::Hour.seconds();
const PROCESS: ProcessId = ProcessId::new([6; 16]);
const BOUNDS: ExportBounds = ExportBounds { hours: 3, late_rows: 2, margin_seconds: 60 };

/// Runs the whole contract over a fresh store whose clock is `clock`.
pub async fn holds(store: &dyn MetadataStore, clock: &Clock) {
    messages_are_written_once_and_sent_in_order(store, clock).await;
    refused_messages_are_set_aside_and_sent_again_or_given_up(store, clock).await;
    hours_are_exported_when_they_are_over_and_corrected_later(store, clock).await;
    what_is_exported_in_parts_stays_as_it_was_at_the_first(store, clock).await;
}

fn message(id: &str, sink: SinkName, body: &'static str) -> NewMessage {
    NewMessage { id: id.into(), sink, content_type: "text/plain", body: Bytes::from_static(body.as_bytes()) }
}

async fn next(store: &dyn MetadataStore, sink: SinkName) -> Option<(String, Bytes)> {
    store.next_message(sink, PROCESS).await.unwrap().map(|message| (message.id, message.body))
}

async fn messages_are_written_once_and_sent_in_order(store: &dyn MetadataStore, clock: &Clock) {
    let begun = clock.now_seconds();
    assert_eq!(store.outbox_status(SinkName::Usage).await.unwrap(), OutboxStatus::default());
    for (id, sink, body, is_new) in [
        ("a", SinkName::Usage, "first", true),
        ("b", SinkName::Alerts, "an alert", true),
        ("a", SinkName::Usage, "other bytes under the same id", false),
        ("a", SinkName::Alerts, "ids are of all sinks together", false),
        ("c", SinkName::Usage, "second", true),
    ] {
        assert_eq!(store.add_message(message(id, sink, body)).await.unwrap(), is_new, "{id} {body}");
    }
    clock.set(clock.now_ms() + 5000);
    let status = OutboxStatus { pending: 2, oldest_pending_at: Some(begun), ..OutboxStatus::default() };
    assert_eq!(store.outbox_status(SinkName::Usage).await.unwrap(), status);
    let first = store.next_message(SinkName::Usage, PROCESS).await.unwrap().unwrap();
    assert_eq!((first.id.as_str(), &*first.body, first.content_type.as_str()), ("a", &b"first"[..], "text/plain"));
    assert_eq!(
        store.next_message(SinkName::Usage, PROCESS).await.unwrap(),
        Some(first.clone()),
        "until it is acknowledged"
    );
    assert_eq!(next(store, SinkName::Alerts).await.unwrap().0, "b", "each sink has its own order");
    store.acknowledge_message(first.seq).await.unwrap();
    assert_eq!(next(store, SinkName::Usage).await.unwrap().0, "c");
    clock.set(clock.now_ms() + 5000);
    store.acknowledge_message(first.seq).await.unwrap();
    let acknowledged = store.outbox_status(SinkName::Usage).await.unwrap();
    assert_eq!((acknowledged.pending, acknowledged.last_acknowledged_at), (1, Some(begun + 5)), "noted once");
    assert!(!store.add_message(message("a", SinkName::Usage, "first")).await.unwrap(), "it is still known");
    let forget = |sink, seconds, limit| store.forget_messages(sink, seconds, limit);
    assert_eq!(forget(SinkName::Usage, 5, 10).await.unwrap(), 0, "it is not old enough");
    assert_eq!(forget(SinkName::Usage, 4, 0).await.unwrap(), 0);
    assert_eq!(forget(SinkName::Alerts, 4, 10).await.unwrap(), 0, "it is another's");
    assert_eq!(forget(SinkName::Usage, 4, 10).await.unwrap(), 1, "and what is pending stays");
    assert!(store.add_message(message("a", SinkName::Usage, "again")).await.unwrap());
    for expected in ["c", "a"] {
        let message = store.next_message(SinkName::Usage, PROCESS).await.unwrap().unwrap();
        assert_eq!(message.id, expected, "in the order in which they were written");
        store.acknowledge_message(message.seq).await.unwrap();
    }
    assert_eq!(next(store, SinkName::Usage).await, None);
}

async fn refused_messages_are_set_aside_and_sent_again_or_given_up(store: &dyn MetadataStore, clock: &Clock) {
    let (sink, begun) = (SinkName::Usage, clock.now_seconds());
    for (id, body) in [("r1", "one"), ("r2", "two"), ("r3", "three")] {
        assert!(store.add_message(message(id, sink, body)).await.unwrap());
    }
    clock.set(clock.now_ms() + 7000);
    let first = store.next_message(sink, PROCESS).await.unwrap().unwrap();
    store.set_message_aside(first.seq, 422).await.unwrap();
    store.set_message_aside(first.seq, 400).await.unwrap();
    assert_eq!(next(store, sink).await.unwrap().0, "r2", "the next one goes on");
    let status = store.outbox_status(sink).await.unwrap();
    assert_eq!((status.pending, status.refused, status.last_refusal), (2, 1, Some(422)), "noted once");
    let refused =
        RefusedMessage { id: "r1".into(), created_at: begun, refused_at: begun + 7, status: 422, size_bytes: 3 };
    assert_eq!(store.refused_messages(sink, 10).await.unwrap(), [refused]);
    assert_eq!(store.refused_messages(SinkName::Alerts, 10).await.unwrap(), []);
    assert_eq!(store.refused_message(sink, "r1".into()).await.unwrap(), Some(first.clone()));
    assert_eq!(store.refused_message(sink, "r2".into()).await.unwrap(), None, "it is not set aside");
    assert_eq!(store.retry_refused(SinkName::Alerts, None).await.unwrap(), 0);
    assert_eq!(store.retry_refused(sink, Some("r2".into())).await.unwrap(), 0);
    assert_eq!(store.retry_refused(sink, Some("r1".into())).await.unwrap(), 1);
    assert_eq!(store.next_message(sink, PROCESS).await.unwrap(), Some(first.clone()), "the same bytes, in its place");
    store.set_message_aside(first.seq, 400).await.unwrap();
    assert!(!store.skip_refused(SinkName::Alerts, "r1".into()).await.unwrap());
    assert!(store.skip_refused(sink, "r1".into()).await.unwrap());
    assert!(!store.skip_refused(sink, "r1".into()).await.unwrap());
    assert_eq!(store.retry_refused(sink, None).await.unwrap(), 0, "it was given up");
    assert!(!store.add_message(message("r1", sink, "one")).await.unwrap(), "it is kept");
    let second = store.next_message(sink, PROCESS).await.unwrap().unwrap();
    let halves = || vec![message("r2:a", sink, "t"), message("r2:b", sink, "wo")];
    assert!(store.replace_message(second.seq, halves()).await.unwrap());
    assert!(!store.replace_message(second.seq, halves()).await.unwrap(), "once");
    for expected in ["r3", "r2:a", "r2:b"] {
        let message = store.next_message(sink, PROCESS).await.unwrap().unwrap();
        assert_eq!(message.id, expected);
        store.acknowledge_message(message.seq).await.unwrap();
        assert!(!store.replace_message(message.seq, halves()).await.unwrap(), "what is acknowledged stays");
        store.set_message_aside(message.seq, 422).await.unwrap();
    }
    assert_eq!(next(store, sink).await, None);
    let status = store.outbox_status(sink).await.unwrap();
    assert_eq!((status.pending, status.refused, status.last_refusal), (0, 0, None));
}

async fn create(store: &dyn MetadataStore, caller: Caller, size: usize, expires_after: Option<ExpiresAfter>) -> FileId {
    let new = small_file(size, Purpose::UserData, expires_after);
    let IdempotentOutcome::Made(Some(file)) = store.create_file(caller, new, None).await.unwrap() else {
        panic!("it is made")
    };
    file.id
}

async fn read(store: &dyn MetadataStore, caller: Caller, number: u64) {
    let Caller { workspace, key, dialect, .. } = caller;
    let reads = Reads { workspace, key, op: ReadOp::List, purpose: None, dialect, count: 3, bytes: 0 };
    store.add_reads(PROCESS, number, vec![reads]).await.unwrap();
}

/// What the store says of the hours that are over, and the progress to which that leads.
async fn hours(store: &dyn MetadataStore, caller: Caller) -> (Option<ExportProgress>, ExportProgress, Vec<i128>) {
    let (progress, next) = store.next_export(BOUNDS).await.unwrap();
    let NextExport::Hours { from, until, through_seq, usage } = next else { panic!("hours, not {next:?}") };
    let corrections = progress.map_or(0, |progress| progress.corrections);
    let hours: Vec<(u64, u64)> =
        (0..(until - from) / HOUR).map(|at| (from + at * HOUR, from + (at + 1) * HOUR)).collect();
    let group = Group::of(Some(caller.workspace), Some(caller.key), Some(Purpose::UserData));
    let used = usage.get(&group).map(|series| series.buckets(&hours, SlotWidth::Hour, until)).unwrap_or_default();
    let used = used.iter().map(|used| used.byte_seconds).collect();
    (progress, ExportProgress { until, through_seq, corrections, part: None }, used)
}

async fn is_nothing(store: &dyn MetadataStore) -> bool {
    matches!(store.next_export(BOUNDS).await.unwrap().1, NextExport::Nothing)
}

async fn hours_are_exported_when_they_are_over_and_corrected_later(store: &dyn MetadataStore, clock: &Clock) {
    assert_eq!(store.export_progress().await.unwrap(), None);
    assert!(is_nothing(store).await, "an empty ledger");
    let caller = tenant(store, "exported").await;
    let begin = clock.now_seconds().next_multiple_of(HOUR);
    let at = |second: u64| clock.set((begin + second) * 1000);
    at(600);
    let kept = create(store, caller, 100, None).await;
    create(store, caller, 10, ExpiresAfter::seconds(HOUR)).await;
    at(HOUR + 59);
    assert!(is_nothing(store).await, "the hour is over for less than the margin");
    at(HOUR + 60);
    let (before, first, used) = hours(store, caller).await;
    assert_eq!((before, first.until, used), (None, begin + HOUR, vec![110 * 3000]), "the hour of the oldest row");
    let wrong = Some(ExportProgress { until: begin, ..first });
    assert!(!store.freeze_export(wrong, first, vec![message("x", SinkName::Usage, "x")]).await.unwrap());
    assert_eq!((next(store, SinkName::Usage).await, store.export_progress().await.unwrap()), (None, None));
    assert!(store.freeze_export(None, first, vec![message("y", SinkName::Usage, "y")]).await.unwrap());
    assert_eq!(next(store, SinkName::Usage).await.unwrap().0, "y");
    assert_eq!(store.export_progress().await.unwrap(), Some(first));
    assert!(!store.freeze_export(None, first, Vec::new()).await.unwrap(), "once");
    let taken = ExportProgress { until: first.until + HOUR, ..first };
    assert!(store.freeze_export(Some(first), taken, vec![message("y", SinkName::Usage, "y")]).await.is_err());
    assert_eq!(store.export_progress().await.unwrap(), Some(first), "a message that cannot be written moves nothing");

    at(4 * HOUR + 60);
    assert!(is_nothing(store).await, "a File has expired in the next hour and its row is missing");
    while expire(store, 10).await > 0 {}
    let (before, second, used) = hours(store, caller).await;
    assert_eq!(before, Some(first));
    assert_eq!(
        used,
        [100 * 3600 + 10 * 600, 100 * 3600, 100 * 3600],
        "what lies there is used, and three hours at most"
    );
    assert!(store.freeze_export(Some(first), second, Vec::new()).await.unwrap());

    at(2 * HOUR + 5);
    assert!(store.delete_file(caller, kept).await.unwrap());
    for number in 0..2 {
        read(store, caller, number).await;
    }
    at(4 * HOUR + 70);
    create(store, caller, 7, None).await;
    assert!(is_nothing(store).await, "corrections go with the next hour");
    at(5 * HOUR + 60);
    let (_, late) = store.next_export(BOUNDS).await.unwrap();
    let NextExport::Late { rows, through_seq } = late else { panic!("rows that came late, not {late:?}") };
    let found: Vec<(u64, i64, i64)> = rows.iter().map(|row| (row.ts - begin, row.bytes, row.count)).collect();
    assert_eq!(found, [(2 * HOUR + 5, -100, 0), (2 * HOUR + 5, 0, 3)]);
    assert_eq!(through_seq, rows[1].seq, "there are more");
    let third = ExportProgress { through_seq, corrections: 1, ..second };
    assert!(store.freeze_export(Some(second), third, Vec::new()).await.unwrap());
    let (_, late) = store.next_export(BOUNDS).await.unwrap();
    let NextExport::Late { rows, through_seq } = late else { panic!("one more, not {late:?}") };
    let newest = store.ledger(None, 0, 1000).await.unwrap().rows.last().unwrap().seq;
    assert_eq!((rows.len(), through_seq), (1, newest), "there are no others");
    let fourth = ExportProgress { through_seq, corrections: 2, ..third };
    assert!(store.freeze_export(Some(third), fourth, Vec::new()).await.unwrap());
    let (_, fifth, used) = hours(store, caller).await;
    assert_eq!((fifth.until, used), (begin + 5 * HOUR, vec![7 * 3530]));
    assert!(store.freeze_export(Some(fourth), fifth, Vec::new()).await.unwrap());
    assert!(is_nothing(store).await);
    assert!(store.archive_workspace(caller.workspace, ORIGIN, None).await.unwrap().made().unwrap().is_some());
}

/// The requests of class A of a caller in an hour.
fn lists(usage: &UsageByGroup, caller: Caller, hour: u64) -> i128 {
    let group = Group::of(Some(caller.workspace), Some(caller.key), None);
    let series = usage.get(&group).cloned().unwrap_or_default();
    series.buckets(&[(hour, hour + HOUR)], SlotWidth::Hour, hour + HOUR)[0].happened.ops_class_a
}

async fn what_is_exported_in_parts_stays_as_it_was_at_the_first(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "exported in parts").await;
    let before = store.export_progress().await.unwrap().unwrap();
    let (begin, second_hour) = (before.until, before.until + HOUR);
    let at = |second: u64| clock.set(second * 1000);
    at(begin + 10);
    read(store, caller, 100).await;
    at(second_hour + 60);
    let (_, NextExport::Hours { from, until, through_seq, usage }) = store.next_export(BOUNDS).await.unwrap() else {
        panic!("an hour is over")
    };
    assert_eq!((from, until, lists(&usage, caller, begin)), (begin, second_hour, 3));
    let after = ExportPlace { hour: begin, group: *usage.keys().next().unwrap(), item: LineItem::ClassA };
    let part = ExportPart { through_seq, number: 1, after };
    let first = ExportProgress { part: Some(part), through_seq, ..before };
    assert!(store.freeze_export(Some(before), first, vec![message("p1", SinkName::Usage, "p1")]).await.unwrap());
    assert_eq!(store.export_progress().await.unwrap(), Some(first), "it is known after a crash");
    assert!(!store.freeze_export(Some(before), first, Vec::new()).await.unwrap(), "once");

    at(begin + 20);
    read(store, caller, 101).await;
    at(second_hour + HOUR + 60);
    for rolled in [false, true] {
        let (progress, next) = store.next_export(BOUNDS).await.unwrap();
        let NextExport::Hours { from, until, through_seq, usage } = next else {
            panic!("the rest of the hour: {next:?}")
        };
        assert_eq!((progress, from, until), (Some(first), begin, second_hour), "that hour and no other");
        assert_eq!(
            (through_seq, lists(&usage, caller, begin)),
            (part.through_seq, 3),
            "as it was, rolled up: {rolled}"
        );
        while store.roll_up_usage(1000).await.unwrap() > 0 {}
    }
    let second = ExportProgress { until: second_hour, part: None, ..first };
    assert!(store.freeze_export(Some(first), second, Vec::new()).await.unwrap());

    let (_, NextExport::Late { rows, through_seq }) = store.next_export(BOUNDS).await.unwrap() else {
        panic!("what came meanwhile is late")
    };
    assert_eq!(rows.iter().map(|row| (row.ts, row.count)).collect::<Vec<_>>(), [(begin + 20, 3)]);
    let part = ExportPart { through_seq, number: 2, after: ExportPlace { hour: begin, ..after } };
    let third = ExportProgress { part: Some(part), ..second };
    assert!(store.freeze_export(Some(second), third, Vec::new()).await.unwrap());
    at(begin + 30);
    read(store, caller, 102).await;
    at(second_hour + HOUR + 60);
    let (_, NextExport::Late { rows: again, through_seq: same }) = store.next_export(BOUNDS).await.unwrap() else {
        panic!("the rest of the corrections")
    };
    assert_eq!((again, same), (rows, through_seq), "the same rows");
    let fourth = ExportProgress { through_seq, corrections: second.corrections + 1, part: None, ..third };
    assert!(store.freeze_export(Some(third), fourth, Vec::new()).await.unwrap());
    assert_eq!(store.export_progress().await.unwrap(), Some(fourth));
    let (_, NextExport::Late { rows, .. }) = store.next_export(BOUNDS).await.unwrap() else {
        panic!("one more is late")
    };
    assert_eq!(rows.iter().map(|row| row.ts).collect::<Vec<_>>(), [begin + 30]);
}
