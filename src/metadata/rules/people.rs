//! People and their memberships.

use crate::model::audit::{Action, Actor, NewEntry, Origin};
use crate::model::ids::{KeyId, PersonId, WorkspaceId};
use crate::model::person::{Grant, GrantedBy, Identity, Membership, Person};
use serde_json::json;

/// Returns the person of an identity that signs in now.
pub fn person(id: PersonId, identity: &Identity, now_seconds: u64) -> Person {
    Person { id, identity: identity.clone(), last_signed_in_at: now_seconds }
}

/// Returns a new membership.
pub const fn membership(key: KeyId, person: PersonId, grant: Grant, granted_by: GrantedBy) -> Membership {
    Membership { key, workspace: grant.workspace, person, role: grant.role, granted_by }
}

/// Returns the scopes of a membership, as they are stored.
pub fn stored_scopes(grant: Grant) -> String {
    grant.workspace.map(|_| grant.role.scopes().to_string()).unwrap_or_default()
}

/// Returns the origin of a change that the sign-in of a person makes.
pub const fn origin_of(person: PersonId, origin: Origin) -> Origin {
    Origin { actor: Actor::Person(person), ..origin }
}

/// Returns the entry of a change of a membership.
pub fn entry(action: Action, membership: &Membership) -> NewEntry {
    let details = Some(json!({"role": membership.role.name(), "granted_by": membership.granted_by.name()}));
    NewEntry { action, workspace: membership.workspace, object: membership.person.to_string(), details }
}

/// Returns the entry of a deleted person.
pub fn deleted(person: PersonId) -> NewEntry {
    NewEntry { action: Action::PersonRemoved, workspace: None, object: person.to_string(), details: None }
}

/// Returns the text by which a membership without a workspace is found.
pub fn place(workspace: Option<WorkspaceId>) -> String {
    workspace.map(|workspace| workspace.to_string()).unwrap_or_default()
}
