//! The JSON objects of sessions.

use crate::http::error::ApiError;
use crate::http::session::{Console, FoundSession, Holder, SignedIn};
use crate::model::audit::Actor;
use crate::model::ids::{SessionId, WorkspaceId};
use crate::model::person::{Membership, Role};
use crate::model::scope::{Scope, Scopes};
use crate::model::session::Session;
use crate::model::workspace::Workspace;
use serde::Serialize;

/// The ways to sign in.
#[derive(Debug, Serialize)]
pub struct Ways {
    object: &'static str,
    key: bool,
    oidc: bool,
}

impl Ways {
    /// Returns the ways of a server.
    pub fn of(console: &Console) -> Self {
        Self { object: "console.sign_in", key: true, oidc: console.oidc.is_some() }
    }
}

/// The session of a request.
#[derive(Debug, Serialize)]
pub struct SessionObject {
    object: &'static str,
    id: String,
    actor: ActorObject,
    role_administrator: bool,
    workspaces: Vec<WorkspaceObject>,
    /// The token for requests that change something.
    csrf_token: String,
    created_at: u64,
    expires_at: u64,
    idle_expires_at: u64,
    sign_in: Ways,
}

#[derive(Debug, Serialize)]
struct ActorObject {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(Debug, Serialize)]
struct WorkspaceObject {
    id: String,
    name: String,
    role: &'static str,
    scopes: Vec<&'static str>,
}

impl SessionObject {
    /// Returns the object of a session, with the names of its workspaces.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn of(console: &Console, signed_in: &SignedIn) -> Result<Self, ApiError> {
        let SignedIn { found: FoundSession { secret, session, .. }, holder } = signed_in;
        let mut workspaces = Vec::new();
        for (id, role, scopes) in access(holder) {
            // Archived workspaces open nothing.
            if let Some(workspace) = console.workspaces.get(id).await?.filter(|found| found.archived_at.is_none()) {
                workspaces.push(WorkspaceObject::of(workspace, role, scopes));
            }
        }
        let actor = match holder {
            Holder::Key(key) => ActorObject { name: Some(key.name.clone()), ..ActorObject::of(session.actor) },
            Holder::Person(person, _) => ActorObject {
                name: person.identity.name.clone(),
                email: person.identity.email.clone(),
                ..ActorObject::of(session.actor)
            },
        };
        Ok(Self {
            object: "console.session",
            id: session.id.to_string(),
            actor,
            role_administrator: holder.is_administrator(),
            workspaces,
            csrf_token: secret.csrf_token(),
            created_at: session.id.created_at(),
            expires_at: session.expires_at,
            idle_expires_at: session.ends_at,
            sign_in: Ways::of(console),
        })
    }
}

/// Returns the workspaces of a holder, with its role and scopes in each.
fn access(holder: &Holder) -> Vec<(WorkspaceId, Role, Scopes)> {
    match holder {
        Holder::Key(key) => {
            let opened = key.opens.workspace().zip(key.opens.scopes());
            opened.map(|(id, scopes)| (id, Role::of_scopes(scopes), scopes)).into_iter().collect()
        }
        Holder::Person(_, memberships) => {
            let of = |one: &Membership| one.workspace.map(|id| (id, one.role, one.role.scopes()));
            memberships.iter().filter_map(of).collect()
        }
    }
}

impl WorkspaceObject {
    fn of(workspace: Workspace, role: Role, scopes: Scopes) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            role: role.name(),
            scopes: scopes.iter().map(Scope::name).collect(),
        }
    }
}

impl ActorObject {
    fn of(actor: Actor) -> Self {
        let kind = if matches!(actor, Actor::Person(_)) { "person" } else { "key" };
        Self { kind, id: actor.to_string(), name: None, email: None }
    }
}

/// A session of a list.
#[derive(Debug, Serialize)]
pub struct ListedSession {
    object: &'static str,
    id: String,
    actor: ActorObject,
    /// The session of the request itself.
    current: bool,
    ip_address: Option<String>,
    created_at: u64,
    last_used_at: u64,
    expires_at: u64,
    idle_expires_at: u64,
}

impl From<&Session> for ListedSession {
    fn from(session: &Session) -> Self {
        Self {
            object: "console.session",
            id: session.id.to_string(),
            actor: ActorObject::of(session.actor),
            current: false,
            ip_address: session.address.map(|address| address.to_string()),
            created_at: session.id.created_at(),
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            idle_expires_at: session.ends_at,
        }
    }
}

impl ListedSession {
    /// Marks the session of the request itself.
    pub fn mark_current(&mut self, current: SessionId) {
        self.current = self.id == current.to_string();
    }
}
