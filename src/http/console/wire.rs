//! The JSON objects of sessions.

use super::signed_in::{Console, SignedIn};
use crate::http::error::ApiError;
use crate::model::audit::Actor;
use crate::model::ids::SessionId;
use crate::model::scope::{Scope, Scopes};
use crate::model::session::Session;
use serde::Serialize;

/// The ways to sign in.
#[derive(Debug, Serialize)]
pub struct Ways {
    object: &'static str,
    key: bool,
    oidc: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self { object: "console.sign_in", key: true, oidc: false }
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
        let SignedIn { secret, session, key, .. } = signed_in;
        let mut workspaces = Vec::new();
        if let (Some(id), Some(scopes)) = (key.opens.workspace(), key.opens.scopes()) {
            let workspace = console.workspaces.get(id).await?.ok_or_else(ApiError::session_expired)?;
            workspaces.push(WorkspaceObject {
                id: id.to_string(),
                name: workspace.name,
                role: role(scopes),
                scopes: scopes.iter().map(Scope::name).collect(),
            });
        }
        Ok(Self {
            object: "console.session",
            id: session.id.to_string(),
            actor: ActorObject { name: Some(key.name.clone()), ..ActorObject::of(session.actor) },
            role_administrator: key.opens.workspace().is_none(),
            workspaces,
            csrf_token: secret.csrf_token(),
            created_at: session.id.created_at(),
            expires_at: session.expires_at,
            idle_expires_at: session.ends_at,
            sign_in: Ways::default(),
        })
    }
}

impl ActorObject {
    fn of(actor: Actor) -> Self {
        let kind = if matches!(actor, Actor::Person(_)) { "person" } else { "key" };
        Self { kind, id: actor.to_string(), name: None }
    }
}

/// Returns the role of a key: the smallest one that fits its scopes.
fn role(scopes: Scopes) -> &'static str {
    let writes = [Scope::FilesWrite, Scope::UploadsWrite, Scope::FilesProduce];
    if writes.into_iter().any(|scope| scopes.contains(scope)) { "writer" } else { "reader" }
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
