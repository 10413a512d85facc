//! Sign-in by OpenID Connect: the way to the provider, the way back, and the provider's requests to end sessions.

use super::return_to::ReturnTo;
use super::sign_in::end_previous;
use crate::error_chain::ErrorChain;
use crate::http::error::ApiError;
use crate::http::headers::put;
use crate::http::pages::{go_on, sign_in_failed};
use crate::http::query::parameters;
use crate::http::session::cookie::only_cookie;
use crate::http::session::{Console, Oidc};
use crate::model::audit::Actor;
use crate::model::session::MAX_PROVIDER_SESSION_BYTES;
use crate::oidc::{Attempt, Claims, ProviderError};
use crate::people::WantedGrant;
use crate::random;
use crate::sessions::{BeginSessionError, SignIn};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use std::sync::Arc;

/// The name of the cookie of a sign-in under way.
const ATTEMPT: &str = "venna_sign_in";
/// The time that a person has at the provider, in seconds.
const ATTEMPT_SECONDS: u64 = 900;
/// The longest body of a logout, in bytes.
const MAX_LOGOUT_BYTES: usize = 72 << 10;

/// The reason why a sign-in fails, as a page and as an entry of the audit log.
struct Failure {
    status: StatusCode,
    /// A word for the audit log.
    reason: String,
    why: String,
    remedy: &'static str,
}

const AGAIN: &str = "Go back to the sign-in and begin again. If that does not help, tell the operator of this server.";
const LATER: &str = "Try again in a moment, or sign in with a key. If it lasts, tell the operator of this server.";

/// `GET /console/sign-in/oidc`: sends the browser to the provider.
pub async fn begin(State(console): State<Arc<Console>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(oidc) = &console.oidc else { return failed(&console, &parts, Failure::off()).await };
    let attempt = Attempt::new(random::bytes());
    let return_to = ReturnTo::of_query(parts.uri.query().unwrap_or_default());
    match oidc.provider.authorization_url(&attempt).await {
        Ok(url) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            let headers = response.headers_mut();
            put(headers, LOCATION, &url);
            put(headers, CACHE_CONTROL, "no-store");
            put(headers, SET_COOKIE, &cookie(&console, &attempt, &return_to));
            response
        }
        Err(error) => failed(&console, &parts, error.into()).await,
    }
}

/// `GET /console/sign-in/oidc/callback`: the browser comes back from the provider.
pub async fn finish(State(console): State<Arc<Console>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(oidc) = &console.oidc else { return failed(&console, &parts, Failure::off()).await };
    let mut response = match sign_in(&console, oidc, &parts).await {
        Ok((cookie, return_to)) => {
            let mut response = go_on(parts.uri.path(), return_to.path());
            put(response.headers_mut(), SET_COOKIE, &cookie);
            response
        }
        Err(failure) => failed(&console, &parts, failure).await,
    };
    // One attempt has one answer.
    if let Ok(clear) = HeaderValue::from_str(&cleared(&console)) {
        response.headers_mut().append(SET_COOKIE, clear);
    }
    response
}

/// `POST /console/oidc/back-channel-logout`: the provider ends the sessions of a person, or of a session of its own.
pub async fn log_out(State(console): State<Arc<Console>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match logged_out(&console, &parts, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => error.into_response(),
    };
    put(response.headers_mut(), CACHE_CONTROL, "no-store");
    response
}

async fn logged_out(console: &Console, parts: &Parts, body: Body) -> Result<(), ApiError> {
    let unknown = || ApiError::unknown_url(&parts.method, parts.uri.path(), "");
    let oidc = console.oidc.as_ref().ok_or_else(unknown)?;
    let body = Limited::new(body, MAX_LOGOUT_BYTES).collect().await;
    let body = body.map_err(|_| ApiError::invalid("The request body is too long, or could not be read."))?.to_bytes();
    let form = form_urlencoded::parse(&body);
    let token = form.filter(|(name, _)| name == "logout_token").map(|(_, token)| token.into_owned()).next();
    let token = token.ok_or_else(|| ApiError::missing("logout_token"))?;
    let logout = match oidc.provider.logout(&token, oidc.clock.now_seconds()).await {
        Ok(logout) => logout,
        Err(ProviderError::Token(error)) => {
            let details = json!({"reason": error.name(), "request": "back_channel_logout"});
            console.refusals.note(&console.sessions, console.origin(parts, Actor::Anonymous)?, details).await;
            return Err(ApiError::invalid(format!("Invalid 'logout_token': {error}.")).param("logout_token"));
        }
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "OpenID provider failed");
            return Err(ApiError::unavailable());
        }
    };
    let person = match &logout.subject {
        Some(subject) => match console.people.find_of(oidc.provider.issuer(), subject).await? {
            Some(person) => Some(person.id),
            None => return Ok(()),
        },
        None => None,
    };
    let origin = console.origin(parts, person.map_or(Actor::Anonymous, Actor::Person))?;
    console.sessions.end_all_of(person, logout.session, origin).await?;
    Ok(())
}

async fn sign_in(console: &Console, oidc: &Oidc, parts: &Parts) -> Result<(String, ReturnTo), Failure> {
    let query = parts.uri.query().unwrap_or_default();
    let of = |wanted: &str| parameters(query).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    let (attempt, return_to) = attempt_of(parts).ok_or_else(Failure::without_attempt)?;
    if !of("state").is_some_and(|state| attempt.is_state(&state)) {
        return Err(Failure::state());
    }
    if let Some(error) = of("error") {
        return Err(Failure::refused_by_provider(&error));
    }
    let code = of("code").ok_or_else(Failure::state)?;
    let claims = oidc.provider.claims(&attempt, &code, of("iss").as_deref(), oidc.clock.now_seconds()).await?;
    let cookie = begin_session(console, oidc, parts, &claims).await?;
    Ok((cookie, return_to))
}

/// Stores the person, and begins a session if it has access to anything. Returns the cookie.
async fn begin_session(console: &Console, oidc: &Oidc, parts: &Parts, claims: &Claims) -> Result<String, Failure> {
    let identity = claims.identity(oidc.provider.issuer()).ok_or_else(Failure::state)?;
    let matching = claims.matching(&oidc.rules);
    let wanted: Vec<WantedGrant<'_>> =
        matching.map(|rule| WantedGrant { workspace: rule.workspace.as_deref(), role: rule.role }).collect();
    let origin = console.origin(parts, Actor::Anonymous)?;
    let shown = identity.email.clone().or_else(|| identity.name.clone()).unwrap_or_else(|| identity.subject.clone());
    let (person, memberships) = console.people.sign_in(identity, &wanted, origin).await.map_err(ApiError::from)?;
    if memberships.is_empty() {
        return Err(Failure::without_access(&person.id.to_string(), &shown));
    }
    end_previous(console, parts).await?;
    let provider_session = claims.text("sid").filter(|sid| sid.len() <= MAX_PROVIDER_SESSION_BYTES).map(str::to_owned);
    let sign_in = SignIn { actor: Actor::Person(person.id), key_digest: None, workspace: None, provider_session };
    let begun = console.sessions.begin(sign_in, console.origin(parts, Actor::Person(person.id))?).await;
    let (secret, _) = begun.map_err(|error: BeginSessionError| Failure::from(ApiError::from(error)))?;
    Ok(console.cookie.set(&secret, console.sessions.lifetime().absolute_seconds))
}

/// Answers with a page, and adds an entry to the audit log.
async fn failed(console: &Console, parts: &Parts, failure: Failure) -> Response {
    if let Ok(origin) = console.origin(parts, Actor::Anonymous) {
        console.refusals.note(&console.sessions, origin, json!({"reason": failure.reason})).await;
    }
    sign_in_failed(parts.uri.path(), failure.status, &failure.why, failure.remedy)
}

/// Writes the cookie of an attempt. `Lax`, since the provider sends the browser back from another site.
fn cookie(console: &Console, attempt: &Attempt, return_to: &ReturnTo) -> String {
    let (secret, path) = (attempt.expose(), console.cookie.path());
    let secure = if console.cookie.is_secure() { "; Secure" } else { "" };
    format!(
        "{ATTEMPT}={secret}.{}; Max-Age={ATTEMPT_SECONDS}; Path={path}/sign-in; HttpOnly; SameSite=Lax{secure}",
        return_to.encoded()
    )
}

fn cleared(console: &Console) -> String {
    format!("{ATTEMPT}=; Max-Age=0; Path={}/sign-in; HttpOnly; SameSite=Lax", console.cookie.path())
}

fn attempt_of(parts: &Parts) -> Option<(Attempt, ReturnTo)> {
    let (secret, return_to) = only_cookie(&parts.headers, ATTEMPT)?.split_once('.')?;
    Some((Attempt::parse(secret)?, ReturnTo::decoded(return_to)))
}

impl Failure {
    fn new(status: StatusCode, reason: &str, why: impl Into<String>, remedy: &'static str) -> Self {
        Self { status, reason: reason.to_owned(), why: why.into(), remedy }
    }

    fn off() -> Self {
        let why = "This server has no sign-in with an account of your organisation.";
        Self::new(StatusCode::NOT_FOUND, "oidc_off", why, "Sign in with a key.")
    }

    fn without_attempt() -> Self {
        let why = "This browser has begun no sign-in, or took longer than a quarter of an hour for it.";
        Self::new(StatusCode::BAD_REQUEST, "attempt_unknown", why, AGAIN)
    }

    fn state() -> Self {
        let why = "The answer of the sign-in does not belong to the sign-in that this browser began.";
        Self::new(StatusCode::BAD_REQUEST, "state_wrong", why, AGAIN)
    }

    fn refused_by_provider(error: &str) -> Self {
        let shown: String = error.chars().filter(|one| one.is_ascii_alphanumeric() || *one == '_').take(64).collect();
        let why = format!("The sign-in with your organisation was refused or cancelled ({shown}).");
        Self::new(StatusCode::FORBIDDEN, "provider_refused", why, AGAIN)
    }

    fn without_access(person: &str, shown: &str) -> Self {
        let why = format!("You are known as {shown}, and have no access to a project of this server.");
        let remedy = "Ask an administrator of this server to make you a member of a project.";
        Self::new(StatusCode::FORBIDDEN, &format!("no_membership {person}"), why, remedy)
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        match &error {
            ProviderError::Token(refused) => {
                let why = format!("The answer of the sign-in is not valid: {refused}.");
                Self::new(StatusCode::FORBIDDEN, refused.name(), why, AGAIN)
            }
            ProviderError::Code(code) => {
                let why = format!("The sign-in was refused ({code}).");
                Self::new(StatusCode::FORBIDDEN, "code_refused", why, AGAIN)
            }
            ProviderError::Unusable(_)
            | ProviderError::Unreachable(_)
            | ProviderError::Resting
            | ProviderError::Answer(_) => {
                tracing::warn!(error = %ErrorChain(&error), "OpenID provider failed");
                let why = "The sign-in service of your organisation does not answer, or not as it should.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_failed", why, LATER)
            }
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let status = error.clone().into_response().status();
        Self::new(status, "sign_in_failed", error.text(), LATER)
    }
}
