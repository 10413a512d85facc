//! The audit log.

use super::fixtures::{NOW_MS, ORIGIN, file, new_key};
use crate::clock::Clock;
use crate::metadata::MetadataStore;
use crate::model::api_key::Opens;
use crate::model::audit::{Action, Actor, AuditQuery, Origin};
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::ids::{KeyId, RequestId};
use crate::model::scope::Scopes;

pub async fn what_was_done_is_in_the_audit_log(store: &dyn MetadataStore, clock: &Clock) {
    let origin = Origin {
        actor: Actor::Key(KeyId::next(None, 7, [7; 11])),
        address: Some("192.0.2.7".parse().unwrap()),
        request: Some(RequestId::new([7; 16])),
    };
    clock.set(NOW_MS + 1_000_000);
    let workspace = store.create_workspace("audited", origin, None).await.unwrap().made().unwrap().unwrap();
    let opens = Opens::Workspace(workspace.id, Scopes::DEFAULT);
    let key = store.create_key(new_key(opens, &[30; 32], None), ORIGIN, None).await.unwrap().made().unwrap().unwrap();
    let (request, dialect) = (RequestId::new([6; 16]), Dialect::OpenAi);
    let caller = Caller { workspace: workspace.id, key: key.id, person: None, request, dialect, address: None };
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
