//! The handlers that begin and end the session of a browser.

use super::wire::{self, SessionObject};
use crate::http::error::ApiError;
use crate::http::headers::put;
use crate::http::json::JsonObject;
use crate::http::session::forgery::check_origin;
use crate::http::session::{Console, FoundSession, Holder, SignedIn};
use crate::http::wire::json;
use crate::keys::VerifiedKey;
use crate::model::api_key::{KeyDigest, KeySecret};
use crate::model::audit::Actor;
use crate::sessions::SignIn;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::request::Parts;
use serde_json::json as object;
use std::sync::Arc;

/// The longest body of a sign-in, in bytes.
const MAX_SIGN_IN_BYTES: usize = 4096;
/// The caching of answers about a session.
const NO_STORE: &str = "no-store";

/// `GET /console/api/sign-in`: the ways to sign in.
pub async fn retrieve_ways(State(console): State<Arc<Console>>) -> Response {
    json(StatusCode::OK, &wire::Ways::of(&console))
}

/// `POST /console/api/sign-in`: begins a session by a key, which is not kept.
pub async fn sign_in(State(console): State<Arc<Console>>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    check_origin(&parts)?;
    let mut body = JsonObject::read(Request::from_parts(parts.clone(), body), MAX_SIGN_IN_BYTES).await?;
    let text = body.text("key")?;
    body.refuse_rest()?;
    let (key, digest) = verify(&console, &parts, &text).await?;
    end_previous(&console, &parts).await?;
    let origin = console.origin(&parts, Actor::Key(key.id))?;
    let sign_in = SignIn {
        actor: Actor::Key(key.id),
        key_digest: Some(digest),
        workspace: key.opens.workspace(),
        provider_session: None,
    };
    let (secret, session) = console.sessions.begin(sign_in, origin).await?;
    let cookie = console.cookie.set(&secret, console.sessions.lifetime().absolute_seconds);
    let signed_in = SignedIn { found: FoundSession { secret, session, origin }, holder: Holder::Key(key) };
    let session = SessionObject::of(&console, &signed_in).await?;
    let mut response = json(StatusCode::OK, &object!({"session": session}));
    put(response.headers_mut(), SET_COOKIE, &cookie);
    put(response.headers_mut(), CACHE_CONTROL, NO_STORE);
    Ok(response)
}

/// `POST /console/api/sign-out`: ends the session of the request.
pub async fn sign_out(State(console): State<Arc<Console>>, signed_in: SignedIn) -> Result<Response, ApiError> {
    console.sessions.end(signed_in.found.session.id, None, signed_in.found.origin).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    put(response.headers_mut(), SET_COOKIE, &console.cookie.clear());
    Ok(response)
}

/// Verifies a key. A refusal counts as a failed login of the network, and stands in the audit log.
async fn verify(console: &Console, parts: &Parts, text: &str) -> Result<(VerifiedKey, KeyDigest), ApiError> {
    let authenticator = &console.authenticator;
    let may_look_up = || authenticator.admit_look_up(&parts.extensions, &parts.headers);
    match authenticator.keys.verify(text, may_look_up).await {
        Ok(key) => {
            let secret = KeySecret::parse(text).map_err(|_| ApiError::incorrect_key())?;
            Ok((key, secret.digest()))
        }
        Err(refusal) => {
            let origin = console.origin(parts, Actor::Anonymous)?;
            let details = object!({"reason": "key_refused", "cause": refusal.to_string()});
            console.refusals.note(&console.sessions, origin, details).await;
            Err(authenticator.count_failure(&parts.extensions, &parts.headers, refusal.into()))
        }
    }
}

/// Ends the session that the browser had before, if it had one.
pub(super) async fn end_previous(console: &Console, parts: &Parts) -> Result<(), ApiError> {
    if let Some(value) = console.cookie.read(&parts.headers)
        && let Ok((_, session)) = console.sessions.find(value).await
    {
        let origin = console.origin(parts, session.actor)?;
        console.sessions.end(session.id, None, origin).await?;
    }
    Ok(())
}
