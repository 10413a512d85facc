//! Quotas.

use super::fixtures::{
    NOW_MS, ORIGIN, PROCESS, begin, blob, create, expire, file, made, new_file, part, small_file, tenant, upload,
};
use crate::clock::Clock;
use crate::metadata::{MetadataStore, SweepShare};
use crate::model::caller::Refused;
use crate::model::expiry::ExpiresAfter;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::KeyId;
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits, QuotaExceeded, StorageUsage};
use crate::model::purpose::Purpose;
use crate::model::upload::{Completion, MAX_PART_BYTES, UploadRefusal};

pub async fn quotas_count_what_is_there_and_what_is_to_come(store: &dyn MetadataStore, clock: &Clock) {
    let (ours, theirs) = (tenant(store, "quota").await, tenant(store, "no quota").await);
    let (workspace, key) = (LimitOwner::Workspace(ours.workspace), LimitOwner::Key(ours.key));
    let set = async |owner, wanted| {
        store.set_limits(owner, wanted, ORIGIN, None).await.map(|set| set.made().unwrap().is_some())
    };
    let wanted = vec![(Limit::StorageBytes, Some(20)), (Limit::MaxFiles, Some(9))];
    assert!(set(workspace, wanted).await.unwrap());
    let wanted = vec![(Limit::MaxFiles, None), (Limit::FileBytes(Purpose::Batch), Some(7))];
    assert!(set(workspace, wanted).await.unwrap());
    assert!(set(key, vec![(Limit::RequestsPerMinute, Some(3))]).await.unwrap());
    assert!(!set(LimitOwner::Key(KeyId::next(None, 0, [0; 11])), Vec::new()).await.unwrap());
    let limits = store.limits(workspace).await.unwrap();
    let of = |limit| limits.get(limit);
    assert_eq!((of(Limit::StorageBytes), of(Limit::MaxFiles)), (Some(20), None));
    let having = |limit| store.workspaces_with_limit(limit);
    assert!(having(Limit::StorageBytes).await.unwrap().contains(&(ours.workspace, 20)));
    assert!(having(Limit::MaxFiles).await.unwrap().iter().all(|(workspace, _)| *workspace != ours.workspace));
    assert_eq!(of(Limit::FileBytes(Purpose::Batch)), Some(7));
    assert_eq!(store.limits(key).await.unwrap().get(Limit::RequestsPerMinute), Some(3));
    assert_eq!(store.limits(LimitOwner::Key(theirs.key)).await.unwrap(), Limits::default());
    let brief = create(store, ours, 1, Purpose::UserData, ExpiresAfter::seconds(3600)).await;
    let kept = file(store, ours, 2).await;
    file(store, theirs, 1).await;
    let full = Refused::Quota(QuotaExceeded::Bytes { limit_bytes: 20 });
    assert_eq!(store.create_upload(ours, upload(11), None).await.unwrap(), IdempotentOutcome::Refused(full));
    made(store.create_upload(ours, upload(6), None).await.unwrap());
    let usage = |stored_bytes, stored_files, reserved_bytes, reserved_files| StorageUsage {
        stored_bytes,
        stored_files,
        reserved_bytes,
        reserved_files,
    };
    assert_eq!(store.storage_usage(ours.workspace).await.unwrap(), usage(10, 2, 6, 1));
    let blob = blob(ours, 3);
    store.begin_blob(ours.workspace, blob, PROCESS).await.unwrap();
    let more = || store.create_file(ours, new_file(blob, Purpose::UserData, None), None);
    assert_eq!(more().await.unwrap(), IdempotentOutcome::Refused(full));
    clock.set(NOW_MS + 2_060_000);
    assert!(store.create_file(ours, new_file(blob, Purpose::UserData, None), None).await.unwrap().is_made());
    assert_eq!(store.storage_usage(ours.workspace).await.unwrap(), usage(15, 3, 0, 0));
    assert!(store.delete_file(ours, kept.id).await.unwrap());
    assert_eq!(store.storage_usage(ours.workspace).await.unwrap(), usage(10, 2, 0, 0));
    clock.set((brief.created_at() + 3600) * 1000);
    assert_eq!(store.storage_usage(ours.workspace).await.unwrap(), usage(5, 1, 0, 0), "nobody has swept");
    expire(store, 10).await;
    assert_eq!(store.storage_usage(ours.workspace).await.unwrap(), usage(5, 1, 0, 0));
    assert_eq!(store.storage_usage(theirs.workspace).await.unwrap(), usage(5, 1, 0, 0));
    let stored_bytes = store.stored_bytes().await.unwrap();
    let one_more = file(store, ours, 4).await;
    assert_eq!(store.stored_bytes().await.unwrap(), stored_bytes + 5);
    assert!(store.delete_file(ours, one_more.id).await.unwrap());
    assert_eq!(store.stored_bytes().await.unwrap(), stored_bytes);
    assert!(store.find_misfits().await.unwrap().is_empty());
    clock.set(NOW_MS);
}

pub async fn parts_beyond_the_declared_bytes_count_at_once(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "parts").await;
    let limits = vec![(Limit::StorageBytes, Some(20)), (Limit::MaxFiles, Some(1))];
    assert!(
        store
            .set_limits(LimitOwner::Workspace(caller.workspace), limits, ORIGIN, None)
            .await
            .unwrap()
            .made()
            .unwrap()
            .is_some()
    );
    let upload = made(store.create_upload(caller, upload(8), None).await.unwrap()).id;
    let add = async |size_bytes| store.create_part(caller, upload, part(store, caller, size_bytes).await, None).await;
    let reserved = async || {
        let usage = store.storage_totals(caller.workspace).await.unwrap();
        assert_eq!(usage, store.storage_usage(caller.workspace).await.unwrap());
        (usage.reserved_bytes, usage.reserved_files)
    };
    let first = made(add(8).await.unwrap()).unwrap().unwrap();
    assert_eq!(reserved().await, (8, 1), "what was declared is reserved already");
    made(add(8).await.unwrap()).unwrap().unwrap();
    assert_eq!(reserved().await, (16, 1));
    let full = Refused::Quota(QuotaExceeded::Bytes { limit_bytes: 20 });
    let refused = part(store, caller, 5).await;
    assert_eq!(
        store.create_part(caller, upload, refused.clone(), None).await.unwrap(),
        IdempotentOutcome::Refused(full)
    );
    assert_eq!(reserved().await, (16, 1));
    assert!(!store.is_ready(refused.blob).await.unwrap(), "the blob of a refused part is still to be discarded");
    made(add(4).await.unwrap()).unwrap().unwrap();
    let found = store.find_upload(caller.workspace, upload).await.unwrap().unwrap();
    assert_eq!((found.parts_bytes, found.part_count), (20, 3));
    assert!(store.find_misfits().await.unwrap().is_empty());
    let completion = Completion { parts: vec![first.id], sha256: None };
    assert!(made(store.complete_upload(caller, upload, completion, None).await.unwrap()).is_ok());
    assert_eq!(reserved().await, (0, 0));
    assert!(
        store
            .set_limits(LimitOwner::Workspace(caller.workspace), vec![(Limit::StorageBytes, None)], ORIGIN, None)
            .await
            .unwrap()
            .made()
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .set_limits(LimitOwner::Workspace(caller.workspace), vec![(Limit::MaxFiles, None)], ORIGIN, None)
            .await
            .unwrap()
            .made()
            .unwrap()
            .is_some()
    );
    let [cancelled, brief] = [begin(store, caller, 1).await, begin(store, caller, 1).await];
    for (upload, size_bytes, taken) in [
        (cancelled, MAX_PART_BYTES + 2, true),
        (cancelled, 1, false),
        (brief, MAX_PART_BYTES + 3, false),
        (brief, 7, true),
    ] {
        let added = store.create_part(caller, upload, part(store, caller, size_bytes).await, None).await.unwrap();
        let refusal = UploadRefusal::TooManyBytes { size_bytes: 1, limit_bytes: MAX_PART_BYTES + 2 };
        assert_eq!(made(added).err(), (!taken).then_some(refusal));
    }
    assert_eq!(reserved().await, (MAX_PART_BYTES + 2 + 7, 2));
    assert!(made(store.cancel_upload(caller, cancelled, None).await.unwrap()).is_ok());
    assert_eq!(reserved().await, (7, 1));
    clock.set(NOW_MS + 60_000);
    assert_eq!(store.storage_totals(caller.workspace).await.unwrap().reserved_bytes, 7, "it has expired, unswept");
    assert_eq!(store.storage_usage(caller.workspace).await.unwrap().reserved_bytes, 0);
    while !store.expire_workspace(caller.workspace, 10).await.unwrap().is_nothing() {}
    assert_eq!(reserved().await, (0, 0));
    assert!(store.find_misfits().await.unwrap().is_empty());
    clock.set(NOW_MS);
    let pending = store.pending_blobs().await.unwrap();
    store.abandon_blobs(pending.iter().map(|pending| pending.blob).collect()).await.unwrap();
    store.forget_blobs(store.deleting_blobs(SweepShare::WHOLE, None, 1000, 0).await.unwrap().blobs).await.unwrap();
}

pub async fn what_has_expired_makes_room_before_it_is_swept(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "room").await;
    let owner = LimitOwner::Workspace(caller.workspace);
    assert!(
        store
            .set_limits(owner, vec![(Limit::MaxFiles, Some(600))], ORIGIN, None)
            .await
            .unwrap()
            .made()
            .unwrap()
            .is_some()
    );
    for _ in 0..300 {
        let small = small_file(3, Purpose::UserData, ExpiresAfter::seconds(3600));
        assert!(store.create_file(caller, small, None).await.unwrap().is_made());
        begin(store, caller, 1).await;
    }
    let full = IdempotentOutcome::Refused(Refused::Quota(QuotaExceeded::Files { limit_files: 600 }));
    assert_eq!(store.create_upload(caller, upload(1), None).await.unwrap(), full);
    clock.set(NOW_MS + 200_000_000);
    assert!(
        store
            .set_limits(owner, vec![(Limit::MaxFiles, Some(1))], ORIGIN, None)
            .await
            .unwrap()
            .made()
            .unwrap()
            .is_some()
    );
    let small = || small_file(3, Purpose::UserData, None);
    let alone = store.create_file(caller, small(), None).await.unwrap();
    assert!(alone.is_made(), "{alone:?}: nothing else is left");
    assert!(!store.create_file(caller, small(), None).await.unwrap().is_made());
    let left = store.storage_totals(caller.workspace).await.unwrap();
    assert_eq!((left.stored_files, left.reserved_files), (1, 0));
    assert!(store.find_misfits().await.unwrap().is_empty());
    clock.set(NOW_MS);
}

/// Checks that a total which is less than its rows add up to counts as nothing once they have expired. `lower` makes it
/// so.
pub async fn a_total_is_never_less_than_nothing(
    store: &dyn MetadataStore,
    clock: &Clock,
    lower: impl AsyncFn(WorkspaceId),
) {
    let caller = tenant(store, "less").await;
    let small = small_file(3, Purpose::UserData, ExpiresAfter::seconds(3600));
    assert!(store.create_file(caller, small, None).await.unwrap().is_made());
    lower(caller.workspace).await;
    clock.set(clock.now_ms() + 3_600_000);
    assert_eq!(store.storage_usage(caller.workspace).await.unwrap(), StorageUsage::default());
}
