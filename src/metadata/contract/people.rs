//! People and their memberships.

use super::fixtures::{NOW_MS, ORIGIN, small_file, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::api_key::Opens;
use crate::model::audit::{Action, Actor, AuditQuery, Origin};
use crate::model::caller::{Caller, Refused};
use crate::model::dialect::Dialect;
use crate::model::idempotency::IdempotentOutcome;
use crate::model::ids::{PersonId, RequestId, WorkspaceId};
use crate::model::page::Order;
use crate::model::person::{Grant, GrantedBy, Identity, Membership, Person, PersonQuery, Role};
use crate::model::purpose::Purpose;
use crate::model::session::{NewSession, SessionDigest, SessionLifetime};

fn identity(subject: &str) -> Identity {
    let (name, email) = (Some(format!("Name of {subject}")), Some(format!("{subject}@a.example")));
    Identity { issuer: "https://a.example".to_owned(), subject: subject.to_owned(), name, email }
}

fn grant(workspace: WorkspaceId, role: Role) -> Grant {
    Grant { workspace: Some(workspace), role }
}

async fn sign_in(store: &dyn MetadataStore, subject: &str, grants: &[Grant]) -> (Person, Vec<Membership>) {
    store.sign_in_person(identity(subject), grants.to_vec(), ORIGIN).await.unwrap()
}

pub async fn memberships_are_keys_of_people(store: &dyn MetadataStore, clock: &Clock) {
    let owner = tenant(store, "people").await;
    let (one, other) = (owner.workspace, tenant(store, "other people").await.workspace);
    let keys = store.list_keys().await.unwrap();
    let (ada, memberships) = sign_in(store, "ada", &[grant(one, Role::Reader)]).await;
    assert_eq!((ada.identity.clone(), ada.last_signed_in_at), (identity("ada"), NOW_MS / 1000));
    assert!(memberships.len() == 1 && memberships[0].granted_by == GrantedBy::Rule);
    clock.set(NOW_MS + 5000);
    let (again, memberships) = sign_in(store, "ada", &[grant(one, Role::Writer), grant(other, Role::Owner)]).await;
    assert_eq!((again.id, again.last_signed_in_at), (ada.id, NOW_MS / 1000 + 5));
    let roles = |workspace| memberships.iter().find(|one| one.workspace == Some(workspace)).map(|one| one.role);
    assert_eq!((roles(one), roles(other), memberships.len()), (Some(Role::Writer), Some(Role::Owner), 2));
    assert_eq!(store.memberships_of(ada.id).await.unwrap(), memberships);
    assert_eq!(store.list_keys().await.unwrap(), keys, "no membership is listed as a key");
    assert_eq!(store.find_key(memberships[0].key).await.unwrap(), None);
    assert_eq!(store.revoke_key(memberships[0].key, ORIGIN).await.unwrap(), None);
    assert_eq!(store.find_person(ada.id).await.unwrap().as_ref(), Some(&again));
    assert_eq!(store.find_person_of("https://a.example", "ada").await.unwrap(), Some(again.clone()));
    assert_eq!(store.find_person_of("https://b.example", "ada").await.unwrap(), None);

    let found = store.find_member(ada.id, Some(one)).await.unwrap().unwrap();
    assert_eq!((found.key.id, found.key.opens), (memberships[0].key, Opens::Workspace(one, Role::Writer.scopes())));
    assert_eq!(found.member.map(|member| (member.person, member.role)), Some((ada.id, Role::Writer)));
    assert_eq!(store.find_member(ada.id, None).await.unwrap(), None);
    let caller = Caller {
        workspace: one,
        key: found.key.id,
        person: Some(ada.id),
        request: RequestId::new([5; 16]),
        dialect: Dialect::OpenAi,
        address: None,
    };
    let create = || store.create_file(caller, small_file(3, Purpose::UserData, None), None);
    let IdempotentOutcome::Made(Some(file)) = create().await.unwrap() else { panic!("a member may write") };
    assert!(store.delete_file(caller, file.id).await.unwrap());
    for _ in 0..2 {
        let left = store.set_member(ada.id, Some(one), None, ORIGIN, None).await.unwrap().made().unwrap();
        assert_eq!(left, Some((again.clone(), None)), "to revoke nothing is no error");
    }
    assert_eq!(create().await.unwrap(), IdempotentOutcome::Refused(Refused::KeyEnded));
    assert_eq!(store.find_member(ada.id, Some(one)).await.unwrap(), None);

    let set = async |person, workspace, role| {
        let set = store.set_member(person, workspace, Some(role), ORIGIN, None).await.unwrap().made().unwrap();
        set.map(|(_, membership)| membership.unwrap())
    };
    let added = set(ada.id, Some(one), Role::Owner).await.unwrap();
    assert_eq!((added.role, added.granted_by), (Role::Owner, GrantedBy::Api));
    assert_eq!(set(ada.id, Some(one), Role::Reader).await.unwrap().key, added.key);
    let administrator = set(ada.id, None, Role::Administrator).await.unwrap();
    let found = store.find_member(ada.id, None).await.unwrap().unwrap();
    assert_eq!((found.key.id, found.key.opens), (administrator.key, Opens::Administration));
    let admin_keys = store.list_admin_keys(None, 100, Order::Ascending).await.unwrap().rows;
    assert!(admin_keys.iter().all(|key| key.id != administrator.key), "{admin_keys:?}");
    let nobody = PersonId::next(None, 1, [1; 11]);
    assert_eq!(set(nobody, Some(one), Role::Reader).await, None);
    assert_eq!(set(ada.id, Some(WorkspaceId::next(None, 1, [1; 11])), Role::Reader).await, None);
    let (_, memberships) = sign_in(store, "ada", &[]).await;
    let mut kept: Vec<_> = memberships.iter().map(|one| (one.workspace, one.role)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [(None, Role::Administrator), (Some(one), Role::Reader)], "rules revoke what rules granted");

    let (bob, _) = sign_in(store, "bob", &[grant(one, Role::Reader)]).await;
    let members = store.list_members(one, None, 10).await.unwrap().rows;
    assert_eq!(members.iter().map(|(person, _)| person.id).collect::<Vec<_>>(), [ada.id, bob.id]);
    assert_eq!(members[1].1.role, Role::Reader);
    let page = store.list_members(one, None, 1).await.unwrap();
    assert!(page.has_more && page.rows[0].0.id == ada.id);
    assert_eq!(store.list_members(one, Some(ada.id), 10).await.unwrap().rows[0].0.id, bob.id);
    let people = async |emails: Option<&[&str]>, after, limit| {
        let emails = emails.map(|emails| emails.iter().map(ToString::to_string).collect());
        let page = store.list_people(PersonQuery { emails, after, limit }).await.unwrap();
        (page.rows.iter().map(|person| person.id).collect::<Vec<_>>(), page.has_more)
    };
    assert_eq!(people(None, None, 10).await, (vec![ada.id, bob.id], false));
    assert_eq!(people(None, Some(ada.id), 1).await, (vec![bob.id], false));
    let both = ["BOB@a.example", "ada@a.example", "bob@a.example", "bob@b.example"];
    assert_eq!(people(Some(&both), None, 10).await, (vec![ada.id, bob.id], false));
    assert_eq!(people(Some(&both), None, 1).await, (vec![ada.id], true));
    assert_eq!(people(Some(&both), Some(ada.id), 1).await, (vec![bob.id], false));
    assert_eq!(people(Some(&both[3..]), None, 10).await, (vec![], false));

    let lifetime = SessionLifetime { idle_seconds: 600, absolute_seconds: 600 };
    let session = |number: u8, sid: &str| NewSession {
        digest: SessionDigest([number; 32]),
        actor: Actor::Person(bob.id),
        key_digest: None,
        workspace: None,
        provider_session: Some(sid.to_owned()),
        lifetime,
    };
    for (number, sid) in [(50, "s1"), (51, "s2"), (52, "s3")] {
        store.create_session(session(number, sid), ORIGIN).await.unwrap().unwrap();
    }
    let end = |person, sid: Option<&str>| store.end_sessions_of(person, sid.map(str::to_owned), ORIGIN);
    assert_eq!(end(Some(ada.id), Some("s1")).await.unwrap(), 0);
    assert_eq!((end(None, Some("s1")).await.unwrap(), end(Some(bob.id), Some("s2")).await.unwrap()), (1, 1));
    assert_eq!(end(None, None).await.unwrap(), 0);
    let origin = Origin { actor: Actor::Person(ada.id), ..ORIGIN };
    assert!(store.delete_person(bob.id, origin).await.unwrap());
    assert!(!store.delete_person(bob.id, origin).await.unwrap());
    assert_eq!(store.find_session(SessionDigest([52; 32])).await.unwrap(), None);
    assert_eq!(store.memberships_of(bob.id).await.unwrap(), []);
    let query = AuditQuery { actors: Some(vec![origin.actor]), limit: 100, ..AuditQuery::default() };
    let log = store.audit_log(query).await.unwrap().rows;
    let actions: Vec<_> = log.iter().map(|entry| entry.action).collect();
    let (added, updated, removed) = (Action::PersonAdded, Action::PersonUpdated, Action::PersonRemoved);
    let expected = [removed, Action::SignedOut, removed, removed, Action::FileDeleted, added, updated, added];
    assert_eq!(actions, expected, "{log:?}");
    assert!(store.find_misfits().await.unwrap().is_empty());
    assert!(store.delete_person(ada.id, ORIGIN).await.unwrap());
    clock.set(NOW_MS);
}
