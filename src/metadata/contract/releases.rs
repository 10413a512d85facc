//! Parts of deleted Files and Uploads.

use super::fixtures::{NOW_MS, begin_with_parts, complete, made, tenant};
use crate::clock::Clock;
use crate::metadata::{MetadataStore, SweepShare};

pub async fn parts_of_what_is_gone_are_released_in_steps(store: &dyn MetadataStore, clock: &Clock) {
    let deleting = async || store.deleting_blobs(SweepShare::WHOLE, None, 10_000, 0).await.unwrap().blobs.len();
    while let Some(workspace) = store.next_release(None).await.unwrap() {
        store.release_parts(workspace, 100).await.unwrap();
    }
    let before = deleting().await;
    let mut callers = [tenant(store, "parted").await, tenant(store, "parted too").await];
    callers.sort_by_key(|caller| caller.workspace);
    for caller in callers {
        let (whole, parts) = begin_with_parts(store, caller, 35, 7).await;
        let file = complete(store, caller, whole, parts).await;
        let (spare, parts) = begin_with_parts(store, caller, 5, 5).await;
        complete(store, caller, spare, parts[..1].to_vec()).await;
        let (cancelled, _) = begin_with_parts(store, caller, 5, 3).await;
        assert!(made(store.cancel_upload(caller, cancelled, None).await.unwrap()).is_ok());
        begin_with_parts(store, caller, 5, 2).await;
        assert!(store.delete_file(caller, file).await.unwrap());
        assert!(store.find_content(caller.workspace, file).await.unwrap().is_none());
    }
    clock.set(NOW_MS + 60_000);
    for caller in callers {
        assert_eq!(store.expire_workspace(caller.workspace, 10).await.unwrap().uploads, 1);
    }
    clock.set(NOW_MS);
    assert_eq!(deleting().await, before, "no request releases parts");
    assert!(store.find_misfits().await.unwrap().is_empty());
    let [first, second] = callers.map(|caller| caller.workspace);
    assert_eq!(store.next_release(None).await.unwrap(), Some(first));
    assert_eq!(store.next_release(Some(first)).await.unwrap(), Some(second));
    assert_eq!(store.next_release(Some(second)).await.unwrap(), None);
    for (number, workspace) in [first, second].into_iter().enumerate() {
        let mut released = before + number * 16;
        loop {
            let step = store.release_parts(workspace, 3).await.unwrap();
            let now = deleting().await;
            assert!(now - released <= 3 && (step > 0 || now == released), "{released} -> {now}");
            released = now;
            assert!(store.find_misfits().await.unwrap().is_empty());
            if step == 0 {
                break;
            }
        }
        assert_eq!(released, before + (number + 1) * 16, "7 of a File, 4 that are left over, 3 cancelled, 2 expired");
    }
    assert_eq!(store.next_release(None).await.unwrap(), None);
    store.forget_blobs(store.deleting_blobs(SweepShare::WHOLE, None, 10_000, 0).await.unwrap().blobs).await.unwrap();
}
