//! Uploads.

use super::fixtures::{NOW_MS, begin, begin_with_parts, complete, made, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::upload::REMEMBERED_SECONDS;

pub async fn uploads_are_forgotten_after_their_time(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "forgotten").await;
    let (completed, parts) = begin_with_parts(store, caller, 5, 1).await;
    let file = complete(store, caller, completed, parts.clone()).await;
    let (cancelled, expired) = (begin(store, caller, 1).await, begin(store, caller, 1).await);
    assert!(made(store.cancel_upload(caller, cancelled, None).await.unwrap()).is_ok());
    clock.set(NOW_MS + 60_000);
    assert_eq!(store.expire_workspace(caller.workspace, 10).await.unwrap().uploads, 1);
    let known = async |upload| store.find_upload(caller.workspace, upload).await.unwrap().is_some();
    for (left_ms, is_known) in [(1000, true), (0, false)] {
        clock.set(NOW_MS + (60 + REMEMBERED_SECONDS) * 1000 - left_ms);
        while store.forget_uploads(REMEMBERED_SECONDS, 2).await.unwrap() > 0 {}
        for upload in [completed, cancelled, expired] {
            assert_eq!(known(upload).await, is_known, "{left_ms}");
        }
        if is_known {
            assert_eq!(complete(store, caller, completed, parts.clone()).await, file, "it is answered again");
        }
    }
    assert!(store.find_file(caller.workspace, file).await.unwrap().is_some());
    assert!(store.find_misfits().await.unwrap().is_empty());
    clock.set(NOW_MS);
}
