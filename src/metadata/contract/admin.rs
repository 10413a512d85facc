//! What every metadata store does with changes of administrators that may be repeated.

use super::fixtures::{ORIGIN, new_key, new_secret, tenant};
use crate::clock::Clock;
use crate::metadata::{KeyChanges, MetadataStore, OwnExpiries};
use crate::model::api_key::{ApiKey, KeyStatus, Opens};
use crate::model::audit::{Action, AuditQuery};
use crate::model::expiry::DefaultExpiry;
use crate::model::idempotency::{Idempotency, IdempotencyKey, IdempotentOutcome, RequestDigest, WriteAnswer};
use crate::model::ids::KeyId;
use crate::model::limits::{Limit, LimitOwner, Limits};
use crate::model::page::Order;
use crate::model::purpose::Purpose;
use crate::model::scope::{Scope, Scopes};
use crate::model::workspace::{NameTaken, Workspace};
use std::collections::HashSet;

/// Runs the whole contract over a store whose clock is `clock`. Entries of the audit log are a day late afterwards.
pub async fn holds(store: &dyn MetadataStore, clock: &Clock) {
    a_change_under_a_key_happens_once(store, clock).await;
    a_key_is_changed_as_far_as_is_said(store, clock).await;
    keys_of_administrators_are_paged_in_both_directions(store).await;
}

fn once<T: 'static>(key: &str, path: &str, write: fn(&T) -> Vec<u8>) -> Idempotency<T> {
    let key = IdempotencyKey::parse(key).unwrap();
    Idempotency { key, request: RequestDigest::of("POST", path), answer: WriteAnswer::new(write) }
}

/// How often the audit log tells of this.
async fn times(store: &dyn MetadataStore, action: Action, object: &str) -> usize {
    let (actions, objects) = (Some(vec![action]), Some(vec![object.to_owned()]));
    store.audit_log(AuditQuery { actions, objects, limit: 100, ..AuditQuery::default() }).await.unwrap().rows.len()
}

async fn a_change_under_a_key_happens_once(store: &dyn MetadataStore, clock: &Clock) {
    let begun_ms = clock.now_ms();
    let under = |key, path| Some(once(key, path, |made: &Workspace| made.id.to_string().into()));
    let create = |name, key, path| store.create_workspace(name, ORIGIN, under(key, path));
    let made = create("once changed", "a", "/p").await.unwrap().made().unwrap().unwrap();
    let answered = || made.id.to_string().into_bytes();
    assert_eq!(create("once changed", "a", "/p").await.unwrap(), IdempotentOutcome::Replayed(answered()));
    assert_eq!(create("other changed", "a", "/q").await.unwrap(), IdempotentOutcome::KeyReused);
    assert_eq!(create("once changed", "b", "/p").await.unwrap(), IdempotentOutcome::Made(None), "the name is taken");
    assert!(create("once more changed", "b", "/q").await.unwrap().is_made(), "what is refused leaves its key free");
    assert_eq!(times(store, Action::WorkspaceCreated, &made.id.to_string()).await, 1);

    let rename = |name, key| store.rename_workspace(made.id, Some(name), ORIGIN, under(key, name));
    assert_eq!(rename("once more changed", "c").await.unwrap(), IdempotentOutcome::Made(Some(Err(NameTaken))));
    assert_eq!(rename("twice changed", "c").await.unwrap().made().unwrap().unwrap().unwrap().name, "twice changed");
    assert_eq!(rename("thrice changed", "d").await.unwrap().made().unwrap().unwrap().unwrap().name, "thrice changed");
    assert_eq!(rename("twice changed", "c").await.unwrap(), IdempotentOutcome::Replayed(answered()));
    assert_eq!(store.find_workspace(made.id).await.unwrap().unwrap().name, "thrice changed", "it is not renamed again");
    assert!(rename("thrice changed", "e").await.unwrap().is_made(), "to the name that it has");
    assert_eq!(rename("thrice changed", "e").await.unwrap(), IdempotentOutcome::Replayed(answered()));
    let unnamed = store.rename_workspace(made.id, None, ORIGIN, None).await.unwrap().made().unwrap();
    assert_eq!(unnamed.unwrap().unwrap().name, "thrice changed", "nothing is said");
    assert_eq!(times(store, Action::WorkspaceUpdated, &made.id.to_string()).await, 2);

    let owner = LimitOwner::Workspace(made.id);
    let of = |limits: &Limits| format!("{:?}", limits.get(Limit::MaxFiles)).into_bytes();
    let set =
        |files, key, path| store.set_limits(owner, vec![(Limit::MaxFiles, files)], ORIGIN, Some(once(key, path, of)));
    assert_eq!(set(Some(5), "f", "/l").await.unwrap().made().unwrap().unwrap().get(Limit::MaxFiles), Some(5));
    assert!(set(None, "g", "/l").await.unwrap().is_made());
    assert_eq!(set(Some(5), "f", "/l").await.unwrap(), IdempotentOutcome::Replayed("Some(5)".into()));
    assert_eq!(store.limits(owner).await.unwrap(), Limits::default());
    assert!(store.set_limits(owner, Vec::new(), ORIGIN, None).await.unwrap().is_made());
    assert_eq!(times(store, Action::LimitsUpdated, &made.id.to_string()).await, 2, "no change is no entry");

    let own = |expiries: &OwnExpiries| format!("{expiries:?}").into_bytes();
    let expire = |expiry, key| {
        store.set_default_expiries(made.id, vec![(Purpose::Evals, expiry)], ORIGIN, Some(once(key, "/e", own)))
    };
    let never = vec![(Purpose::Evals, DefaultExpiry::Never)];
    assert_eq!(expire(Some(DefaultExpiry::Never), "x").await.unwrap(), IdempotentOutcome::Made(never.clone()));
    assert_eq!(expire(None, "y").await.unwrap(), IdempotentOutcome::Made(Vec::new()));
    assert_eq!(expire(Some(DefaultExpiry::Never), "x").await.unwrap(), IdempotentOutcome::Replayed(own(&never)));
    assert!(store.default_expiries(made.id).await.unwrap().is_empty(), "a replay sets nothing");

    let archive = |key| store.archive_workspace(made.id, ORIGIN, under(key, "/archive"));
    let archived = archive("h").await.unwrap().made().unwrap().unwrap();
    assert_eq!(archive("h").await.unwrap(), IdempotentOutcome::Replayed(answered()));
    assert_eq!(archive("i").await.unwrap(), IdempotentOutcome::Made(Some(archived)), "archived once");
    assert_eq!(times(store, Action::WorkspaceArchived, &made.id.to_string()).await, 1);

    assert!(store.find_misfits().await.unwrap().is_empty(), "answers to administrators are of no workspace");
    clock.set(begun_ms + 86_400_000);
    assert_eq!(
        create("later changed", "a", "/q").await.unwrap().made().unwrap().unwrap().name,
        "later changed",
        "a day later"
    );
    assert!(store.forget_answers(100).await.unwrap() >= 6);
    clock.set(begun_ms);
}

async fn a_key_is_changed_as_far_as_is_said(store: &dyn MetadataStore, clock: &Clock) {
    let begun_ms = clock.now_ms();
    let caller = tenant(store, "changes of keys").await;
    let shown = |key: &ApiKey| format!("{} {}", key.id, key.name).into_bytes();
    let opens = Opens::Workspace(caller.workspace, Scopes::DEFAULT);
    let create =
        |name, number| store.create_key(new_key(opens, &[number; 32], None), ORIGIN, Some(once(name, "/k", shown)));
    let key = create("k", 101).await.unwrap().made().unwrap().unwrap();
    assert_eq!(
        create("k", 102).await.unwrap(),
        IdempotentOutcome::Replayed(shown(&key)),
        "and its new secret opens nothing"
    );
    assert_eq!(store.find_credential(super::fixtures::digest(102)).await.unwrap(), None);
    let update = |changes, name, path| store.update_key(key.id, changes, ORIGIN, Some(once(name, path, shown)));
    let read = Scopes::named([Scope::FilesRead.name()].into_iter()).unwrap();
    let narrower = KeyChanges { scopes: Some(read), valid_seconds: Some(60), ..KeyChanges::default() };
    let narrow = update(narrower.clone(), "l", "/n").await.unwrap().made().unwrap().unwrap().unwrap();
    assert_eq!(narrow.opens, Opens::Workspace(caller.workspace, read));
    assert_eq!((narrow.name.as_str(), narrow.expires_at), ("ci", Some(begun_ms / 1000 + 60)));
    clock.set(begun_ms + 1000);
    let renamed = KeyChanges { name: Some("cd".into()), ..KeyChanges::default() };
    let renamed = update(renamed, "m", "/o").await.unwrap().made().unwrap().unwrap().unwrap();
    assert_eq!((renamed.name.as_str(), renamed.expires_at, renamed.opens), ("cd", narrow.expires_at, narrow.opens));
    assert_eq!(store.find_key(key.id).await.unwrap(), Some(renamed.clone()));
    assert_eq!(update(narrower, "l", "/n").await.unwrap(), IdempotentOutcome::Replayed(shown(&narrow)));
    assert_eq!(update(KeyChanges::default(), "n", "/o").await.unwrap(), IdempotentOutcome::Made(Some(Ok(renamed))));
    assert_eq!(times(store, Action::KeyUpdated, &key.id.to_string()).await, 2, "no change is no entry");
    let rotate =
        |number: u8| store.rotate_key(key.id, new_secret(&[number; 32]), 0, ORIGIN, Some(once("o", "/r", shown)));
    assert!(rotate(103).await.unwrap().is_made());
    assert!(matches!(rotate(104).await.unwrap(), IdempotentOutcome::Replayed(_)));
    assert_eq!(store.find_credential(super::fixtures::digest(104)).await.unwrap(), None);
    clock.set(begun_ms + 60_000);
    let late = store.update_key(key.id, KeyChanges::default(), ORIGIN, None).await.unwrap();
    assert_eq!(late, IdempotentOutcome::Made(Some(Err(KeyStatus::Expired))));
    clock.set(begun_ms);
    let nobody = KeyId::next(None, 0, [0; 11]);
    assert_eq!(
        store.update_key(nobody, KeyChanges::default(), ORIGIN, None).await.unwrap(),
        IdempotentOutcome::Made(None)
    );
}

async fn keys_of_administrators_are_paged_in_both_directions(store: &dyn MetadataStore) {
    let mut made = HashSet::new();
    for number in 110..115 {
        let new = new_key(Opens::Administration, &[number; 32], None);
        made.insert(store.create_key(new, ORIGIN, None).await.unwrap().made().unwrap().unwrap().id);
    }
    let revoked = *made.iter().next().unwrap();
    store.revoke_key(revoked, ORIGIN).await.unwrap();
    for order in [Order::Ascending, Order::Descending] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.list_admin_keys(after, 2, order).await.unwrap();
            assert!(page.rows.iter().all(|key| key.opens == Opens::Administration && key.revoked_at.is_none()));
            seen.extend(page.rows.iter().map(|key| key.id));
            after = seen.last().copied();
            if !page.has_more {
                break;
            }
        }
        let (ours, ascending) = (seen.iter().filter(|id| made.contains(*id)).count(), seen.is_sorted());
        assert_eq!((ours, ascending), (4, order == Order::Ascending));
        assert!(!seen.contains(&revoked) && seen.iter().collect::<HashSet<_>>().len() == seen.len());
    }
}
