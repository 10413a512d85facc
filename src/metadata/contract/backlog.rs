//! Counts of the rows that wait for the tasks of the server.

use super::fixtures::{NOW_MS, PROCESS, blob, file, small_file, tenant};
use crate::metadata::{Backlog, MetadataStore};
use crate::model::purpose::Purpose;

pub async fn what_waits_is_counted_up_to_a_limit(store: &dyn MetadataStore) {
    let roll_up = async || while store.roll_up_usage(10_000).await.unwrap() > 0 {};
    let backlog = async |max_rows| store.backlog(max_rows).await.unwrap();
    roll_up().await;
    assert_eq!(backlog(100).await, Backlog::default());
    let caller = tenant(store, "backlog").await;
    for _ in 0..3 {
        assert!(store.create_file(caller, small_file(3, Purpose::UserData, None), None).await.unwrap().is_made());
    }
    assert_eq!((backlog(100).await.ledger_rows, backlog(2).await.ledger_rows), (3, 2));
    let (left, read) = (blob(caller, 1), blob(caller, 2));
    store.begin_blob(caller.workspace, left, PROCESS).await.unwrap();
    store.abandon_blobs(vec![left]).await.unwrap();
    let waiting = Backlog { deleting_blobs: 1, deleting_since: None, ledger_rows: 3 };
    assert_eq!(backlog(100).await, waiting, "a blob that was never served has no age");
    let file = file(store, caller, 2).await;
    assert!(store.delete_file(caller, file.id).await.unwrap());
    roll_up().await;
    let waiting = Backlog { deleting_blobs: 2, deleting_since: Some(NOW_MS / 1000), ledger_rows: 0 };
    assert_eq!(backlog(100).await, waiting);
    assert_eq!(backlog(1).await.deleting_blobs, 1);
    store.forget_blobs(vec![left, read]).await.unwrap();
    assert_eq!(backlog(100).await, Backlog::default());
}
