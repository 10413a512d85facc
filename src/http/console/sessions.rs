//! The handlers of sessions: the own one, the list, and the end of another one.

use super::wire::{ListedSession, SessionObject};
use crate::http::error::{ApiError, echo};
use crate::http::headers::put;
use crate::http::list::limit;
use crate::http::query::parameters;
use crate::http::session::{Console, SignedIn};
use crate::http::wire::{List, json};
use crate::model::audit::Actor;
use crate::model::ids::SessionId;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The accepted numbers of sessions of a page.
const PAGE_SESSIONS: RangeInclusive<u32> = 1..=100;
/// The number of sessions of a page without a `limit`.
const DEFAULT_PAGE_SESSIONS: u32 = 20;

/// `GET /console/api/session`: the session of the request.
pub async fn retrieve_session(State(console): State<Arc<Console>>, signed_in: SignedIn) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, &SessionObject::of(&console, &signed_in).await?);
    put(response.headers_mut(), CACHE_CONTROL, "no-store");
    Ok(response)
}

/// `GET /console/api/sessions`: the own ones, newest first; with `all=true` those of everybody, for administrators.
pub async fn list_sessions(
    State(console): State<Arc<Console>>,
    signed_in: SignedIn,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (mut after, mut most, mut all) = (None, DEFAULT_PAGE_SESSIONS, false);
    for (name, value) in parameters(query.as_deref().unwrap_or_default()) {
        match &*name {
            "after" => after = Some(session_id(&value).map_err(|error| error.param("after"))?),
            "limit" => most = limit(&value, &PAGE_SESSIONS)?,
            "all" => all = &*value == "true",
            _ => {}
        }
    }
    let actor = if all { administered(&signed_in)? } else { Some(signed_in.found.session.actor) };
    let page = console.sessions.list(actor, after, most).await?;
    let mut list: List<ListedSession> = List::of(&page, |session| session.id.to_string());
    list.for_each(|listed| listed.mark_current(signed_in.found.session.id));
    Ok(json(StatusCode::OK, &list))
}

/// `DELETE /console/api/sessions/{id}`: ends a session. Administrators end all, others their own.
pub async fn end_session(
    State(console): State<Arc<Console>>,
    signed_in: SignedIn,
    Path(text): Path<String>,
) -> Result<Response, ApiError> {
    let id = session_id(&text)?;
    let actor = administered(&signed_in).unwrap_or(Some(signed_in.found.session.actor));
    if !console.sessions.end(id, actor, signed_in.found.origin).await? {
        return Err(ApiError::session_not_found(&text));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if id == signed_in.found.session.id {
        put(response.headers_mut(), SET_COOKIE, &console.cookie.clear());
    }
    Ok(response)
}

fn session_id(text: &str) -> Result<SessionId, ApiError> {
    text.parse().map_err(|_| ApiError::session_not_found(&echo(text)))
}

/// Returns the filter of an administrator: none, for the sessions of all actors.
fn administered(signed_in: &SignedIn) -> Result<Option<Actor>, ApiError> {
    if signed_in.holder.is_administrator() { Ok(None) } else { Err(ApiError::needs_admin_key()) }
}
