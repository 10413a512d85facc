//! Signed links.

use super::fixtures::{NOW_MS, ORIGIN, file, small_file, tenant};
use crate::clock::Clock;
use crate::metadata::{MetadataStore, Purged};
use crate::model::audit::{Action, AuditQuery};
use crate::model::caller::{Caller, Refused};
use crate::model::expiry::ExpiresAfter;
use crate::model::file::NewFile;
use crate::model::filename::Filename;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{FileId, KeyId, LinkId};
use crate::model::link::{
    Disposition, Download, EXPIRED_LINK_KEPT_SECONDS, Link, LinkGrant, LinkStatus, NewLink, UploadGrant,
};
use crate::model::link_key::{KEY_KEPT_SECONDS, KEY_ROTATION_SECONDS};
use crate::model::page::Order;
use crate::model::purpose::Purpose;

const NOW: u64 = NOW_MS / 1000;

fn new(file: FileId) -> NewLink {
    download(Download { file, content_type: None, disposition: None, one_time: false })
}

fn download(download: Download) -> NewLink {
    NewLink { grant: LinkGrant::Download(download), valid_seconds: 100 }
}

fn upload() -> NewLink {
    let filename = Filename::parse("out.jsonl").unwrap();
    let expires_after = ExpiresAfter::seconds(7200);
    let grant = UploadGrant { filename, purpose: Purpose::UserData, max_bytes: 9, expires_after };
    NewLink { grant: LinkGrant::Upload(grant), valid_seconds: 100 }
}

async fn make(store: &dyn MetadataStore, caller: Caller, new: NewLink) -> Link {
    store.create_link(caller, new).await.unwrap().unwrap().unwrap()
}

async fn listed(store: &dyn MetadataStore, caller: Caller, file: Option<FileId>, order: Order) -> Vec<LinkId> {
    let page = store.list_links(caller.workspace, file, None, order, 10).await.unwrap();
    page.rows.iter().map(|link| link.id).collect()
}

pub async fn links_belong_to_a_workspace_and_end(store: &dyn MetadataStore, clock: &Clock) {
    let (caller, other) = (tenant(store, "links").await, tenant(store, "no links").await);
    let (one, two) = (file(store, caller, 1).await.id, file(store, caller, 2).await.id);
    assert_eq!(store.create_link(other, new(one)).await.unwrap(), Ok(None), "a File of another workspace");
    let shown = download(Download {
        file: one,
        content_type: Some("text/plain"),
        disposition: Some(Disposition::Inline),
        one_time: true,
    });
    let first = make(store, caller, shown).await;
    assert_eq!((first.expires_at, first.key, first.status(NOW)), (NOW + 100, caller.key, LinkStatus::Active));
    clock.set(NOW_MS + 1000);
    let second = make(store, caller, new(two)).await;
    assert_eq!(listed(store, caller, None, Order::Descending).await, [second.id, first.id]);
    assert_eq!(listed(store, caller, None, Order::Ascending).await, [first.id, second.id]);
    assert_eq!(listed(store, caller, Some(one), Order::Descending).await, [first.id]);
    assert_eq!(listed(store, other, None, Order::Descending).await, []);
    let page = store.list_links(caller.workspace, Some(one), Some(first.id), Order::Descending, 1).await.unwrap();
    assert!(page.rows.is_empty() && !page.has_more);
    assert_eq!(store.find_link(caller.workspace, first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.find_link(other.workspace, first.id).await.unwrap(), None);

    let opened = store.open_link(first.id).await.unwrap().unwrap();
    let opened = (opened.link, opened.credential.key.id, opened.credential.archived);
    assert_eq!(opened, (first.clone(), caller.key, false));
    assert!(store.use_link(first.clone(), ORIGIN).await.unwrap());
    assert!(!store.use_link(first.clone(), ORIGIN).await.unwrap(), "it was used before");
    let used = store.open_link(first.id).await.unwrap().unwrap().link;
    assert_eq!((used.first_used_at, used.status(NOW + 1)), (Some(NOW + 1), LinkStatus::Used));

    assert_eq!(store.revoke_link(other.workspace, first.id, ORIGIN).await.unwrap(), None);
    for _ in 0..2 {
        let revoked = store.revoke_link(caller.workspace, first.id, ORIGIN).await.unwrap().unwrap();
        assert_eq!((revoked.revoked_at, revoked.status(NOW + 1)), (Some(NOW + 1), LinkStatus::Revoked));
    }
    store.delete_file(caller, two).await.unwrap();
    let gone = store.find_link(caller.workspace, second.id).await.unwrap().unwrap();
    assert_eq!(gone.status(NOW + 1), LinkStatus::FileDeleted);
    assert_eq!(store.create_link(caller, new(two)).await.unwrap(), Ok(None));
    let query = AuditQuery { workspaces: Some(vec![caller.workspace]), limit: 5, ..AuditQuery::default() };
    let actions: Vec<_> = store.audit_log(query).await.unwrap().rows.iter().map(|entry| entry.action).collect();
    let expected =
        [Action::FileDeleted, Action::LinkRevoked, Action::LinkUsed, Action::LinkCreated, Action::LinkCreated];
    assert_eq!(actions, expected);
    clock.set(NOW_MS + 101_000 + EXPIRED_LINK_KEPT_SECONDS * 1000 - 1);
    assert_eq!(store.forget_links(10).await.unwrap(), 1, "the second one is kept for a moment more");
    clock.set(NOW_MS + 101_000 + EXPIRED_LINK_KEPT_SECONDS * 1000);
    assert_eq!(store.forget_links(10).await.unwrap(), 1);
    clock.set(NOW_MS);
}

pub async fn a_key_is_opened_by_its_id(store: &dyn MetadataStore) {
    let caller = tenant(store, "opened").await;
    let credential = store.open_key(caller.key).await.unwrap().unwrap();
    assert_eq!((credential.key.id, credential.archived), (caller.key, false));
    assert_eq!(credential.key.opens.workspace(), Some(caller.workspace));
    assert!(store.open_key(KeyId::next(None, 1, [1; 11])).await.unwrap().is_none());
}

pub async fn links_are_revoked_by_key_and_by_workspace(store: &dyn MetadataStore, clock: &Clock) {
    let caller = tenant(store, "revoked links").await;
    let other = super::holder(store, caller.workspace).await;
    let file = file(store, caller, 1).await.id;
    let first = make(store, caller, new(file)).await;
    make(store, caller, new(file)).await;
    make(store, other, new(file)).await;
    let last = make(store, other, new(file)).await;
    let revoke = async |key, limit| store.revoke_links(caller.workspace, key, limit, ORIGIN).await.unwrap();
    assert_eq!((revoke(Some(caller.key), 1).await, revoke(Some(caller.key), 9).await), (1, 1));
    assert_eq!(revoke(Some(caller.key), 9).await, 0);
    assert_eq!(store.find_link(caller.workspace, last.id).await.unwrap().unwrap().revoked_at, None);
    assert!(!store.use_link(first, ORIGIN).await.unwrap(), "it is revoked");
    assert_eq!((revoke(None, 9).await, revoke(None, 9).await), (2, 0));
    make(store, caller, new(file)).await;
    clock.set(NOW_MS + 100_000);
    assert_eq!(revoke(None, 9).await, 0, "it has expired");
    clock.set(NOW_MS);
    store.archive_workspace(caller.workspace, ORIGIN, None).await.unwrap();
    assert!(store.open_link(last.id).await.unwrap().unwrap().credential.archived);
    while store.purge_workspace(caller.workspace, 2, ORIGIN).await.unwrap() != Purged::All {}
    assert_eq!(listed(store, caller, None, Order::Ascending).await, []);
    assert!(store.open_link(last.id).await.unwrap().is_none());
}

pub async fn a_link_makes_one_file(store: &dyn MetadataStore, clock: &Clock) {
    let (caller, other) = (tenant(store, "upload links").await, tenant(store, "no upload links").await);
    let (used, revoked) = (make(store, caller, upload()).await, make(store, caller, upload()).await);
    assert_eq!((used.file, used.status(NOW)), (None, LinkStatus::Active));
    assert_eq!(store.open_link(used.id).await.unwrap().unwrap().link, used);
    assert!(!store.use_link(used.clone(), ORIGIN).await.unwrap(), "it opens no File");
    let create = async |caller: Caller, link: &Link| {
        let new = NewFile { link: Some(link.id), ..small_file(3, Purpose::UserData, None) };
        store.create_file(caller, new, None).await.unwrap()
    };
    let ended = IdempotentOutcome::Refused(Refused::LinkEnded);
    assert_eq!(create(other, &used).await, ended, "a link of another workspace");
    clock.set(NOW_MS + 1000);
    let file = create(caller, &used).await.made().unwrap().unwrap();
    assert_eq!(create(caller, &used).await, ended, "it is used up");
    let found = store.find_link(caller.workspace, used.id).await.unwrap().unwrap();
    assert_eq!((found.file, found.first_used_at), (Some(file.id), Some(NOW + 1)));
    assert_eq!((found.file_name.is_some(), found.status(NOW + 1)), (true, LinkStatus::Used));
    store.revoke_link(caller.workspace, revoked.id, ORIGIN).await.unwrap();
    assert_eq!(create(caller, &revoked).await, ended);
    assert_eq!(store.storage_totals(caller.workspace).await.unwrap().stored_files, 1, "a refusal stores nothing");
    let (first, second) = {
        let both = make(store, caller, upload()).await;
        futures_util::join!(create(caller, &both), create(caller, &both))
    };
    assert!(first.is_made() != second.is_made(), "of two at once one is first: {first:?} {second:?}");
    let query = AuditQuery { workspaces: Some(vec![caller.workspace]), limit: 9, ..AuditQuery::default() };
    let log = store.audit_log(query).await.unwrap().rows;
    let uses: Vec<_> = log.iter().filter(|entry| entry.action == Action::LinkUsed).collect();
    assert_eq!((uses.len(), uses[1].object.clone()), (2, used.id.to_string()));
    clock.set(NOW_MS);
}

pub async fn keys_of_links_rotate(store: &dyn MetadataStore, clock: &Clock) {
    assert_eq!(store.link_keys().await.unwrap(), []);
    let versions = async |secret: u8| {
        let keys = store.rotate_link_keys([secret; 32]).await.unwrap();
        assert_eq!(keys, store.link_keys().await.unwrap());
        keys.iter().map(|key| (key.version, key.secret[0])).collect::<Vec<_>>()
    };
    assert_eq!(versions(1).await, [(1, 1)]);
    clock.set(NOW_MS + KEY_ROTATION_SECONDS * 1000 - 1000);
    assert_eq!(versions(2).await, [(1, 1)], "it is not time yet");
    clock.set(NOW_MS + KEY_ROTATION_SECONDS * 1000);
    assert_eq!(versions(3).await, [(1, 1), (2, 3)]);
    clock.set(NOW_MS + (KEY_ROTATION_SECONDS + KEY_KEPT_SECONDS) * 1000 - 1000);
    assert_eq!(versions(4).await, [(1, 1), (2, 3), (3, 4)], "the second one has been there for less than it takes");
    clock.set(NOW_MS + (KEY_ROTATION_SECONDS + KEY_KEPT_SECONDS) * 1000);
    assert_eq!(versions(5).await, [(2, 3), (3, 4)], "the first one is gone");
    clock.set(NOW_MS);
}
