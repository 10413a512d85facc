//! Lost answers, lost connections and silent databases.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let Some(database) = Database::fresh("commits whose answer is lost") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap();
    let caller = contract::tenant(&store, "lost").await;
    let mut made = vec![make(&store, caller).await.unwrap()];
    for fault in [Fault::AfterCommit, Fault::BeforeCommit, Fault::AfterCommit] {
        let commits = proxy.commits();
        proxy.inject(fault);
        made.push(make(&store, caller).await.unwrap());
        assert!(proxy.is_done());
        let sent = if fault == Fault::AfterCommit { 1 } else { 2 };
        assert_eq!(proxy.commits() - commits, sent, "{fault:?}: what is committed is not done again, what is not, is");
    }
    assert_eq!(file_ids(&store, caller).await, made, "each is there once");
    proxy.inject(Fault::AfterCommit);
    assert!(store.delete_file(caller, made[0]).await.unwrap());
    proxy.inject(Fault::AfterCommit);
    assert!(store.revoke_key(caller.key, contract::ORIGIN).await.unwrap().is_some());
    assert_eq!(file_ids(&store, caller).await, made[1..]);
    assert!(store.find_misfits().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_keeps_nobody_waiting() {
    let Some(database) = Database::fresh("databases that do not answer") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap();
    let caller = contract::tenant(&store, "silence").await;
    let file = make(&store, caller).await.unwrap();
    for outage in [Proxy::be_silent, Proxy::refuse] {
        outage(&proxy, true);
        let asked = Instant::now();
        let hour = UsageQuery {
            start: 0,
            end: 3600,
            width: SlotWidth::Hour,
            workspaces: None,
            keys: None,
            by: Dimensions::default(),
        };
        let (found, created, usage) =
            tokio::join!(store.find_file(caller.workspace, file), make(&store, caller), store.usage(hour));
        assert!(matches!(found.unwrap_err(), MetadataError::Unavailable(_)));
        assert!(matches!(created.unwrap_err(), MetadataError::Unavailable(_)));
        assert!(matches!(usage.unwrap_err(), MetadataError::Unavailable(_)));
        assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
        outage(&proxy, false);
        let back = Instant::now();
        while store.find_file(caller.workspace, file).await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(2), "it is used again as soon as it is back");
        }
        make(&store, caller).await.unwrap();
        assert!(back.elapsed() < Duration::from_secs(2), "{:?}", back.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_transaction_is_not_kept_longer() {
    let Some(database) = Database::fresh("waiting behind a silent database") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap();
    let caller = contract::tenant(&store, "queue").await;
    make(&store, caller).await.unwrap();
    proxy.be_silent(true);
    let late = |wave_ms: u64| {
        let store = &store;
        async move {
            tokio::time::sleep(Duration::from_millis(wave_ms)).await;
            let asked = Instant::now();
            assert!(matches!(make(store, caller).await.unwrap_err(), MetadataError::Unavailable(_)));
            assert!(asked.elapsed() < PATIENCE, "asked at {wave_ms} ms: {:?}", asked.elapsed());
        }
    };
    join_all([0, 10, 700, 1500, 2500, 3500, 4400].map(late)).await;
    proxy.be_silent(false);
    make(&store, caller).await.unwrap();
    assert_eq!(file_ids(&store, caller).await.len(), 2);
}

/// A server that crashes gives the numbers of transactions again that it had not written down, so a number that took
/// place may be another's.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_transaction_does_not_prove_it() {
    let Some(database) = Database::fresh("proofs of transactions") else { return };
    let store = open(&database, &Clock::system()).await;
    let caller = contract::tenant(&store, "proven").await;
    let file = make(&store, caller).await.unwrap();
    let another = database.rows("SELECT pg_current_xact_id()::text")[0][0].clone().unwrap();
    let until = || Instant::now() + Duration::from_secs(1);
    let told = async |proof: Option<writer::Proof>| {
        writer::verify_outcome(&store.connections, &another, proof.as_ref(), until()).await
    };
    assert!(told(Some(ledger::creation_proof(file))).await.is_ok());
    let nothing = FileId::next(None, 0, [0; 11]);
    assert!(told(Some(ledger::creation_proof(nothing))).await.unwrap_err().is_lost());
    assert!(told(None).await.unwrap_err().is_lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_connections_that_are_lost_without_a_word_one_is_waited_for() {
    let Some(database) = Database::fresh("connections that are lost") else { return };
    let (proxy, url) = Proxy::before(&database.url);
    let store = PostgresStore::open(&url, Clock::system(), TIME_LIMIT).await.unwrap();
    let caller = contract::tenant(&store, "lost").await;
    let file = make(&store, caller).await.unwrap();
    join_all((0..8).map(|_| store.find_file(caller.workspace, file)))
        .await
        .into_iter()
        .for_each(|found| drop(found.unwrap()));
    proxy.lose_all();
    assert!(store.find_file(caller.workspace, file).await.is_err());
    let next = Instant::now();
    for _ in 0..8 {
        assert!(store.find_file(caller.workspace, file).await.unwrap().is_some());
    }
    assert!(next.elapsed() < Duration::from_secs(2), "{:?}", next.elapsed());
}
