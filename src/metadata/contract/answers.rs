//! Answers under idempotency keys.

use super::fixtures::{NOW_MS, blob, made, new_file, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::blob::ContentLocation;
use crate::model::file::{File, NewFile};
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome, RequestDigest, WriteAnswer};
use crate::model::ids::BlobId;
use crate::model::purpose::Purpose;
use bytes::Bytes;

pub async fn what_has_a_key_happens_once(store: &dyn MetadataStore, clock: &Clock) {
    let (ours, theirs) = (tenant(store, "repeats").await, tenant(store, "others").await);
    let once = |key: &str, request: &str| {
        let key = IdempotencyKey::parse(key).unwrap();
        Some(Idempotency {
            key,
            request: RequestDigest::of("POST", request),
            answer: WriteAnswer::new(|file: &File| file.id.to_string().into()),
        })
    };
    let new = || NewFile {
        place: ContentLocation::Inline(Bytes::from_static(b"12345")),
        ..new_file(BlobId::new([0; 16]), Purpose::UserData, None)
    };
    let first = made(store.create_file(ours, new(), once("k", "/a")).await.unwrap()).unwrap();
    let replayed = IdempotentOutcome::Replayed(first.id.to_string().into());
    assert_eq!(store.create_file(ours, new(), once("k", "/a")).await.unwrap(), replayed);
    assert_eq!(store.create_file(ours, new(), once("k", "/b")).await.unwrap(), IdempotentOutcome::KeyReused);
    assert!(store.create_file(theirs, new(), once("k", "/b")).await.unwrap().is_made(), "keys are of a workspace");
    let lost = || new_file(blob(ours, 1), Purpose::UserData, None);
    assert_eq!(made(store.create_file(ours, lost(), once("l", "/a")).await.unwrap()), None, "it was never begun");
    assert!(store.create_file(ours, new(), once("l", "/b")).await.unwrap().is_made(), "a refusal leaves the key free");
    assert!(store.delete_file(ours, first.id).await.unwrap());
    assert_eq!(store.create_file(ours, new(), once("k", "/a")).await.unwrap(), replayed, "whatever became of it");
    let key = IdempotencyKey::parse("k").unwrap();
    clock.set(NOW_MS + 86_399_000);
    assert!(store.is_answered(ours.workspace, &key).await.unwrap());
    assert_eq!(store.forget_answers(10).await.unwrap(), 0);
    clock.set(NOW_MS + 86_400_000);
    assert!(!store.is_answered(ours.workspace, &key).await.unwrap());
    assert!(store.create_file(ours, new(), once("k", "/b")).await.unwrap().is_made(), "after a day the key is free");
    assert_eq!(store.forget_answers(10).await.unwrap(), 2);
    assert_eq!(store.create_file(ours, new(), once("k", "/a")).await.unwrap(), IdempotentOutcome::KeyReused);
    clock.set(NOW_MS);
}
