//! What every metadata store does, whatever is behind it.

use super::{MetadataStore, NewKey, PendingBlob};
use crate::clock::Clock;
use crate::model::api_key::KeyDigest;
use crate::model::blob::{Place, StoredBlob};
use crate::model::digest::{BlockChecksums, ContentDigest, Sha256Digest};
use crate::model::expiry::{DefaultExpiry, ExpiresAfter};
use crate::model::file::{File, NewFile};
use crate::model::filename::Filename;
use crate::model::idempotency::{Effect, IdempotencyKey, Once, RequestDigest};
use crate::model::ids::{BlobId, FileId, ProcessId, WorkspaceId};
use crate::model::page::{FileQuery, Order};
use crate::model::purpose::Purpose;
use bytes::Bytes;
use std::sync::Arc;

/// The time at which a store under test is opened.
pub const NOW_MS: u64 = 1_795_374_000_000;
const PROCESS: ProcessId = ProcessId::new([9; 16]);

/// Runs the whole contract over a fresh store whose clock is `clock`.
pub async fn holds(store: &dyn MetadataStore, clock: &Clock) {
    workspaces_have_unique_names(store).await;
    keys_are_found_by_their_digest(store).await;
    a_file_appears_with_its_commit_and_goes_with_its_delete(store).await;
    small_content_lives_and_dies_with_its_file(store).await;
    a_workspace_sees_its_own_files_only(store).await;
    pages_visit_each_file_once(store).await;
    a_cursor_needs_no_file(store).await;
    a_blob_is_committed_once_and_by_its_workspace(store).await;
    what_is_abandoned_cannot_be_committed(store).await;
    expired_files_are_gone_at_the_second(store, clock).await;
    a_workspace_decides_where_clients_do_not(store).await;
    what_has_a_key_happens_once(store, clock).await;
    store.probe().await.unwrap();
}

/// A fresh workspace.
pub async fn workspace(store: &dyn MetadataStore, name: &str) -> WorkspaceId {
    store.create_workspace(name).await.unwrap().unwrap().id
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

fn blob(workspace: WorkspaceId, number: u8) -> BlobId {
    let mut bytes = [number; 16];
    bytes[..8].copy_from_slice(
        &std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            workspace,
        )
        .to_be_bytes(),
    );
    BlobId::new(bytes)
}

async fn create(
    store: &dyn MetadataStore,
    workspace: WorkspaceId,
    number: u8,
    purpose: Purpose,
    expires_after: Option<ExpiresAfter>,
) -> File {
    let blob = blob(workspace, number);
    store.begin_blob(workspace, blob, PROCESS).await.unwrap();
    made(store.create_file(workspace, new_file(blob, purpose, expires_after), None).await.unwrap()).unwrap()
}

/// A fresh File.
pub async fn file(store: &dyn MetadataStore, workspace: WorkspaceId, number: u8) -> File {
    create(store, workspace, number, Purpose::UserData, None).await
}

/// What was made, as it must be without a key.
fn made<T>(effect: Effect<T>) -> T {
    match effect {
        Effect::Made(made) => made,
        Effect::Replayed(_) | Effect::KeyReused => panic!("nothing was asked for under a key"),
    }
}

fn all(order: Order) -> FileQuery {
    FileQuery { purpose: None, limit: 10_000, order, after: None }
}

async fn workspaces_have_unique_names(store: &dyn MetadataStore) {
    let ada = store.create_workspace("ada").await.unwrap().unwrap();
    assert_eq!(store.create_workspace("ada").await.unwrap(), None);
    let bob = store.create_workspace("bob").await.unwrap().unwrap();
    assert_eq!(
        store.list_workspaces().await.unwrap().iter().filter(|known| [ada.id, bob.id].contains(&known.id)).count(),
        2
    );
}

async fn keys_are_found_by_their_digest(store: &dyn MetadataStore) {
    let workspace = workspace(store, "keys").await;
    let new = |number: u8, valid_seconds| NewKey {
        workspace,
        digest: KeyDigest([number; 32]),
        redacted: "vk_aaaa...bbbb".into(),
        name: "ci".into(),
        valid_seconds,
    };
    let key = store.create_key(new(1, Some(60))).await.unwrap().unwrap();
    assert_eq!(key.expires_at, Some(NOW_MS / 1000 + 60));
    assert_eq!(store.create_key(new(1, None)).await.unwrap(), None, "a secret is entered once");
    assert_eq!(store.find_key(KeyDigest([1; 32])).await.unwrap(), Some(key.clone()));
    assert_eq!(store.find_key(KeyDigest([2; 32])).await.unwrap(), None);
    let revoked = store.revoke_key(key.id).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(NOW_MS / 1000));
    assert_eq!(store.find_key(KeyDigest([1; 32])).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.list_keys().await.unwrap(), vec![revoked]);
    assert_eq!(store.revoke_key(crate::model::ids::KeyId::next(None, 0, [0; 11])).await.unwrap(), None);
}

async fn a_file_appears_with_its_commit_and_goes_with_its_delete(store: &dyn MetadataStore) {
    let workspace = workspace(store, "lives").await;
    let blob = blob(workspace, 1);
    store.begin_blob(workspace, blob, PROCESS).await.unwrap();
    assert_eq!(store.pending_blobs().await.unwrap(), vec![PendingBlob { blob, process: PROCESS }]);
    let new = new_file(blob, Purpose::Vision, None);
    let file = made(store.create_file(workspace, new.clone(), None).await.unwrap()).unwrap();
    assert_eq!((file.created_at(), file.size_bytes, file.purpose), (NOW_MS / 1000, 5, Purpose::Vision));
    assert_eq!(store.find_file(workspace, file.id).await.unwrap(), Some(file.clone()));
    let content = store.find_content(workspace, file.id).await.unwrap().unwrap();
    let stored = StoredBlob { blob, size_bytes: 5, checksums: new.content.checksums, inline: None };
    assert_eq!((content.file, content.blobs), (file.clone(), vec![stored]));
    assert!(store.delete_file(workspace, file.id).await.unwrap());
    assert!(!store.delete_file(workspace, file.id).await.unwrap());
    assert_eq!(store.find_file(workspace, file.id).await.unwrap(), None);
    assert!(store.find_content(workspace, file.id).await.unwrap().is_none());
    assert_eq!(store.deleting_blobs(None, 10).await.unwrap(), vec![blob]);
    store.forget_blobs(vec![blob]).await.unwrap();
    assert!(store.deleting_blobs(None, 10).await.unwrap().is_empty());
}

async fn small_content_lives_and_dies_with_its_file(store: &dyn MetadataStore) {
    let workspace = workspace(store, "small").await;
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
    let first = made(store.create_file(workspace, small(b"first"), None).await.unwrap()).unwrap();
    let empty = made(store.create_file(workspace, small(b""), None).await.unwrap()).unwrap();
    for (file, bytes) in [(&first, b"first".as_slice()), (&empty, b"")] {
        let found = store.find_content(workspace, file.id).await.unwrap().unwrap();
        assert_eq!(found.blobs.len(), 1);
        assert_eq!((found.blobs[0].inline.as_deref(), found.blobs[0].size_bytes), (Some(bytes), bytes.len() as u64));
        assert!(store.is_ready(found.blobs[0].blob).await.unwrap());
    }
    let ready = store.ready_blobs(None, 1000).await.unwrap();
    assert_eq!(ready.len(), begun + 2);
    assert!(ready.iter().any(|ready| ready.stored.inline.as_deref() == Some(b"first")));
    assert!(store.find_misfits().await.unwrap().is_empty());
    for file in [first, empty] {
        assert!(store.delete_file(workspace, file.id).await.unwrap());
    }
    assert_eq!(store.ready_blobs(None, 1000).await.unwrap().len(), begun);
    assert!(store.deleting_blobs(None, 10).await.unwrap().is_empty(), "there is nothing to sweep");
}

async fn a_workspace_sees_its_own_files_only(store: &dyn MetadataStore) {
    let (ours, theirs) = (workspace(store, "ours").await, workspace(store, "theirs").await);
    let file = file(store, ours, 1).await;
    assert_eq!(store.find_file(theirs, file.id).await.unwrap(), None);
    assert!(store.find_content(theirs, file.id).await.unwrap().is_none());
    assert!(!store.delete_file(theirs, file.id).await.unwrap());
    assert!(store.list_files(theirs, all(Order::Ascending)).await.unwrap().rows.is_empty());
    assert!(store.find_file(ours, file.id).await.unwrap().is_some());
}

async fn pages_visit_each_file_once(store: &dyn MetadataStore) {
    let workspace = workspace(store, "pages").await;
    let mut ids = Vec::new();
    for number in 0..7 {
        let purpose = if number % 2 == 0 { Purpose::Vision } else { Purpose::Evals };
        ids.push(create(store, workspace, number, purpose, None).await.id);
    }
    assert!(ids.is_sorted(), "ids come in the order of commits");
    for (order, limit) in [(Order::Ascending, 1), (Order::Ascending, 3), (Order::Descending, 2), (Order::Descending, 7)]
    {
        let mut expected = ids.clone();
        if order == Order::Descending {
            expected.reverse();
        }
        assert_eq!(visit(store, workspace, FileQuery { purpose: None, limit, order, after: None }).await, expected);
        let odd: Vec<FileId> =
            expected.iter().copied().filter(|id| ids.iter().position(|known| known == id).unwrap() % 2 == 1).collect();
        assert_eq!(
            visit(store, workspace, FileQuery { purpose: Some(Purpose::Evals), limit, order, after: None }).await,
            odd
        );
    }
}

async fn visit(store: &dyn MetadataStore, workspace: WorkspaceId, mut list: FileQuery) -> Vec<FileId> {
    let mut visited = Vec::new();
    loop {
        let page = store.list_files(workspace, list).await.unwrap();
        assert!(!page.has_more || page.rows.len() as u64 == u64::from(list.limit));
        visited.extend(page.rows.iter().map(|file| file.id));
        list.after = visited.last().copied();
        if !page.has_more {
            return visited;
        }
    }
}

async fn a_cursor_needs_no_file(store: &dyn MetadataStore) {
    let workspace = workspace(store, "cursors").await;
    let (first, second, third) =
        (file(store, workspace, 1).await, file(store, workspace, 2).await, file(store, workspace, 3).await);
    assert!(store.delete_file(workspace, second.id).await.unwrap());
    let page =
        store.list_files(workspace, FileQuery { after: Some(second.id), ..all(Order::Ascending) }).await.unwrap();
    assert_eq!(page.rows, vec![third]);
    let page =
        store.list_files(workspace, FileQuery { after: Some(second.id), ..all(Order::Descending) }).await.unwrap();
    assert_eq!(page.rows, vec![first]);
}

async fn a_blob_is_committed_once_and_by_its_workspace(store: &dyn MetadataStore) {
    let (ours, theirs) = (workspace(store, "once").await, workspace(store, "twice").await);
    let blob = blob(ours, 1);
    let new = || new_file(blob, Purpose::UserData, None);
    assert_eq!(made(store.create_file(ours, new(), None).await.unwrap()), None, "it was never begun");
    store.begin_blob(ours, blob, PROCESS).await.unwrap();
    assert!(store.begin_blob(ours, blob, PROCESS).await.is_err(), "a name is used once");
    assert_eq!(made(store.create_file(theirs, new(), None).await.unwrap()), None);
    assert!(made(store.create_file(ours, new(), None).await.unwrap()).is_some());
    assert_eq!(made(store.create_file(ours, new(), None).await.unwrap()), None);
}

async fn what_is_abandoned_cannot_be_committed(store: &dyn MetadataStore) {
    let workspace = workspace(store, "abandoned").await;
    let (left, kept) = (blob(workspace, 1), file(store, workspace, 2).await);
    let kept_blob = blob(workspace, 2);
    store.begin_blob(workspace, left, PROCESS).await.unwrap();
    store.abandon_blobs(vec![left, kept_blob]).await.unwrap();
    store.forget_blobs(vec![kept_blob]).await.unwrap();
    assert!(
        store.find_content(workspace, kept.id).await.unwrap().is_some(),
        "a ready blob is neither abandoned nor forgotten"
    );
    assert_eq!(made(store.create_file(workspace, new_file(left, Purpose::UserData, None), None).await.unwrap()), None);
    assert!(store.deleting_blobs(None, 100).await.unwrap().contains(&left));
    store.forget_blobs(vec![left]).await.unwrap();
}

async fn expired_files_are_gone_at_the_second(store: &dyn MetadataStore, clock: &Clock) {
    let workspace = workspace(store, "expiry").await;
    let brief = create(store, workspace, 1, Purpose::UserData, ExpiresAfter::seconds(3600)).await;
    let lasting = file(store, workspace, 2).await;
    let deadline = brief.expires_at.unwrap();
    assert_eq!(deadline, brief.created_at() + 3600);
    clock.set(deadline * 1000 - 1);
    assert!(store.find_file(workspace, brief.id).await.unwrap().is_some());
    assert_eq!(store.delete_expired_files(10).await.unwrap(), 0);
    clock.set(deadline * 1000);
    assert_eq!(store.find_file(workspace, brief.id).await.unwrap(), None);
    assert!(store.find_content(workspace, brief.id).await.unwrap().is_none());
    assert!(!store.delete_file(workspace, brief.id).await.unwrap());
    assert_eq!(store.list_files(workspace, all(Order::Ascending)).await.unwrap().rows, vec![lasting.clone()]);
    let page = store.list_files(workspace, FileQuery { after: Some(brief.id), ..all(Order::Ascending) }).await.unwrap();
    assert_eq!(page.rows, vec![lasting]);
    assert_eq!(store.delete_expired_files(10).await.unwrap(), 1);
    assert!(store.deleting_blobs(None, 100).await.unwrap().contains(&blob(workspace, 1)));
    clock.set(NOW_MS);
}

async fn a_workspace_decides_where_clients_do_not(store: &dyn MetadataStore) {
    let (ours, theirs) = (workspace(store, "brief").await, workspace(store, "plain").await);
    let (brief, long) = (DefaultExpiry::seconds(7200), DefaultExpiry::seconds(86_400 * 365));
    let wanted =
        vec![(Purpose::UserData, brief), (Purpose::Batch, Some(DefaultExpiry::Never)), (Purpose::Evals, brief)];
    store.set_default_expiries(ours, wanted).await.unwrap();
    store.set_default_expiries(ours, vec![(Purpose::Evals, None), (Purpose::Vision, long)]).await.unwrap();
    assert!(store.default_expiries(theirs).await.unwrap().is_empty());
    let mut own = store.default_expiries(ours).await.unwrap();
    own.sort_by_key(|(purpose, _)| purpose.name());
    assert_eq!(
        own,
        [(Purpose::Batch, DefaultExpiry::Never), (Purpose::UserData, brief.unwrap()), (Purpose::Vision, long.unwrap())]
    );
    let purposes = [Purpose::UserData, Purpose::Batch, Purpose::Evals, Purpose::Vision];
    for (workspace, lives) in
        [(ours, [Some(7200), None, None, Some(31_536_000)]), (theirs, [None, Some(2_592_000), None, None])]
    {
        for (number, (purpose, lives)) in (0..).zip(purposes.into_iter().zip(lives)) {
            let file = create(store, workspace, number, purpose, None).await;
            assert_eq!(file.expires_at, lives.map(|seconds| file.created_at() + seconds), "{purpose}");
            let asked = create(store, workspace, number + 10, purpose, ExpiresAfter::seconds(3600)).await;
            assert_eq!(asked.expires_at, Some(asked.created_at() + 3600), "{purpose}");
        }
    }
}

async fn what_has_a_key_happens_once(store: &dyn MetadataStore, clock: &Clock) {
    let (ours, theirs) = (workspace(store, "repeats").await, workspace(store, "others").await);
    let once = |key: &str, request: &str| {
        let key = IdempotencyKey::parse(key).unwrap();
        Some(Once {
            key,
            request: RequestDigest::of("POST", request),
            answer: |file: &File| file.id.to_string().into(),
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
    assert!(store.is_answered(ours, &key).await.unwrap());
    assert_eq!(store.forget_answers(10).await.unwrap(), 0);
    clock.set(NOW_MS + 86_400_000);
    assert!(!store.is_answered(ours, &key).await.unwrap());
    assert!(store.create_file(ours, new(), once("k", "/b")).await.unwrap().is_made(), "after a day the key is free");
    assert_eq!(store.forget_answers(10).await.unwrap(), 2);
    assert_eq!(store.create_file(ours, new(), once("k", "/a")).await.unwrap(), Effect::KeyReused);
    clock.set(NOW_MS);
}

/// Many at once, so that they share commits: each gets its own answer.
pub async fn concurrent_changes_get_their_own_answers(store: Arc<dyn MetadataStore>) {
    let workspace = workspace(&*store, "crowd").await;
    let tasks: Vec<_> = (0..200_u8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let blob = blob(workspace, number / 2);
                store.begin_blob(workspace, blob, PROCESS).await.is_ok()
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
