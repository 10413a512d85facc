//! Sessions of the console.

use crate::model::audit::{Action, Actor, NewEntry, Origin};
use crate::model::ids::{SessionId, WorkspaceId};
use crate::model::session::{NewSession, Session};
use serde_json::{Value, json};

/// The object of entries about the console that concern no session.
const CONSOLE: &str = "console";
/// The time that sessions which ended at a limit are kept, in seconds: their browsers learn that they have expired.
pub const ENDED_KEPT_SECONDS: u64 = 86_400;

/// Returns the session that a sign-in makes.
pub fn new_session(id: SessionId, new: &NewSession, origin: Origin, now_seconds: u64) -> Session {
    let expires_at = now_seconds.saturating_add(new.lifetime.absolute_seconds);
    Session {
        id,
        actor: new.actor,
        key_digest: new.key_digest,
        address: origin.address,
        last_used_at: now_seconds,
        expires_at,
        ends_at: expires_at.min(now_seconds.saturating_add(new.lifetime.idle_seconds)),
    }
}

/// Returns the entry of a new session; `ended` is the number of sessions that it replaced.
pub fn signed_in(session: &Session, workspace: Option<WorkspaceId>, ended: usize) -> NewEntry {
    let by = if matches!(session.actor, Actor::Person(_)) { "oidc" } else { "key" };
    let details = match ended {
        0 => json!({"sign_in": by}),
        ended => json!({"sign_in": by, "ended_sessions": ended}),
    };
    NewEntry { action: Action::SignedIn, workspace, object: session.id.to_string(), details: Some(details) }
}

/// Returns the entry of a session that was ended.
pub fn signed_out(session: &Session) -> NewEntry {
    let details = Some(json!({"actor": session.actor.to_string()}));
    NewEntry { action: Action::SignedOut, workspace: None, object: session.id.to_string(), details }
}

/// Returns the entry of a refused sign-in.
pub fn refused(details: Value) -> NewEntry {
    NewEntry { action: Action::SignInRefused, workspace: None, object: CONSOLE.to_owned(), details: Some(details) }
}
