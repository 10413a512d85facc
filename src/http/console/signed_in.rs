//! From the cookie of a request to its session and the key behind it.

use super::cookie::SessionCookie;
use super::forgery;
use super::refusals::Refusals;
use crate::http::access::RequestContext;
use crate::http::address::ClientAddress;
use crate::http::caller::Authenticator;
use crate::http::error::ApiError;
use crate::keys::{Refusal, VerifiedKey};
use crate::model::audit::{Actor, Origin};
use crate::model::session::{Session, SessionSecret};
use crate::sessions::{SessionRefusal, Sessions};
use crate::workspaces::Workspaces;
use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::SET_COOKIE;
use http::request::Parts;
use serde_json::json;
use std::sync::Arc;

/// What the routes of the console use.
#[derive(Debug)]
pub struct Console {
    /// The sessions.
    pub sessions: Sessions,
    /// The service that verifies keys, and the failed logins of networks.
    pub authenticator: Arc<Authenticator>,
    /// The workspaces, for their names.
    pub workspaces: Arc<Workspaces>,
    /// The cookie.
    pub cookie: SessionCookie,
    /// The refusals in the audit log.
    pub refusals: Refusals,
}

/// The session of a request.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The secret of the session.
    pub secret: SessionSecret,
    /// The session.
    pub session: Session,
    /// The key behind it.
    pub key: VerifiedKey,
    /// The origin of the request, for the audit log.
    pub origin: Origin,
}

impl Console {
    /// Assembles the dependencies.
    #[must_use]
    pub fn new(
        sessions: Sessions,
        authenticator: Arc<Authenticator>,
        workspaces: Arc<Workspaces>,
        cookie: SessionCookie,
    ) -> Self {
        Self { sessions, authenticator, workspaces, cookie, refusals: Refusals::default() }
    }

    /// Returns the session of a request, whose client may do what the request says.
    ///
    /// # Errors
    /// When it has none, its session has ended or opens nothing any more, or another site may have forged it.
    pub async fn identify(&self, parts: &Parts) -> Result<SignedIn, ApiError> {
        let value = self.cookie.read(&parts.headers).ok_or_else(ApiError::not_signed_in)?;
        let (secret, session) = match self.sessions.find(value).await {
            Ok(found) => found,
            Err(SessionRefusal::Unknown) => return Err(self.refuse_unknown(parts).await),
            Err(SessionRefusal::Ended) => return Err(self.ended()),
            Err(SessionRefusal::Metadata(error)) => return Err(error.into()),
        };
        forgery::check(parts, &secret)?;
        let origin = self.origin(parts, session.actor)?;
        match self.key_of(&session, parts).await {
            Ok(key) => Ok(SignedIn { secret, session, key, origin }),
            Err(refusal @ (Refusal::TooManyTried { .. } | Refusal::Unavailable(_))) => Err(refusal.into()),
            Err(Refusal::Unknown | Refusal::Expired | Refusal::Replaced | Refusal::Archived) => {
                self.sessions.end(session.id, None, origin).await?;
                Err(self.ended())
            }
        }
    }

    /// Returns the key behind a session, if it still opens something.
    async fn key_of(&self, session: &Session, parts: &Parts) -> Result<VerifiedKey, Refusal> {
        let digest = session.key_digest.ok_or(Refusal::Unknown)?;
        let may_look_up = || self.authenticator.admit_look_up(&parts.extensions, &parts.headers);
        self.authenticator.keys.verify_digest(digest, may_look_up).await
    }

    /// Answers a secret that no session has: it counts as a failed login of its network.
    async fn refuse_unknown(&self, parts: &Parts) -> ApiError {
        if let Ok(origin) = self.origin(parts, Actor::Anonymous) {
            self.refusals.note(&self.sessions, origin, json!({"reason": "unknown_session"})).await;
        }
        let counted = self.authenticator.count_failure(&parts.extensions, &parts.headers, ApiError::incorrect_key());
        if counted.kind() == ApiError::incorrect_key().kind() { self.ended() } else { counted }
    }

    /// Returns the answer to a session that has ended, which removes the cookie.
    fn ended(&self) -> ApiError {
        ApiError::session_expired().header(SET_COOKIE, &self.cookie.clear())
    }

    /// Returns the origin of a request for the audit log.
    ///
    /// # Errors
    /// When the request did not pass the request middleware.
    pub fn origin(&self, parts: &Parts, actor: Actor) -> Result<Origin, ApiError> {
        let context: &RequestContext = parts.extensions.get().ok_or_else(ApiError::internal)?;
        let address = self.address(parts, &parts.headers);
        Ok(Origin { actor, address, request: Some(context.id) })
    }

    fn address(&self, parts: &Parts, headers: &HeaderMap) -> Option<std::net::IpAddr> {
        let client = ClientAddress::of(&parts.extensions, headers, &self.authenticator.trusted_proxies);
        client.map(|ClientAddress(address)| address)
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn
where
    Arc<Console>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Arc::<Console>::from_ref(state).identify(parts).await
    }
}
