//! Files.

use super::fixtures::{NOW_MS, PROCESS, all, blob, create, expire, file, made, new_file, tenant};
use crate::clock::Clock;
use crate::metadata::{MetadataStore, PendingBlob, SweepShare};
use crate::model::blob::{ContentLocation, StoredBlob};
use crate::model::caller::Caller;
use crate::model::digest::ContentDigest;
use crate::model::expiry::ExpiresAfter;
use crate::model::file::{File, NewFile};
use crate::model::filename::Filename;
use crate::model::ids::{BlobId, FileId};
use crate::model::page::{FileQuery, NamePosition, NamePrefix, NameQuery, Order};
use crate::model::purpose::Purpose;
use bytes::Bytes;
use std::sync::Arc;

pub async fn a_file_appears_with_its_commit_and_goes_with_its_delete(store: &dyn MetadataStore) {
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

pub async fn small_content_lives_and_dies_with_its_file(store: &dyn MetadataStore) {
    let caller = tenant(store, "small").await;
    let begun = store.ready_blobs(None, 1000).await.unwrap().len();
    let small = |bytes: &'static [u8]| {
        let content = ContentDigest {
            size_bytes: bytes.len() as u64,
            ..new_file(BlobId::new([0; 16]), Purpose::UserData, None).content
        };
        NewFile {
            place: ContentLocation::Inline(Bytes::from_static(bytes)),
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

pub async fn a_workspace_sees_its_own_files_only(store: &dyn MetadataStore) {
    let (ours, theirs) = (tenant(store, "ours").await, tenant(store, "theirs").await);
    let file = file(store, ours, 1).await;
    assert_eq!(store.find_file(theirs.workspace, file.id).await.unwrap(), None);
    assert!(store.find_content(theirs.workspace, file.id).await.unwrap().is_none());
    assert!(!store.delete_file(theirs, file.id).await.unwrap());
    assert!(store.list_files(theirs.workspace, all(Order::Ascending)).await.unwrap().rows.is_empty());
    assert!(store.find_file(ours.workspace, file.id).await.unwrap().is_some());
}

pub async fn pages_visit_each_file_once(store: &dyn MetadataStore) {
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

/// Names that differ in case, that are equal, that are the beginning of others, and one that has expired.
pub async fn names_are_found_by_their_beginning(store: &dyn MetadataStore, clock: &Clock) {
    let (caller, other) = (tenant(store, "names").await, tenant(store, "other names").await);
    let named = async |at: Caller, number: u8, name: &str, expires_after: Option<ExpiresAfter>| {
        let blob = blob(at, number);
        store.begin_blob(at.workspace, blob, PROCESS).await.unwrap();
        let new =
            NewFile { filename: Filename::parse(name).unwrap(), ..new_file(blob, Purpose::UserData, expires_after) };
        made(store.create_file(at, new, None).await.unwrap()).unwrap()
    };
    named(other, 1, "report.pdf", None).await;
    let brief = named(caller, 2, "report-0", ExpiresAfter::seconds(3600)).await;
    let mut expected = Vec::new();
    for (number, name) in
        ["Report.pdf", "report.pdf", "report", "REPORT-2026.txt", "reposition", "Ärger", "ärger"].iter().enumerate()
    {
        expected.push(named(caller, 3 + u8::try_from(number).unwrap(), name, None).await);
    }
    clock.set(brief.expires_at.unwrap() * 1000);
    expected.sort_by_key(|file| NamePosition::of(&file.filename, file.id));
    for (prefix, found) in [("rep", 5), ("REPORT", 4), ("report.", 2), ("report.pdf", 2), ("ä", 1), ("Ä", 1), ("x", 0)]
    {
        for (order, limit) in [(Order::Ascending, 1), (Order::Ascending, 100), (Order::Descending, 2)] {
            let begins =
                |file: &&File| file.filename.as_str().to_ascii_lowercase().starts_with(&prefix.to_ascii_lowercase());
            let mut all: Vec<FileId> = expected.iter().filter(begins).map(|file| file.id).collect();
            if order == Order::Descending {
                all.reverse();
            }
            assert_eq!(all.len(), found, "{prefix}");
            let query = NameQuery { prefix: NamePrefix::parse(prefix).unwrap(), limit, order, after: None };
            assert_eq!(visit_names(store, caller, query).await, all, "{prefix} {order:?}");
        }
    }
    assert_eq!(expire(store, 10).await, 1);
    clock.set(NOW_MS);
}

async fn visit_names(store: &dyn MetadataStore, caller: Caller, mut query: NameQuery) -> Vec<FileId> {
    let mut visited = Vec::new();
    loop {
        let page = store.list_files_by_name(caller.workspace, query.clone()).await.unwrap();
        assert!(!page.has_more || page.rows.len() as u64 == u64::from(query.limit));
        visited.extend(page.rows.iter().map(|file| file.id));
        query.after = page.rows.last().map(|file| NamePosition::of(&file.filename, file.id));
        if !page.has_more {
            return visited;
        }
    }
}

pub async fn a_cursor_needs_no_file(store: &dyn MetadataStore) {
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

pub async fn expired_files_are_gone_at_the_second(store: &dyn MetadataStore, clock: &Clock) {
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
