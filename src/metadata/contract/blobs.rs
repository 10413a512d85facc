//! Rows of blobs, and those that the sweeper removes.

use super::fixtures::{NOW_MS, PROCESS, blob, file, made, new_file, tenant};
use crate::clock::Clock;
use crate::metadata::{MetadataStore, SweepShare};
use crate::model::purpose::Purpose;

pub async fn a_blob_is_committed_once_and_by_its_workspace(store: &dyn MetadataStore) {
    let (ours, theirs) = (tenant(store, "once").await, tenant(store, "twice").await);
    let blob = blob(ours, 1);
    let new = || new_file(blob, Purpose::UserData, None);
    assert_eq!(made(store.create_file(ours, new(), None).await.unwrap()), None, "it was never begun");
    store.begin_blob(ours.workspace, blob, PROCESS).await.unwrap();
    assert!(store.begin_blob(ours.workspace, blob, PROCESS).await.is_err(), "a name is used once");
    assert_eq!(made(store.create_file(theirs, new(), None).await.unwrap()), None);
    assert!(made(store.create_file(ours, new(), None).await.unwrap()).is_some());
    assert_eq!(made(store.create_file(ours, new(), None).await.unwrap()), None);
}

pub async fn what_is_abandoned_cannot_be_committed(store: &dyn MetadataStore) {
    let caller = tenant(store, "abandoned").await;
    let (left, kept) = (blob(caller, 1), file(store, caller, 2).await);
    let kept_blob = blob(caller, 2);
    store.begin_blob(caller.workspace, left, PROCESS).await.unwrap();
    store.abandon_blobs(vec![left, kept_blob]).await.unwrap();
    store.forget_blobs(vec![kept_blob]).await.unwrap();
    assert!(
        store.find_content(caller.workspace, kept.id).await.unwrap().is_some(),
        "a ready blob is neither abandoned nor forgotten"
    );
    assert_eq!(made(store.create_file(caller, new_file(left, Purpose::UserData, None), None).await.unwrap()), None);
    assert!(store.deleting_blobs(SweepShare::WHOLE, None, 100, 0).await.unwrap().blobs.contains(&left));
    store.forget_blobs(vec![left]).await.unwrap();
}

pub async fn uploads_of_blobs_are_noted_until_they_are_ready(store: &dyn MetadataStore) {
    let caller = tenant(store, "noted").await;
    let (ready, left, plain) = (blob(caller, 1), blob(caller, 2), blob(caller, 3));
    for begun in [ready, left, plain] {
        assert!(!store.note_blob_upload(begun, "early").await.unwrap(), "a blob has its row first");
        store.begin_blob(caller.workspace, begun, PROCESS).await.unwrap();
    }
    for (noted, upload) in [(ready, "first"), (left, "other"), (left, "second/+=")] {
        assert!(store.note_blob_upload(noted, upload).await.unwrap());
    }
    let noted = || store.blob_uploads(vec![plain, left, ready]);
    assert_eq!(noted().await.unwrap(), [(left, "second/+=".to_owned()), (ready, "first".to_owned())]);
    let file = made(store.create_file(caller, new_file(ready, Purpose::UserData, None), None).await.unwrap());
    store.abandon_blobs(vec![left, plain]).await.unwrap();
    assert_eq!(noted().await.unwrap(), [(left, "second/+=".to_owned())], "what is whole has no upload");
    assert!(store.delete_file(caller, file.unwrap().id).await.unwrap());
    assert_eq!(noted().await.unwrap().len(), 1, "and will not have one again");
    store.forget_blobs(vec![left, plain, ready]).await.unwrap();
    assert!(noted().await.unwrap().is_empty());
}

pub async fn what_was_read_is_removed_later_and_what_was_not_at_once(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "delayed").await;
    let (left, read) = (blob(caller, 1), blob(caller, 2));
    store.begin_blob(caller.workspace, left, PROCESS).await.unwrap();
    store.abandon_blobs(vec![left]).await.unwrap();
    let file = file(store, caller, 2).await;
    assert!(store.delete_file(caller, file.id).await.unwrap());
    let removable = async |delay_seconds| {
        let all = store.deleting_blobs(SweepShare::WHOLE, None, 100, delay_seconds).await.unwrap().blobs;
        (all.contains(&left), all.contains(&read))
    };
    assert_eq!((removable(0).await, removable(600).await), ((true, true), (true, false)));
    clock.set(NOW_MS + 599_000);
    assert_eq!(removable(600).await, (true, false));
    clock.set(NOW_MS + 600_000);
    assert_eq!(removable(600).await, (true, true));
    clock.set(NOW_MS);
    store.forget_blobs(vec![left, read]).await.unwrap();
}
