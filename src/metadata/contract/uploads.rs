//! Uploads.

use super::fixtures::{NOW_MS, begin, begin_with_parts, complete, made, part, tenant, upload};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::caller::Caller;
use crate::model::chosen_name::ChosenName;
use crate::model::expiry::ExpiresAfter;
use crate::model::ids::{PartId, UploadId};
use crate::model::upload::{Completion, NewPart, NewUpload, REMEMBERED_SECONDS, Upload, UploadRefusal};

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

async fn add(
    store: &dyn MetadataStore,
    caller: Caller,
    upload: UploadId,
    size_bytes: u64,
    offset_bytes: Option<u64>,
) -> Result<PartId, UploadRefusal> {
    let new = NewPart { offset_bytes, ..part(store, caller, size_bytes).await };
    let blob = new.blob;
    let outcome = made(store.create_part(caller, upload, new, None).await.unwrap());
    if outcome.is_err() {
        store.abandon_blobs(vec![blob]).await.unwrap();
    }
    outcome.map(|part| part.unwrap().id)
}

async fn finish(
    store: &dyn MetadataStore,
    caller: Caller,
    upload: UploadId,
    parts: Vec<PartId>,
) -> Result<Upload, UploadRefusal> {
    made(store.complete_upload(caller, upload, Completion { parts, sha256: None }, None).await.unwrap())
}

pub async fn a_part_may_have_its_place(store: &dyn MetadataStore) {
    let caller = tenant(store, "places").await;
    let upload = begin(store, caller, 9).await;
    assert_eq!(add(store, caller, upload, 4, Some(1)).await, Err(UploadRefusal::WrongOffset));
    add(store, caller, upload, 4, Some(0)).await.unwrap();
    assert_eq!(add(store, caller, upload, 4, Some(0)).await, Err(UploadRefusal::WrongOffset), "a repetition");
    add(store, caller, upload, 5, Some(4)).await.unwrap();
    add(store, caller, upload, 5, None).await.unwrap();
    let found = store.find_upload(caller.workspace, upload).await.unwrap().unwrap();
    assert_eq!((found.parts_bytes, found.part_count), (14, 3));
}

pub async fn an_upload_without_a_size_grows_to_its_limit(store: &dyn MetadataStore) {
    let caller = tenant(store, "growing").await;
    let new = NewUpload { grows_to_bytes: Some(10), ..upload(0) };
    let upload = made(store.create_upload(caller, new, None).await.unwrap());
    assert_eq!((upload.size_bytes, upload.grows_to_bytes), (0, Some(10)));
    let parts = [
        add(store, caller, upload.id, 4, Some(0)).await.unwrap(),
        add(store, caller, upload.id, 5, Some(4)).await.unwrap(),
    ];
    let full = UploadRefusal::TooManyBytes { size_bytes: 0, limit_bytes: 10 };
    assert_eq!(add(store, caller, upload.id, 2, Some(9)).await, Err(full));
    assert_eq!(store.storage_totals(caller.workspace).await.unwrap().reserved_bytes, 9);
    let completed = finish(store, caller, upload.id, parts.to_vec()).await.unwrap();
    assert_eq!((completed.size_bytes, completed.file.unwrap().size_bytes), (9, 9));
    let found = store.find_upload(caller.workspace, upload.id).await.unwrap().unwrap();
    assert_eq!(found.size_bytes, 9);
    let usage = store.storage_totals(caller.workspace).await.unwrap();
    assert_eq!((usage.stored_bytes, usage.reserved_bytes), (9, 0));
    assert!(store.find_misfits().await.unwrap().is_empty());
}

pub async fn a_chosen_name_is_of_one_file(store: &dyn MetadataStore, clock: &Clock) {
    let (ada, bob) = (tenant(store, "names of ada").await, tenant(store, "names of bob").await);
    let name = ChosenName::parse("chosen-1").unwrap();
    let begin = async |caller: Caller, expires_after| {
        let new = NewUpload { chosen_name: Some(name.clone()), expires_after, ..upload(0) };
        made(store.create_upload(caller, new, None).await.unwrap()).id
    };
    let named = async |caller: Caller| store.find_named_file(caller.workspace, name.clone()).await.unwrap();
    let (first, second) = (begin(ada, Some(ExpiresAfter::stored(5))).await, begin(ada, None).await);
    assert_eq!(named(ada).await, None);
    let file = finish(store, ada, first, Vec::new()).await.unwrap().file.unwrap();
    assert_eq!(file.chosen_name.as_ref(), Some(&name));
    assert_eq!((named(ada).await.as_ref(), named(bob).await), (Some(&file), None));
    assert_eq!(store.find_file(ada.workspace, file.id).await.unwrap().as_ref(), Some(&file));
    assert_eq!(finish(store, ada, second, Vec::new()).await, Err(UploadRefusal::NameTaken));
    let of_bob = begin(bob, None).await;
    finish(store, bob, of_bob, Vec::new()).await.unwrap();
    // An expired File that is not swept yet has no name any more.
    clock.set(file.expires_at.unwrap() * 1000);
    assert_eq!(named(ada).await, None);
    let third = begin(ada, None).await;
    let later = finish(store, ada, third, Vec::new()).await.unwrap().file.unwrap();
    assert_eq!(named(ada).await.as_ref(), Some(&later));
    assert!(store.delete_file(ada, later.id).await.unwrap());
    assert_eq!(named(ada).await, None);
    assert!(named(bob).await.is_some());
    clock.set(NOW_MS);
}
