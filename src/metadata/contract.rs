//! What every metadata store does, whatever is behind it.

use super::admin_contract;
use super::{MetadataStore, NewKey, NewSecret, PendingBlob, Purged, SweepShare};
use crate::clock::Clock;
use crate::model::api_key::{ApiKey, Credential, KeyDigest, KeyStatus, Opens};
use crate::model::audit::{Action, Actor, AuditQuery, Origin};
use crate::model::blob::{Place, StoredBlob};
use crate::model::caller::{Caller, Refused};
use crate::model::clock_jump::ClockJump;
use crate::model::digest::{BlockChecksums, ContentDigest, Sha256Digest};
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::file::{File, NewFile};
use crate::model::filename::Filename;
use crate::model::idempotency::{Effect, IdempotencyKey, Once, RequestDigest, WriteAnswer};
use crate::model::ids::{BlobId, FileId, KeyId, PartId, ProcessId, RequestId, UploadId, WorkspaceId};
use crate::model::limits::{Limit, LimitOwner, Limits, LimitsInForce, QuotaExceeded, StorageUsage};
use crate::model::outbox::SinkName;
use crate::model::page::{FileQuery, Order};
use crate::model::purpose::Purpose;
use crate::model::scope::Scopes;
use crate::model::upload::{Completion, MAX_PART_BYTES, NewPart, NewUpload, REMEMBERED_SECONDS, UploadRefusal};
use crate::model::usage::{Dimensions, SlotWidth, UsageQuery};
use crate::model::workspace::NameTaken;
use crate::random;
use bytes::Bytes;
use std::sync::Arc;

/// The time at which a store under test is opened.
pub const NOW_MS: u64 = 1_795_374_000_000;
const PROCESS: ProcessId = ProcessId::new([9; 16]);

/// Runs the whole contract over a fresh store whose clock is `clock`.
pub async fn holds(store: &dyn MetadataStore, clock: &Clock) {
    workspaces_have_unique_names_and_end(store).await;
    keys_are_found_by_their_secrets(store, clock).await;
    a_file_appears_with_its_commit_and_goes_with_its_delete(store).await;
    small_content_lives_and_dies_with_its_file(store).await;
    a_workspace_sees_its_own_files_only(store).await;
    pages_visit_each_file_once(store).await;
    a_cursor_needs_no_file(store).await;
    a_blob_is_committed_once_and_by_its_workspace(store).await;
    what_is_abandoned_cannot_be_committed(store).await;
    uploads_of_blobs_are_noted_until_they_are_ready(store).await;
    what_was_read_is_removed_later_and_what_was_not_at_once(store, clock).await;
    expired_files_are_gone_at_the_second(store, clock).await;
    a_workspace_decides_where_clients_do_not(store).await;
    what_has_a_key_happens_once(store, clock).await;
    a_key_that_has_ended_changes_nothing(store, clock).await;
    what_was_done_is_in_the_audit_log(store, clock).await;
    a_stamp_only_moves_forward(store).await;
    quotas_count_what_is_there_and_what_is_to_come(store, clock).await;
    parts_beyond_the_declared_bytes_count_at_once(store, clock).await;
    what_has_expired_makes_room_before_it_is_swept(store, clock).await;
    workspaces_are_overdue_one_by_one(store, clock).await;
    parts_of_what_is_gone_are_released_in_steps(store, clock).await;
    uploads_are_forgotten_after_their_time(store, clock).await;
    nothing_expires_by_a_clock_that_jumped(store, clock).await;
    admin_contract::holds(store, clock).await;
    store.probe().await.unwrap();
}

pub const ORIGIN: Origin = Origin::COMMAND_LINE;

/// The holder of the key of a fresh workspace.
pub async fn tenant(store: &dyn MetadataStore, name: &str) -> Caller {
    let workspace = store.create_workspace(name, ORIGIN, None).await.unwrap().made().unwrap().unwrap().id;
    holder(store, workspace).await
}

/// Whoever holds a new key of a workspace.
pub async fn holder(store: &dyn MetadataStore, workspace: WorkspaceId) -> Caller {
    let opens = Opens::Workspace(workspace, Scopes::DEFAULT);
    let key = store
        .create_key(new_key(opens, &random::bytes(), None), ORIGIN, None)
        .await
        .unwrap()
        .made()
        .unwrap()
        .unwrap()
        .id;
    Caller { workspace, key, request: RequestId::new([8; 16]), address: None }
}

pub fn new_key(opens: Opens, digest: &[u8; 32], valid_seconds: Option<u64>) -> NewKey {
    NewKey { opens, secret: new_secret(digest), name: "ci".into(), valid_seconds }
}

pub fn new_secret(digest: &[u8; 32]) -> NewSecret {
    NewSecret { digest: KeyDigest(*digest), redacted: format!("vk_{}...", digest[0]) }
}

fn new_file(blob: BlobId, purpose: Purpose, expires_after: Option<ExpiresAfter>) -> NewFile {
    let content =
        ContentDigest { size_bytes: 5, sha256: Sha256Digest([3; 32]), checksums: BlockChecksums(vec![1, u32::MAX]) };
    NewFile {
        place: Place::Store(blob),
        content,
        purpose,
        filename: Filename::parse("\u{6587}.txt").unwrap(),
        expires_after,
        status_details: Some("line 1".into()).filter(|_| purpose == Purpose::Batch),
    }
}

/// The digest of the secret of this number.
pub fn digest(number: u8) -> KeyDigest {
    KeyDigest([number; 32])
}

/// A File of so many bytes, which the store holds itself.
pub fn small_file(size: usize, purpose: Purpose, expires_after: Option<ExpiresAfter>) -> NewFile {
    let new = new_file(BlobId::new([0; 16]), purpose, expires_after);
    let content = ContentDigest { size_bytes: size as u64, ..new.content };
    NewFile { place: Place::Inline(Bytes::from(vec![7; size])), content, ..new }
}

/// An Upload of so many bytes.
pub fn upload(size_bytes: u64) -> NewUpload {
    NewUpload {
        size_bytes,
        filename: Filename::parse("u").unwrap(),
        purpose: Purpose::UserData,
        expires_after: None,
        ttl_seconds: 60,
    }
}

fn blob(caller: Caller, number: u8) -> BlobId {
    let mut bytes = [number; 16];
    bytes[..8].copy_from_slice(
        &std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            caller.workspace,
        )
        .to_be_bytes(),
    );
    BlobId::new(bytes)
}

async fn create(
    store: &dyn MetadataStore,
    caller: Caller,
    number: u8,
    purpose: Purpose,
    expires_after: Option<ExpiresAfter>,
) -> File {
    let blob = blob(caller, number);
    store.begin_blob(caller.workspace, blob, PROCESS).await.unwrap();
    made(store.create_file(caller, new_file(blob, purpose, expires_after), None).await.unwrap()).unwrap()
}

/// A fresh File.
pub async fn file(store: &dyn MetadataStore, caller: Caller, number: u8) -> File {
    create(store, caller, number, Purpose::UserData, None).await
}

/// Ends at most `limit` Files and as many Uploads of each workspace that are overdue. Returns how many Files there were.
pub async fn expire(store: &dyn MetadataStore, limit: u32) -> usize {
    let (mut files, mut ended) = (0, std::collections::BTreeSet::new());
    for overdue in store.overdue_workspaces(None, 1000).await.unwrap() {
        if ended.insert(overdue.workspace) {
            files += store.expire_workspace(overdue.workspace, limit).await.unwrap().files;
        }
    }
    files
}

/// What was made, as it must be without a key.
fn made<T>(effect: Effect<T>) -> T {
    match effect {
        Effect::Made(made) => made,
        Effect::Replayed(_) | Effect::KeyReused | Effect::Refused(_) => panic!("nothing was asked for under a key"),
    }
}

fn all(order: Order) -> FileQuery {
    FileQuery { purpose: None, limit: 10_000, order, after: None }
}

async fn workspaces_have_unique_names_and_end(store: &dyn MetadataStore) {
    let ada = store.create_workspace("ada", ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!(store.create_workspace("ada", ORIGIN, None).await.unwrap().made().unwrap(), None);
    let bob = store.create_workspace("bob", ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!(store.find_workspace(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.find_workspace_named("bob").await.unwrap(), Some(bob.clone()));
    assert_eq!(
        store.rename_workspace(ada.id, Some("bob"), ORIGIN, None).await.unwrap().made().unwrap(),
        Some(Err(NameTaken))
    );
    let eve =
        store.rename_workspace(ada.id, Some("eve"), ORIGIN, None).await.unwrap().made().unwrap().unwrap().unwrap();
    assert_eq!((eve.id, eve.name.as_str()), (ada.id, "eve"));
    assert_eq!(store.find_workspace_named("ada").await.unwrap(), None);
    let archived = store.archive_workspace(bob.id, ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    assert_eq!(archived.archived_at, Some(NOW_MS / 1000));
    assert_eq!(store.archive_workspace(bob.id, ORIGIN, None).await.unwrap().made().unwrap(), Some(archived.clone()));
    let mut listed = Vec::new();
    for with_archived in [true, false] {
        let first = store.list_workspaces(None, 1, with_archived).await.unwrap();
        assert!(first.rows.len() == 1 && first.has_more == with_archived);
        let rest = store.list_workspaces(Some(first.rows[0].id), 10, with_archived).await.unwrap();
        listed.push([first.rows, rest.rows].concat());
    }
    listed[0].sort_by_key(|workspace| workspace.name.clone());
    assert_eq!(listed, [vec![archived, eve.clone()], vec![eve]]);
    let nobody = WorkspaceId::next(None, 0, [0; 11]);
    assert_eq!(store.archive_workspace(nobody, ORIGIN, None).await.unwrap().made().unwrap(), None);
    assert_eq!(store.rename_workspace(nobody, Some("x"), ORIGIN, None).await.unwrap().made().unwrap(), None);
}

async fn keys_are_found_by_their_secrets(store: &dyn MetadataStore, clock: &Clock) {
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
        Some(Credential { key: key.clone(), retires_at: None, archived: false, limits: LimitsInForce::default() })
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

/// Asks each question that reads many rows, for one workspace and for all, so that its statements are prepared.
pub(super) async fn every_question(store: &dyn MetadataStore) {
    let caller = tenant(store, "questions").await;
    let everything = || AuditQuery { limit: 10, ..AuditQuery::default() };
    let actors = Some(vec![Actor::Key(caller.key)]);
    let objects = Some(vec![caller.key.to_string()]);
    let actions = Some(vec![Action::KeyCreated, Action::KeyRevoked]);
    store.audit_log(everything()).await.unwrap();
    store.audit_log(AuditQuery { actors, ..everything() }).await.unwrap();
    store.audit_log(AuditQuery { objects, ..everything() }).await.unwrap();
    store.audit_log(AuditQuery { actions, ..everything() }).await.unwrap();
    let by = Dimensions { workspace: true, key: false, purpose: false };
    for workspaces in [None, Some(vec![caller.workspace]), Some(Vec::new())] {
        for width in [SlotWidth::Hour, SlotWidth::Minute] {
            let (start, end) = (NOW_MS / 1000, NOW_MS / 1000 + 3600);
            let query = UsageQuery { start, end, width, workspaces: workspaces.clone(), keys: None, by };
            store.usage(query).await.unwrap();
        }
    }
    store.ledger(None, 0, 10).await.unwrap();
    store.ledger(Some(caller.workspace), 0, 10).await.unwrap();
    store.workspaces_with_limit(Limit::MonthlySpendCents).await.unwrap();
    for sink in [SinkName::Usage] {
        store.outbox_status(sink).await.unwrap();
        store.forget_messages(sink, 60, 10).await.unwrap();
    }
}

async fn a_key_that_has_ended_changes_nothing(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "ended").await;
    let opens = Opens::Workspace(caller.workspace, Scopes::DEFAULT);
    let key = |number, valid_seconds| {
        let created = store.create_key(new_key(opens, &[number; 32], valid_seconds), ORIGIN, None);
        async move { Caller { key: created.await.unwrap().made().unwrap().unwrap().id, ..caller } }
    };
    let (revoked, brief) = (key(20, None).await, key(21, Some(60)).await);
    let small = || NewFile {
        place: Place::Inline(Bytes::from_static(b"12345")),
        ..new_file(BlobId::new([0; 16]), Purpose::UserData, None)
    };
    let create = |caller| store.create_file(caller, small(), None);
    assert!(create(revoked).await.unwrap().is_made() && create(brief).await.unwrap().is_made());
    store.revoke_key(revoked.key, ORIGIN).await.unwrap();
    clock.set(NOW_MS + 60_000);
    let other = tenant(store, "other").await;
    for ended in [revoked, brief, Caller { workspace: other.workspace, ..caller }] {
        assert_eq!(create(ended).await.unwrap(), Effect::Refused(Refused::KeyEnded));
    }
    assert!(create(caller).await.unwrap().is_made());
    store.archive_workspace(caller.workspace, ORIGIN, None).await.unwrap().made().unwrap();
    assert_eq!(create(caller).await.unwrap(), Effect::Refused(Refused::KeyEnded));
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

async fn quotas_count_what_is_there_and_what_is_to_come(store: &dyn MetadataStore, clock: &Clock) {
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
    assert_eq!(store.create_upload(ours, upload(11), None).await.unwrap(), Effect::Refused(full));
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
    assert_eq!(more().await.unwrap(), Effect::Refused(full));
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

/// A part of so many bytes, whose blob is begun under a name of its own.
async fn part(store: &dyn MetadataStore, caller: Caller, size_bytes: u64) -> NewPart {
    let blob = BlobId::new(random::bytes());
    store.begin_blob(caller.workspace, blob, PROCESS).await.unwrap();
    NewPart { blob, content: ContentDigest { size_bytes, ..new_file(blob, Purpose::UserData, None).content } }
}

async fn parts_beyond_the_declared_bytes_count_at_once(store: &dyn MetadataStore, clock: &Clock) {
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
    assert_eq!(store.create_part(caller, upload, refused.clone(), None).await.unwrap(), Effect::Refused(full));
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

async fn begin(store: &dyn MetadataStore, caller: Caller, size_bytes: u64) -> UploadId {
    made(store.create_upload(caller, upload(size_bytes), None).await.unwrap()).id
}

async fn what_has_expired_makes_room_before_it_is_swept(store: &dyn MetadataStore, clock: &Clock) {
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
    let full = Effect::Refused(Refused::Quota(QuotaExceeded::Files { limit_files: 600 }));
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

async fn workspaces_are_overdue_one_by_one(store: &dyn MetadataStore, clock: &Clock) {
    let callers = [tenant(store, "overdue").await, tenant(store, "overdue too").await];
    for caller in callers {
        for seconds in [3600, 3600, 3600, 3601] {
            let small = small_file(3, Purpose::UserData, ExpiresAfter::seconds(seconds));
            assert!(store.create_file(caller, small, None).await.unwrap().is_made());
        }
        begin(store, caller, 1).await;
    }
    let list = async |after, limit| store.overdue_workspaces(after, limit).await.unwrap();
    assert!(
        list(None, 10).await.iter().all(|overdue| callers.iter().all(|caller| caller.workspace != overdue.workspace))
    );
    clock.set(NOW_MS + 400_000_000);
    for limit in [1, 3, 100] {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let overdue = list(after, limit).await;
            let Some(last) = overdue.last() else { break };
            assert!(overdue.is_sorted() && overdue.first().copied() > after, "{overdue:?}");
            after = Some(*last);
            seen.extend(
                overdue
                    .into_iter()
                    .filter(|overdue| callers.iter().any(|caller| caller.workspace == overdue.workspace)),
            );
        }
        assert_eq!(seen.len(), 6, "{limit}: {seen:?}");
    }
    for caller in callers {
        let mut files = 0;
        loop {
            let ended = store.expire_workspace(caller.workspace, 3).await.unwrap();
            assert!(ended.files <= 3 && ended.uploads <= 1);
            files += ended.files;
            if ended.is_nothing() {
                break;
            }
        }
        assert_eq!(files, 4);
    }
    clock.set(NOW_MS);
    assert!(store.find_misfits().await.unwrap().is_empty());
}

/// An Upload of so many bytes that was given so many parts of five bytes.
async fn begin_with_parts(
    store: &dyn MetadataStore,
    caller: Caller,
    size_bytes: u64,
    count: usize,
) -> (UploadId, Vec<PartId>) {
    let (upload, mut parts) = (begin(store, caller, size_bytes).await, Vec::new());
    for _ in 0..count {
        let new = part(store, caller, 5).await;
        parts.push(made(store.create_part(caller, upload, new, None).await.unwrap()).unwrap().unwrap().id);
    }
    (upload, parts)
}

async fn complete(store: &dyn MetadataStore, caller: Caller, upload: UploadId, parts: Vec<PartId>) -> FileId {
    let completion = Completion { parts, sha256: None };
    made(store.complete_upload(caller, upload, completion, None).await.unwrap()).unwrap().file.unwrap().id
}

async fn parts_of_what_is_gone_are_released_in_steps(store: &dyn MetadataStore, clock: &Clock) {
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

async fn uploads_are_forgotten_after_their_time(store: &dyn MetadataStore, clock: &Clock) {
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

/// Comes last: what jumped was never passed through.
async fn nothing_expires_by_a_clock_that_jumped(store: &dyn MetadataStore, clock: &Clock) {
    const DAY_MS: u64 = 86_400_000;
    let caller = tenant(store, "jumped").await;
    let start_ms = NOW_MS + 40 * DAY_MS;
    clock.set(start_ms);
    assert!(store.may_expire().await.unwrap(), "time that passed on the machine is no jump");
    let file = create(store, caller, 1, Purpose::UserData, ExpiresAfter::seconds(3600)).await;
    begin(store, caller, 1).await;
    clock.jump(start_ms + DAY_MS);
    assert_eq!(store.find_file(caller.workspace, file.id).await.unwrap(), None, "it has expired by this clock");
    assert!(store.expire_workspace(caller.workspace, 10).await.unwrap().is_nothing());
    assert_eq!(store.forget_audit_log(0, 10).await.unwrap() + store.forget_answers(10).await.unwrap(), 0);
    assert_eq!(store.forget_uploads(0, 10).await.unwrap(), 0);
    let jump = store.held_expiry().await.unwrap().unwrap();
    assert_eq!(jump, ClockJump { expected_ms: start_ms, found_ms: start_ms + DAY_MS });
    clock.set(start_ms + DAY_MS + 60_000);
    assert!(!store.may_expire().await.unwrap(), "it stays held");
    clock.set(start_ms + 1000);
    assert!(store.find_file(caller.workspace, file.id).await.unwrap().is_some());
    assert!(store.may_expire().await.unwrap() && store.held_expiry().await.unwrap().is_none(), "the clock is back");
    assert_eq!(store.confirm_clock().await.unwrap(), None);
    clock.jump(start_ms + 2 * DAY_MS);
    assert!(store.expire_workspace(caller.workspace, 10).await.unwrap().is_nothing());
    assert!(store.confirm_clock().await.unwrap().is_some());
    let ended = store.expire_workspace(caller.workspace, 10).await.unwrap();
    assert_eq!((ended.files, ended.uploads), (1, 1), "an operator said that the clock is right");
    assert!(store.find_misfits().await.unwrap().is_empty());
}

async fn what_was_done_is_in_the_audit_log(store: &dyn MetadataStore, clock: &Clock) {
    let origin = Origin {
        actor: Actor::Key(KeyId::next(None, 7, [7; 11])),
        address: Some("192.0.2.7".parse().unwrap()),
        request: Some(RequestId::new([7; 16])),
    };
    clock.set(NOW_MS + 1_000_000);
    let workspace = store.create_workspace("audited", origin, None).await.unwrap().made().unwrap().unwrap();
    let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
    let key = store.create_key(new_key(opens, &[30; 32], None), ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    let caller = Caller { workspace: workspace.id, key: key.id, request: RequestId::new([6; 16]), address: None };
    let file = file(store, caller, 1).await;
    assert!(store.delete_file(caller, file.id).await.unwrap());
    assert!(!store.delete_file(caller, file.id).await.unwrap(), "what changes nothing is not entered");
    clock.set(NOW_MS + 2_000_000);
    store.rename_workspace(workspace.id, Some("audited too"), origin, None).await.unwrap().made().unwrap();
    store.revoke_key(key.id, origin).await.unwrap();
    let of = |query: AuditQuery| async move {
        let page = store.audit_log(AuditQuery { workspaces: Some(vec![workspace.id]), ..query }).await.unwrap();
        (page.rows, page.has_more)
    };
    let limit = 10;
    let (all, more) = of(AuditQuery { limit, ..AuditQuery::default() }).await;
    let actions: Vec<Action> = all.iter().map(|entry| entry.action).collect();
    let expected = [
        Action::KeyRevoked,
        Action::WorkspaceUpdated,
        Action::FileDeleted,
        Action::KeyCreated,
        Action::WorkspaceCreated,
    ];
    assert!(actions == expected && !more, "{all:?}");
    assert_eq!((all[0].origin, all[0].object.as_str()), (origin, key.id.to_string().as_str()));
    assert_eq!((all[2].origin, all[2].object.as_str()), (caller.into(), file.id.to_string().as_str()));
    assert_eq!(all[2].id.created_at(), NOW_MS / 1000 + 1000);
    assert_eq!(all[4].details, Some(serde_json::json!({"name": "audited"})));
    let (page, more) = of(AuditQuery { limit: 2, after: Some(all[0].id), ..AuditQuery::default() }).await;
    assert!(page == all[1..3] && more);
    let (page, more) = of(AuditQuery { limit: 2, before: Some(all[4].id), ..AuditQuery::default() }).await;
    assert!(page == all[2..4] && more);
    let actions = Some(vec![Action::KeyCreated, Action::FileDeleted]);
    assert_eq!(of(AuditQuery { actions, limit, ..AuditQuery::default() }).await.0, all[2..4]);
    let actors = Some(vec![origin.actor]);
    assert_eq!(of(AuditQuery { actors, limit, ..AuditQuery::default() }).await.0.len(), 3);
    let objects = Some(vec![file.id.to_string()]);
    assert_eq!(of(AuditQuery { objects, limit, ..AuditQuery::default() }).await.0, all[2..3]);
    assert_eq!(of(AuditQuery { actions: Some(Vec::new()), limit, ..AuditQuery::default() }).await.0, []);
    let (from, until) = (Some(NOW_MS / 1000 + 1000), Some(NOW_MS / 1000 + 2000));
    assert_eq!(of(AuditQuery { from, until, limit, ..AuditQuery::default() }).await.0, all[2..]);
    assert_eq!(store.forget_audit_log(2000, 1000).await.unwrap(), 0);
    clock.set(NOW_MS + 3_000_000);
    assert!(store.forget_audit_log(1500, 1000).await.unwrap() >= 3);
    assert_eq!(of(AuditQuery { limit, ..AuditQuery::default() }).await.0, all[..2]);
    clock.set(NOW_MS);
}

async fn a_file_appears_with_its_commit_and_goes_with_its_delete(store: &dyn MetadataStore) {
    let caller = tenant(store, "lives").await;
    let blob = blob(caller, 1);
    store.begin_blob(caller.workspace, blob, PROCESS).await.unwrap();
    assert_eq!(store.pending_blobs().await.unwrap(), vec![PendingBlob { blob, process: PROCESS, lives: false }]);
    let new = new_file(blob, Purpose::Vision, None);
    let file = made(store.create_file(caller, new.clone(), None).await.unwrap()).unwrap();
    assert_eq!((file.created_at(), file.size_bytes, file.purpose), (NOW_MS / 1000, 5, Purpose::Vision));
    assert_eq!(store.find_file(caller.workspace, file.id).await.unwrap(), Some(file.clone()));
    let content = store.find_content(caller.workspace, file.id).await.unwrap().unwrap();
    let stored = StoredBlob { blob, size_bytes: 5, checksums: new.content.checksums, inline: None };
    assert_eq!((content.file, content.blobs), (file.clone(), vec![stored]));
    assert!(store.delete_file(caller, file.id).await.unwrap());
    assert!(!store.delete_file(caller, file.id).await.unwrap());
    assert_eq!(store.find_file(caller.workspace, file.id).await.unwrap(), None);
    let newest = store.newest_event().await.unwrap().expect("what was deleted stands in the ledger");
    assert!(store.has_event(&newest).await.unwrap() && newest.ends_with(&file.id.to_string()), "{newest}");
    assert!(!store.has_event("st+:file-x").await.unwrap());
    assert!(store.find_content(caller.workspace, file.id).await.unwrap().is_none());
    assert_eq!(store.deleting_blobs(SweepShare::WHOLE, None, 10, 0).await.unwrap().blobs, vec![blob]);
    store.forget_blobs(vec![blob]).await.unwrap();
    assert!(store.deleting_blobs(SweepShare::WHOLE, None, 10, 0).await.unwrap().blobs.is_empty());
}

async fn small_content_lives_and_dies_with_its_file(store: &dyn MetadataStore) {
    let caller = tenant(store, "small").await;
    let begun = store.ready_blobs(None, 1000).await.unwrap().len();
    let small = |bytes: &'static [u8]| {
        let content = ContentDigest {
            size_bytes: bytes.len() as u64,
            ..new_file(BlobId::new([0; 16]), Purpose::UserData, None).content
        };
        NewFile {
            place: Place::Inline(Bytes::from_static(bytes)),
            content,
            ..new_file(BlobId::new([0; 16]), Purpose::UserData, None)
        }
    };
    let first = made(store.create_file(caller, small(b"first"), None).await.unwrap()).unwrap();
    let empty = made(store.create_file(caller, small(b""), None).await.unwrap()).unwrap();
    for (file, bytes) in [(&first, b"first".as_slice()), (&empty, b"")] {
        let found = store.find_content(caller.workspace, file.id).await.unwrap().unwrap();
        assert_eq!(found.blobs.len(), 1);
        assert_eq!((found.blobs[0].inline.as_deref(), found.blobs[0].size_bytes), (Some(bytes), bytes.len() as u64));
        assert!(store.is_ready(found.blobs[0].blob).await.unwrap());
        let owner = store.blob_owner(found.blobs[0].blob).await.unwrap().unwrap();
        assert_eq!((owner.workspace, owner.id), (caller.workspace, file.id.to_string()));
    }
    let ready = store.ready_blobs(None, 1000).await.unwrap();
    assert_eq!(ready.len(), begun + 2);
    assert!(ready.iter().any(|ready| ready.stored.inline.as_deref() == Some(b"first")));
    assert!(store.find_misfits().await.unwrap().is_empty());
    for file in [first, empty] {
        assert!(store.delete_file(caller, file.id).await.unwrap());
    }
    assert_eq!(store.ready_blobs(None, 1000).await.unwrap().len(), begun);
    assert!(
        store.deleting_blobs(SweepShare::WHOLE, None, 10, 0).await.unwrap().blobs.is_empty(),
        "there is nothing to sweep"
    );
}

async fn a_workspace_sees_its_own_files_only(store: &dyn MetadataStore) {
    let (ours, theirs) = (tenant(store, "ours").await, tenant(store, "theirs").await);
    let file = file(store, ours, 1).await;
    assert_eq!(store.find_file(theirs.workspace, file.id).await.unwrap(), None);
    assert!(store.find_content(theirs.workspace, file.id).await.unwrap().is_none());
    assert!(!store.delete_file(theirs, file.id).await.unwrap());
    assert!(store.list_files(theirs.workspace, all(Order::Ascending)).await.unwrap().rows.is_empty());
    assert!(store.find_file(ours.workspace, file.id).await.unwrap().is_some());
}

async fn pages_visit_each_file_once(store: &dyn MetadataStore) {
    let caller = tenant(store, "pages").await;
    let mut ids = Vec::new();
    for number in 0..7 {
        let purpose = if number % 2 == 0 { Purpose::Vision } else { Purpose::Evals };
        ids.push(create(store, caller, number, purpose, None).await.id);
    }
    assert!(ids.is_sorted(), "ids come in the order of commits");
    for (order, limit) in [(Order::Ascending, 1), (Order::Ascending, 3), (Order::Descending, 2), (Order::Descending, 7)]
    {
        let mut expected = ids.clone();
        if order == Order::Descending {
            expected.reverse();
        }
        assert_eq!(visit(store, caller, FileQuery { purpose: None, limit, order, after: None }).await, expected);
        let odd: Vec<FileId> =
            expected.iter().copied().filter(|id| ids.iter().position(|known| known == id).unwrap() % 2 == 1).collect();
        assert_eq!(
            visit(store, caller, FileQuery { purpose: Some(Purpose::Evals), limit, order, after: None }).await,
            odd
        );
    }
}

async fn visit(store: &dyn MetadataStore, caller: Caller, mut list: FileQuery) -> Vec<FileId> {
    let mut visited = Vec::new();
    loop {
        let page = store.list_files(caller.workspace, list).await.unwrap();
        assert!(!page.has_more || page.rows.len() as u64 == u64::from(list.limit));
        visited.extend(page.rows.iter().map(|file| file.id));
        list.after = visited.last().copied();
        if !page.has_more {
            return visited;
        }
    }
}

async fn a_cursor_needs_no_file(store: &dyn MetadataStore) {
    let caller = tenant(store, "cursors").await;
    let (first, second, third) =
        (file(store, caller, 1).await, file(store, caller, 2).await, file(store, caller, 3).await);
    assert!(store.delete_file(caller, second.id).await.unwrap());
    let page = store
        .list_files(caller.workspace, FileQuery { after: Some(second.id), ..all(Order::Ascending) })
        .await
        .unwrap();
    assert_eq!(page.rows, vec![third]);
    let page = store
        .list_files(caller.workspace, FileQuery { after: Some(second.id), ..all(Order::Descending) })
        .await
        .unwrap();
    assert_eq!(page.rows, vec![first]);
}

async fn a_blob_is_committed_once_and_by_its_workspace(store: &dyn MetadataStore) {
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

async fn what_is_abandoned_cannot_be_committed(store: &dyn MetadataStore) {
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

async fn uploads_of_blobs_are_noted_until_they_are_ready(store: &dyn MetadataStore) {
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

async fn what_was_read_is_removed_later_and_what_was_not_at_once(store: &dyn MetadataStore, clock: &Clock) {
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

async fn expired_files_are_gone_at_the_second(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "expiry").await;
    let brief = create(store, caller, 1, Purpose::UserData, ExpiresAfter::seconds(3600)).await;
    let lasting = file(store, caller, 2).await;
    let deadline = brief.expires_at.unwrap();
    assert_eq!(deadline, brief.created_at() + 3600);
    clock.set(deadline * 1000 - 1);
    assert!(store.find_file(caller.workspace, brief.id).await.unwrap().is_some());
    assert_eq!(expire(store, 10).await, 0);
    clock.set(deadline * 1000);
    assert_eq!(store.find_file(caller.workspace, brief.id).await.unwrap(), None);
    assert!(store.find_content(caller.workspace, brief.id).await.unwrap().is_none());
    assert!(!store.delete_file(caller, brief.id).await.unwrap());
    assert_eq!(store.list_files(caller.workspace, all(Order::Ascending)).await.unwrap().rows, vec![lasting.clone()]);
    let page =
        store.list_files(caller.workspace, FileQuery { after: Some(brief.id), ..all(Order::Ascending) }).await.unwrap();
    assert_eq!(page.rows, vec![lasting]);
    assert_eq!(expire(store, 10).await, 1);
    assert!(store.deleting_blobs(SweepShare::WHOLE, None, 100, 0).await.unwrap().blobs.contains(&blob(caller, 1)));
    clock.set(NOW_MS);
}

async fn a_workspace_decides_where_clients_do_not(store: &dyn MetadataStore) {
    let (ours, theirs) = (tenant(store, "brief").await, tenant(store, "plain").await);
    let (brief, long) = (DefaultExpiry::seconds(7200), DefaultExpiry::seconds(86_400 * 365));
    let wanted =
        vec![(Purpose::UserData, brief), (Purpose::Batch, Some(DefaultExpiry::Never)), (Purpose::Evals, brief)];
    store.set_default_expiries(ours.workspace, wanted, ORIGIN).await.unwrap();
    store
        .set_default_expiries(ours.workspace, vec![(Purpose::Evals, None), (Purpose::Vision, long)], ORIGIN)
        .await
        .unwrap();
    assert!(store.default_expiries(theirs.workspace).await.unwrap().is_empty());
    let mut own = store.default_expiries(ours.workspace).await.unwrap();
    own.sort_by_key(|(purpose, _)| purpose.name());
    assert_eq!(
        own,
        [(Purpose::Batch, DefaultExpiry::Never), (Purpose::UserData, brief.unwrap()), (Purpose::Vision, long.unwrap())]
    );
    let purposes = [Purpose::UserData, Purpose::Batch, Purpose::Evals, Purpose::Vision];
    for (caller, lives) in
        [(ours, [Some(7200), None, None, Some(31_536_000)]), (theirs, [None, Some(2_592_000), None, None])]
    {
        for (number, (purpose, lives)) in (0..).zip(purposes.into_iter().zip(lives)) {
            let file = create(store, caller, number, purpose, None).await;
            assert_eq!(file.expires_at, lives.map(|seconds| file.created_at() + seconds), "{purpose}");
            let asked = create(store, caller, number + 10, purpose, ExpiresAfter::seconds(3600)).await;
            assert_eq!(asked.expires_at, Some(asked.created_at() + 3600), "{purpose}");
        }
    }
}

async fn what_has_a_key_happens_once(store: &dyn MetadataStore, clock: &Clock) {
    let (ours, theirs) = (tenant(store, "repeats").await, tenant(store, "others").await);
    let once = |key: &str, request: &str| {
        let key = IdempotencyKey::parse(key).unwrap();
        Some(Once {
            key,
            request: RequestDigest::of("POST", request),
            answer: WriteAnswer::new(|file: &File| file.id.to_string().into()),
        })
    };
    let new = || NewFile {
        place: Place::Inline(Bytes::from_static(b"12345")),
        ..new_file(BlobId::new([0; 16]), Purpose::UserData, None)
    };
    let first = made(store.create_file(ours, new(), once("k", "/a")).await.unwrap()).unwrap();
    let replayed = Effect::Replayed(first.id.to_string().into());
    assert_eq!(store.create_file(ours, new(), once("k", "/a")).await.unwrap(), replayed);
    assert_eq!(store.create_file(ours, new(), once("k", "/b")).await.unwrap(), Effect::KeyReused);
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
    assert_eq!(store.create_file(ours, new(), once("k", "/a")).await.unwrap(), Effect::KeyReused);
    clock.set(NOW_MS);
}

/// Many at once, so that they share commits: each gets its own answer.
pub async fn concurrent_changes_get_their_own_answers(store: Arc<dyn MetadataStore>) {
    let caller = tenant(&*store, "crowd").await;
    let tasks: Vec<_> = (0..200_u8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let blob = blob(caller, number / 2);
                store.begin_blob(caller.workspace, blob, PROCESS).await.is_ok()
            })
        })
        .collect();
    let mut begun = 0;
    for task in tasks {
        begun += usize::from(task.await.unwrap());
    }
    assert_eq!(begun, 100, "of two that begin the same blob one is refused, and takes nobody with it");
    assert_eq!(store.pending_blobs().await.unwrap().len(), 100);
}

async fn a_stamp_only_moves_forward(store: &dyn MetadataStore) {
    use crate::model::ids::InstallationId;
    use crate::model::stamp::Stamp;
    let stamp = |installation, generation| Stamp { installation: InstallationId::new([installation; 16]), generation };
    for (set, then) in [((1, 9), (1, 9)), ((1, 10), (1, 10)), ((1, 9), (1, 10)), ((2, 11), (1, 10)), ((1, 10), (1, 10))]
    {
        store.set_stamp(stamp(set.0, set.1)).await.unwrap();
        assert_eq!(store.stamp().await.unwrap(), Some(stamp(then.0, then.1)));
    }
}
