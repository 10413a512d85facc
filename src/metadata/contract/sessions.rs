//! Sessions of the console.

use super::fixtures::{NOW_MS, ORIGIN, digest, tenant};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::audit::{Action, Actor, AuditQuery, Origin};
use crate::model::ids::{PersonId, SessionId};
use crate::model::session::{
    MAX_SESSIONS_PER_ACTOR, NewSession, Session, SessionDigest, SessionLifetime, TOUCH_SECONDS,
};

const LIFETIME: SessionLifetime = SessionLifetime { idle_seconds: 600, absolute_seconds: 1000 };
const NOW: u64 = NOW_MS / 1000;

fn new(number: u8, actor: Actor) -> NewSession {
    let key_digest = matches!(actor, Actor::Key(_)).then(|| digest(number));
    let digest = SessionDigest([number; 32]);
    NewSession { digest, actor, key_digest, workspace: None, provider_session: None, lifetime: LIFETIME }
}

async fn begin(store: &dyn MetadataStore, number: u8, actor: Actor) -> Session {
    store.create_session(new(number, actor), ORIGIN).await.unwrap().unwrap()
}

async fn find(store: &dyn MetadataStore, number: u8) -> Option<Session> {
    store.find_session(SessionDigest([number; 32])).await.unwrap()
}

async fn ids(store: &dyn MetadataStore, actor: Option<Actor>) -> Vec<SessionId> {
    store.list_sessions(actor, None, 100).await.unwrap().rows.iter().map(|session| session.id).collect()
}

pub async fn sessions_begin_and_end(store: &dyn MetadataStore, clock: &Clock) {
    let key = Actor::Key(tenant(store, "sessions").await.key);
    let person = Actor::Person(PersonId::next(None, NOW_MS, [5; 11]));
    let origin = Origin { actor: key, address: Some("192.0.2.9".parse().unwrap()), request: None };
    let one = store.create_session(new(1, key), origin).await.unwrap().unwrap();
    assert_eq!((one.expires_at, one.ends_at, one.last_used_at), (NOW + 1000, NOW + 600, NOW));
    assert_eq!((one.address, one.key_digest), (origin.address, Some(digest(1))));
    assert_eq!(find(store, 1).await.as_ref(), Some(&one));
    assert_eq!(find(store, 9).await, None);
    clock.set(NOW_MS + 1000);
    let other = begin(store, 2, person).await;
    assert_eq!((other.actor, other.key_digest), (person, None));
    assert_eq!((ids(store, Some(key)).await, ids(store, Some(person)).await), (vec![one.id], vec![other.id]));
    assert_eq!(ids(store, None).await, [other.id, one.id], "newest first");
    let page = store.list_sessions(None, None, 1).await.unwrap();
    assert!(page.has_more && page.rows[0].id == other.id);
    assert_eq!(store.list_sessions(None, Some(other.id), 1).await.unwrap().rows, std::slice::from_ref(&one));
    assert_eq!(store.list_sessions(Some(key), Some(other.id), 1).await.unwrap().rows, std::slice::from_ref(&one));

    assert_eq!(store.end_session(one.id, Some(person), ORIGIN).await.unwrap(), None, "of another one");
    assert_eq!(store.end_session(one.id, Some(key), origin).await.unwrap().as_ref(), Some(&one));
    assert_eq!(store.end_session(one.id, None, ORIGIN).await.unwrap(), None);
    assert_eq!(find(store, 1).await, None);
    store.note_refused_sign_in(origin, serde_json::json!({"reason": "a test"})).await.unwrap();
    let query = AuditQuery { actors: Some(vec![key]), limit: 10, ..AuditQuery::default() };
    let log = store.audit_log(query).await.unwrap().rows;
    let actions: Vec<_> = log.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::SignInRefused, Action::SignedOut, Action::SignedIn]);
    assert_eq!((&log[1].object, &log[2].object), (&one.id.to_string(), &one.id.to_string()));
    store.end_session(other.id, None, ORIGIN).await.unwrap().unwrap();
    clock.set(NOW_MS);
}

pub async fn a_session_ends_at_its_limits(store: &dyn MetadataStore, clock: &Clock) {
    let key = Actor::Key(tenant(store, "limits of sessions").await.key);
    let session = begin(store, 3, key).await;
    clock.set(NOW_MS + (TOUCH_SECONDS - 1) * 1000);
    store.touch_session(session.id, 600).await.unwrap();
    assert_eq!(find(store, 3).await.unwrap(), session, "it was used within the last minute");
    clock.set(NOW_MS + 300_000);
    store.touch_session(session.id, 600).await.unwrap();
    let used = find(store, 3).await.unwrap();
    assert_eq!((used.last_used_at, used.ends_at), (NOW + 300, NOW + 900));
    clock.set(NOW_MS + 800_000);
    store.touch_session(session.id, 600).await.unwrap();
    assert_eq!(find(store, 3).await.unwrap().ends_at, NOW + 1000, "the absolute limit stays");
    clock.set(NOW_MS + 1_000_000);
    store.touch_session(session.id, 600).await.unwrap();
    let ended = find(store, 3).await.unwrap();
    assert!(ended.has_ended(NOW + 1000) && ended.last_used_at == NOW + 800);
    assert_eq!(ids(store, Some(key)).await, []);
    assert_eq!(store.forget_sessions(10).await.unwrap(), 0, "its browser learns that it has ended");
    clock.set(NOW_MS + 1_000_000 + 86_400_000);
    assert_eq!(store.forget_sessions(10).await.unwrap(), 1);
    assert_eq!(find(store, 3).await, None);
    clock.set(NOW_MS);
}

pub async fn a_sign_in_beyond_the_limit_ends_the_oldest_session(store: &dyn MetadataStore, clock: &Clock) {
    let key = Actor::Key(tenant(store, "many sessions").await.key);
    let mut begun = Vec::new();
    for number in 0..u8::try_from(MAX_SESSIONS_PER_ACTOR).unwrap() + 2 {
        clock.set(NOW_MS + u64::from(number) * 1000);
        begun.push(begin(store, 100 + number, key).await.id);
    }
    begun.reverse();
    begun.truncate(MAX_SESSIONS_PER_ACTOR as usize);
    assert_eq!(ids(store, Some(key)).await, begun);
    for id in begun {
        store.end_session(id, None, ORIGIN).await.unwrap().unwrap();
    }
    clock.set(NOW_MS);
}
