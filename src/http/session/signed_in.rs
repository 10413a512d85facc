//! From the cookie of a request to its session and the key behind it.

use super::cookie::SessionCookie;
use super::forgery;
use super::project;
use super::refusals::Refusals;
use crate::clock::Clock;
use crate::http::access::RequestContext;
use crate::http::address::ClientAddress;
use crate::http::caller::Authenticator;
use crate::http::error::ApiError;
use crate::keys::{Refusal, VerifiedKey};
use crate::model::audit::{Actor, Origin};
use crate::model::person::{Membership, Person};
use crate::model::session::{Session, SessionSecret};
use crate::oidc::{Provider, Rule};
use crate::people::People;
use crate::sessions::{SessionRefusal, Sessions};
use crate::workspaces::Workspaces;
use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::SET_COOKIE;
use http::request::Parts;
use serde_json::json;
use std::sync::Arc;

/// The sign-in by OpenID Connect.
#[derive(Debug)]
pub struct Oidc {
    /// The provider.
    pub provider: Provider,
    /// The rules that give people roles.
    pub rules: Vec<Rule>,
    /// The clock, for the times of tokens.
    pub clock: Clock,
}

/// The dependencies of the routes of the console.
#[derive(Debug)]
pub struct Console {
    /// The sessions.
    pub sessions: Sessions,
    /// The service that verifies keys, and the failed logins of networks.
    pub authenticator: Arc<Authenticator>,
    /// The workspaces, for their names.
    pub workspaces: Arc<Workspaces>,
    /// The people.
    pub people: Arc<People>,
    /// The sign-in by OpenID Connect; none if it is off.
    pub oidc: Option<Oidc>,
    /// The cookie.
    pub cookie: SessionCookie,
    /// The refusals in the audit log.
    pub refusals: Refusals,
}

/// The session of a request.
#[derive(Clone, Debug)]
pub struct FoundSession {
    /// The secret of the session.
    pub secret: SessionSecret,
    /// The session.
    pub session: Session,
    /// The origin of the request, for the audit log.
    pub origin: Origin,
}

/// The session of a request, and who holds it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub found: FoundSession,
    /// The holder.
    pub holder: Holder,
}

/// The holder of a session.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Whoever has this key.
    Key(VerifiedKey),
    /// A person with memberships.
    Person(Person, Vec<Membership>),
}

impl Holder {
    /// Returns whether the holder may open the administration.
    pub fn is_administrator(&self) -> bool {
        match self {
            Self::Key(key) => key.opens.workspace().is_none(),
            Self::Person(_, memberships) => memberships.iter().any(|one| one.workspace.is_none()),
        }
    }
}

impl Console {
    /// Assembles the dependencies.
    #[must_use]
    pub fn new(
        sessions: Sessions,
        authenticator: Arc<Authenticator>,
        workspaces: Arc<Workspaces>,
        people: Arc<People>,
        oidc: Option<Oidc>,
        cookie: SessionCookie,
    ) -> Self {
        Self { sessions, authenticator, workspaces, people, oidc, cookie, refusals: Refusals::default() }
    }

    /// Returns the session of a request that no other site can have forged.
    ///
    /// # Errors
    /// When it has none, its session has ended, or another site may have forged it.
    pub async fn find(&self, parts: &Parts) -> Result<FoundSession, ApiError> {
        let value = self.cookie.read(&parts.headers).ok_or_else(ApiError::not_signed_in)?;
        let (secret, session) = match self.sessions.find(value).await {
            Ok(found) => found,
            Err(SessionRefusal::Unknown) => return Err(self.refuse_unknown(parts).await),
            Err(SessionRefusal::Ended) => return Err(self.ended()),
            Err(SessionRefusal::Metadata(error)) => return Err(error.into()),
        };
        forgery::check(parts, &secret)?;
        let origin = self.origin(parts, session.actor)?;
        Ok(FoundSession { secret, session, origin })
    }

    /// Returns the holder of a session. A session whose holder may do nothing any more ends.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn holder(&self, found: &FoundSession, parts: &Parts) -> Result<Holder, ApiError> {
        let Actor::Person(id) = found.session.actor else { return self.key(found, parts).await.map(Holder::Key) };
        let memberships = self.people.memberships(id).await?;
        match self.people.find(id).await? {
            Some(person) if !memberships.is_empty() => Ok(Holder::Person(person, memberships)),
            Some(_) | None => Err(self.end(found).await?),
        }
    }

    /// Returns the key with which a request is admitted to a route: that of the session, or the membership of a person
    /// in the workspace that the request means.
    ///
    /// # Errors
    /// When the session has ended, or the person is no member of that workspace.
    pub async fn key_for(&self, found: &FoundSession, parts: &Parts) -> Result<VerifiedKey, ApiError> {
        let Actor::Person(person) = found.session.actor else { return self.key(found, parts).await };
        let workspace = match project::named(parts)? {
            Some(named) => Some(named),
            None => match self.holder(found, parts).await? {
                Holder::Person(_, memberships) => project::usual(parts, &memberships)?,
                Holder::Key(key) => return Ok(key),
            },
        };
        let credential = self.people.credential(person, workspace).await?.ok_or_else(ApiError::not_a_member)?;
        self.authenticator.keys.verify_member(credential).map_err(|_| ApiError::not_a_member())
    }

    /// Returns the key of a session, which ends with its key.
    async fn key(&self, found: &FoundSession, parts: &Parts) -> Result<VerifiedKey, ApiError> {
        let Some(digest) = found.session.key_digest else { return Err(self.end(found).await?) };
        let may_look_up = || self.authenticator.admit_look_up(&parts.extensions, &parts.headers);
        match self.authenticator.keys.verify_digest(digest, may_look_up).await {
            Ok(key) => Ok(key),
            Err(refusal @ (Refusal::TooManyTried { .. } | Refusal::Unavailable(_))) => Err(refusal.into()),
            Err(Refusal::Unknown | Refusal::Expired | Refusal::Replaced | Refusal::Archived) => {
                Err(self.end(found).await?)
            }
        }
    }

    /// Ends a session whose holder may do nothing any more. Returns the answer.
    async fn end(&self, found: &FoundSession) -> Result<ApiError, ApiError> {
        self.sessions.end(found.session.id, None, found.origin).await?;
        Ok(self.ended())
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
        let console = Arc::<Console>::from_ref(state);
        let found = console.find(parts).await?;
        let holder = console.holder(&found, parts).await?;
        Ok(Self { found, holder })
    }
}
