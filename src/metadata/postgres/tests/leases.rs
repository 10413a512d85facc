//! Leases of servers, and what servers claim with them.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_living_process_writes_is_known_to_be_its_own() {
    let Some(database) = Database::fresh("leases of processes") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "leases").await;
    let (process, blob) = (ProcessId::new([5; 16]), BlobId::new([5; 16]));
    store.renew_process(process).await.unwrap();
    store.begin_blob(caller.workspace, blob, process).await.unwrap();
    let pending = |lives| vec![PendingBlob { blob, process, lives }];
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000 - 1);
    assert_eq!(store.pending_blobs().await.unwrap(), pending(true));
    renew_for(&store, &clock, LEASE_SECONDS).await;
    assert_eq!(store.pending_blobs().await.unwrap(), pending(false));
    store.renew_process(process).await.unwrap();
    assert_eq!(store.pending_blobs().await.unwrap(), pending(true));
    renew_for(&store, &clock, 3 * LEASE_SECONDS).await;
    assert_eq!(database.rows("SELECT id FROM processes").len(), 1, "long dead ones are forgotten");
}

/// Another process renews its lease for so many seconds.
async fn renew_for(store: &PostgresStore, clock: &Clock, seconds: u64) {
    for _ in 0..=seconds / 5 {
        store.renew_process(ProcessId::new([6; 16])).await.unwrap();
        clock.set(clock.now_ms() + 5000);
    }
    store.renew_process(ProcessId::new([6; 16])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ran_out_while_the_database_was_away_is_not_over_at_once() {
    let Some(database) = Database::fresh("leases after an outage") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let store = open(&database, &clock).await;
    let caller = contract::tenant(&store, "outage").await;
    let (process, blob) = (ProcessId::new([5; 16]), BlobId::new([5; 16]));
    renew_for(&store, &clock, 60).await;
    store.renew_process(process).await.unwrap();
    store.begin_blob(caller.workspace, blob, process).await.unwrap();
    clock.set(clock.now_ms() + 10 * LEASE_SECONDS * 1000);
    let lives = async || store.pending_blobs().await.unwrap()[0].lives;
    assert!(lives().await, "nobody has renewed a lease since");
    renew_for(&store, &clock, LEASE_SECONDS - 10).await;
    assert!(lives().await, "its server had no full lease time to renew it");
    renew_for(&store, &clock, 10).await;
    assert!(!lives().await);
    store.renew_process(process).await.unwrap();
    assert!(lives().await, "its row was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_sent_by_one_process_that_lives() {
    let Some(database) = Database::fresh("claims of messages") else { return };
    let clock = Clock::set_to(contract::NOW_MS);
    let stores = [open(&database, &clock).await, open(&database, &clock).await];
    let processes = [ProcessId::new([1; 16]), ProcessId::new([2; 16])];
    let lives = async |at: usize| stores[at].renew_process(processes[at]).await.unwrap();
    let next = async |at: usize| {
        let message = stores[at].next_message(SinkName::Alerts, processes[at]).await.unwrap();
        message.map(|message| (message.id, message.seq))
    };
    lives(0).await;
    lives(1).await;
    for id in ["a", "b", "c"] {
        let new = NewMessage { id: id.into(), sink: SinkName::Alerts, content_type: "text/plain", body: id.into() };
        assert!(stores[0].add_message(new).await.unwrap());
    }
    for _ in 0..20 {
        let (first, second) = tokio::join!(next(0), next(1));
        let owners = [&first, &second].map(|claimed| claimed.as_ref().map(|(id, _)| id.as_str()));
        assert!(owners == [Some("a"), None] || owners == [None, Some("a")], "{owners:?}");
    }
    let owner = usize::from(next(0).await.is_none());
    let (_, seq) = next(owner).await.unwrap();
    stores[owner].acknowledge_message(seq).await.unwrap();
    assert_eq!(next(1 - owner).await.unwrap().0, "b", "the next one is anybody's");
    assert_eq!(next(owner).await, None);
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000 - 1);
    lives(owner).await;
    assert_eq!(next(owner).await, None);
    clock.set(contract::NOW_MS + LEASE_SECONDS * 1000);
    assert_eq!(next(owner).await.unwrap().0, "b", "what a dead one has claimed");
    assert_eq!(next(1 - owner).await, None, "and it has lost that, should it only have slept");
    let (_, seq) = next(owner).await.unwrap();
    stores[1 - owner].release_message(seq, processes[1 - owner]).await.unwrap();
    assert_eq!(next(1 - owner).await, None, "nobody gives back what another has");
    stores[owner].release_message(seq, processes[owner]).await.unwrap();
    lives(1 - owner).await;
    assert_eq!(next(1 - owner).await.unwrap().0, "b", "what could not be sent");
    assert_eq!(next(owner).await, None);
    stores[1 - owner].end_process(processes[1 - owner]).await.unwrap();
    assert_eq!(next(owner).await.unwrap().0, "b", "who has ended needs not be waited for");
}
