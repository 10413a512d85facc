//! API keys.

use super::fixtures::{NOW_MS, ORIGIN, all, new_file, new_key, new_secret, tenant};
use crate::clock::Clock;
use crate::metadata::{MetadataStore, Purged};
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, Opens};
use crate::model::blob::ContentLocation;
use crate::model::caller::{Caller, Refused};
use crate::model::file::NewFile;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{BlobId, KeyId};
use crate::model::limits::LimitsInForce;
use crate::model::page::Order;
use crate::model::purpose::Purpose;
use crate::model::scope::Scopes;
use bytes::Bytes;

pub async fn keys_are_found_by_their_secrets(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "keys").await;
    let opens = Opens::Workspace(caller.workspace, Scopes::named(["files.read"].into_iter()).unwrap());
    let key =
        store.create_key(new_key(opens, &[1; 32], Some(60)), ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!((key.expires_at, key.opens), (Some(NOW_MS / 1000 + 60), opens));
    assert_eq!(
        store.create_key(new_key(opens, &[1; 32], None), ORIGIN, None).await.unwrap().made().unwrap(),
        None,
        "a secret is entered once"
    );
    let found = |number: u8| store.find_credential(KeyDigest([number; 32]));
    let plain = |key: &ApiKey| {
        Some(Credential {
            key: key.clone(),
            retires_at: None,
            archived: false,
            limits: LimitsInForce::default(),
            member: None,
        })
    };
    assert_eq!(found(1).await.unwrap(), plain(&key));
    assert_eq!(found(2).await.unwrap(), None);
    let admin = store
        .create_key(new_key(Opens::Administration, &[3; 32], None), ORIGIN, None)
        .await
        .unwrap()
        .made()
        .unwrap()
        .unwrap();
    assert_eq!(found(3).await.unwrap(), plain(&admin));
    let page = store.list_keys_of(caller.workspace, None, 1).await.unwrap();
    assert!(page.has_more && page.rows.len() == 1);
    let rest = store.list_keys_of(caller.workspace, Some(page.rows[0].id), 10).await.unwrap().rows;
    assert_eq!(page.rows.iter().chain(&rest).filter(|listed| **listed == key).count(), 1);
    assert_eq!(rest.len(), 1);
    store.note_key_used(key.id).await.unwrap();
    clock.set(NOW_MS + 59_000);
    store.note_key_used(key.id).await.unwrap();
    assert_eq!(store.find_key(key.id).await.unwrap().unwrap().last_used_at, Some(NOW_MS / 1000));
    let rotate = |number: u8, overlap| store.rotate_key(admin.id, new_secret(&[number; 32]), overlap, ORIGIN, None);
    rotate(4, 3600).await.unwrap().made().unwrap().unwrap().unwrap();
    let rotated = rotate(5, 7200).await.unwrap().made().unwrap().unwrap().unwrap();
    assert_eq!((rotated.id, rotated.redacted.as_str()), (admin.id, "vk_5..."));
    let now = NOW_MS / 1000 + 59;
    for (number, retires_at) in [(3, Some(now + 3600)), (4, Some(now + 7200)), (5, None)] {
        let credential = found(number).await.unwrap().unwrap();
        assert_eq!((credential.key.id, credential.retires_at), (admin.id, retires_at), "{number}");
    }
    clock.set(NOW_MS + 60_000);
    let expired = store.rotate_key(key.id, new_secret(&[6; 32]), 0, ORIGIN, None).await.unwrap().made().unwrap();
    assert_eq!(expired, Some(Err(KeyStatus::Expired)));
    clock.set(NOW_MS);
    let revoked = store.revoke_key(key.id, ORIGIN).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(NOW_MS / 1000));
    assert_eq!(found(1).await.unwrap().unwrap().key.revoked_at, revoked.revoked_at);
    let refused = store.rotate_key(key.id, new_secret(&[7; 32]), 0, ORIGIN, None).await.unwrap().made().unwrap();
    assert_eq!(refused, Some(Err(KeyStatus::Revoked)));
    assert!(store.list_keys().await.unwrap().contains(&revoked), "it is still known");
    assert!(!store.list_keys_of(caller.workspace, None, 10).await.unwrap().rows.contains(&revoked));
    let nobody = KeyId::next(None, 0, [0; 11]);
    assert_eq!(store.revoke_key(nobody, ORIGIN).await.unwrap(), None);
    assert_eq!(store.rotate_key(nobody, new_secret(&[7; 32]), 0, ORIGIN, None).await.unwrap().made().unwrap(), None);
    assert_eq!(found(7).await.unwrap(), None);
}

pub async fn a_key_that_has_ended_changes_nothing(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "ended").await;
    let opens = Opens::Workspace(caller.workspace, Scopes::DEFAULT);
    let key = |number, valid_seconds| {
        let created = store.create_key(new_key(opens, &[number; 32], valid_seconds), ORIGIN, None);
        async move { Caller { key: created.await.unwrap().made().unwrap().unwrap().id, ..caller } }
    };
    let (revoked, brief) = (key(20, None).await, key(21, Some(60)).await);
    let small = || NewFile {
        place: ContentLocation::Inline(Bytes::from_static(b"12345")),
        ..new_file(BlobId::new([0; 16]), Purpose::UserData, None)
    };
    let create = |caller| store.create_file(caller, small(), None);
    assert!(create(revoked).await.unwrap().is_made() && create(brief).await.unwrap().is_made());
    store.revoke_key(revoked.key, ORIGIN).await.unwrap();
    clock.set(NOW_MS + 60_000);
    let other = tenant(store, "other").await;
    for ended in [revoked, brief, Caller { workspace: other.workspace, ..caller }] {
        assert_eq!(create(ended).await.unwrap(), IdempotentOutcome::Refused(Refused::KeyEnded));
    }
    assert!(create(caller).await.unwrap().is_made());
    store.archive_workspace(caller.workspace, ORIGIN, None).await.unwrap().made().unwrap();
    assert_eq!(create(caller).await.unwrap(), IdempotentOutcome::Refused(Refused::KeyEnded));
    clock.set(NOW_MS);
    let kept = store.list_files(caller.workspace, all(Order::Ascending)).await.unwrap().rows;
    assert_eq!(kept.len(), 3, "the files of an archived workspace stay");
    assert_eq!(store.purge_workspace(other.workspace, 2, ORIGIN).await.unwrap(), Purged::NotArchived);
    assert_eq!(store.purge_workspace(caller.workspace, 2, ORIGIN).await.unwrap(), Purged::Some(2));
    assert_eq!(store.purge_workspace(caller.workspace, 2, ORIGIN).await.unwrap(), Purged::Some(1));
    for _ in 0..2 {
        assert_eq!(store.purge_workspace(caller.workspace, 2, ORIGIN).await.unwrap(), Purged::All);
    }
    assert_eq!(store.find_credential(KeyDigest([20; 32])).await.unwrap(), None);
    assert!(store.find_misfits().await.unwrap().is_empty());
}
