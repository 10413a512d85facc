//! Rows of the ledger that get their numbers late.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_transaction_is_never_skipped() {
    let Some(database) = Database::fresh("slow transactions and the ledger") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "slow").await;
    let (slow, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    let row = "BEGIN; INSERT INTO ledger (event_id, ts, fact, workspace_id, bytes, count)
               VALUES ('rd:slow:0', 1795374000, 'list', 'WORKSPACE', 0, 1)";
    slow.batch_execute(&row.replace("WORKSPACE", &caller.workspace.to_string())).await.unwrap();
    for _ in 0..3 {
        make(&store, caller).await.unwrap();
    }
    let ledger = async |after| store.ledger(Some(caller.workspace), after, 100).await.unwrap().rows;
    let class_a = async || {
        let hour = contract::NOW_MS / 1000 / 3600 * 3600;
        let (start, end, by) = (hour, hour + 3600, Dimensions::default());
        let workspaces = Some(vec![caller.workspace]);
        let query = UsageQuery { start, end, width: SlotWidth::Hour, workspaces, keys: None, by };
        store.usage(query).await.unwrap()[&Group::default()].slots[&hour].ops_class_a
    };
    let read = ledger(0).await;
    assert_eq!(read.len(), 3);
    assert_eq!(store.roll_up_usage(100).await.unwrap(), 3);
    assert_eq!(class_a().await, 3);
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(class_a().await, 4, "it is billed before it has its number");
    let late = ledger(read.last().unwrap().seq).await;
    assert_eq!(late.iter().map(|row| row.event_id.as_str()).collect::<Vec<_>>(), ["rd:slow:0"]);
    assert_eq!(store.roll_up_usage(100).await.unwrap(), 1);
    assert_eq!(class_a().await, 4);
    assert!(store.find_misfits().await.unwrap().iter().all(|finding| finding.name() != "wrong_rollup"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_read_the_ledger_at_once_see_each_row_once_and_in_one_order() {
    let Some(database) = Database::fresh("readers of the ledger") else { return };
    let stores = [open(&database, &Clock::system()).await, open(&database, &Clock::system()).await];
    let callers = join_all((0..4).map(|number| {
        let store = &stores[0];
        async move { contract::tenant(store, &format!("reader {number}")).await }
    }))
    .await;
    let writers = join_all(callers.iter().zip([0, 1, 0, 1]).map(|(caller, at)| {
        let store = &stores[at];
        async move {
            for _ in 0..50 {
                make(store, *caller).await.unwrap();
            }
        }
    }));
    let reader = async |store: &PostgresStore| {
        let (mut seen, mut after) = (Vec::new(), 0);
        while seen.len() < 200 {
            let rows = store.ledger(None, after, 7).await.unwrap().rows;
            after = rows.last().map_or(after, |row| row.seq);
            seen.extend(rows.into_iter().map(|row| row.event_id));
        }
        seen
    };
    let (_, first, second) = tokio::join!(writers, reader(&stores[0]), reader(&stores[1]));
    assert!(first.len() == 200 && first == second, "{} and {}", first.len(), second.len());
}

/// A row that gets its number later is exported later.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_number_is_exported_later() {
    use crate::model::export::NextExport;
    let Some(database) = Database::fresh("the export of late rows") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "late").await;
    make(&store, caller).await.unwrap();
    ledger::number_all(&store.connections).await.unwrap();
    make(&store, caller).await.unwrap();
    clock.set(contract::NOW_MS + 7_200_000);
    let bounds = ExportBounds { hours: 1, late_rows: 10, margin_seconds: 0 };
    let session = store.connections.snapshot_session().await.unwrap();
    let (progress, next) = export::next(&session, bounds).await.unwrap();
    let NextExport::Hours { from, until, through_seq, usage } = next else { panic!("an hour is over: {next:?}") };
    let created = |usage: &UsageByGroup| usage.values().map(|series| series.slots[&from].ops_class_a).sum::<i128>();
    assert_eq!((through_seq, created(&usage)), (1, 1));
    let to = ExportProgress { until, through_seq, corrections: 0, part: None };
    assert!(store.freeze_export(progress, to, Vec::new()).await.unwrap());
    let (_, next) = store.next_export(bounds).await.unwrap();
    let NextExport::Late { rows, through_seq: 2 } = next else { panic!("the other row comes late: {next:?}") };
    assert_eq!(rows.len(), 1);
}
