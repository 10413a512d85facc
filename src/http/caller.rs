//! Authentication: from the key of a request to its [`Principal`] and its caller, from which handlers of Files and
//! Uploads have their [`WorkspaceId`].
//!
//! Every request of the API, in any dialect, is authenticated first, also those that are answered 404, 405 or 501. A
//! route checks the access of the key before its handler runs.

use super::access::RequestContext;
use super::address::ClientAddress;
use super::catalogue::ErrorKind;
use super::credentials;
use super::dialect::{self, needs_key};
use super::error::ApiError;
use super::failed_logins::FailedLogins;
use super::rates::RetryAfter;
use crate::keys::{Keys, VerifiedKey};
use crate::metrics::METRICS;
use crate::model::api_key::Opens;
use crate::model::audit::{Actor, Origin};
use crate::model::caller::Caller;
use crate::model::dialect::Dialect;
use crate::model::ids::{RequestId, WorkspaceId};
use crate::model::limits::LimitsInForce;
use crate::model::person::Role;
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use crate::model::session::SessionSecret;
use crate::traces::Step;
use axum::extract::{FromRef, FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The path of routes that name a project.
const PROJECTS: &str = "/v1/organization/projects/";

/// The keys that a route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Workspace keys with this scope.
    Scope(Scope),
    /// Admin keys.
    Admin,
    /// Administrators, and people who own the project of the path.
    AdminOrOwner,
    /// Admin keys, and workspace keys with this scope.
    AdminOr(Scope),
    /// All keys.
    AnyKey,
}

/// The authenticated key of a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The key.
    pub key: VerifiedKey,
    request: RequestId,
    dialect: Dialect,
}

impl Principal {
    /// Makes the principal of a request whose key was verified, and tells the access log and the metrics of it.
    ///
    /// # Errors
    /// When the request did not pass the request middleware.
    pub fn of(key: VerifiedKey, extensions: &Extensions) -> Result<Self, ApiError> {
        let context: &RequestContext = extensions.get().ok_or_else(ApiError::internal)?;
        context.note(&key);
        Ok(Self { key, request: context.id, dialect: context.dialect })
    }

    /// Returns who acts, for the audit log.
    fn actor(&self) -> Actor {
        self.key.member().map_or(Actor::Key(self.key.id), |member| Actor::Person(member.person))
    }

    /// Returns whether a person with the role of an owner acts.
    fn is_owner(&self) -> bool {
        self.key.member().is_some_and(|member| member.role == Role::Owner)
    }
}

/// The kind of secret that authenticated a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A key.
    Key,
    /// The session of a page of the console.
    Session,
}

/// The administrator of a request, or the owner of its project, as the audit log records it.
#[derive(Clone, Copy, Debug)]
pub struct Administrator(pub Origin);

/// The limits and purposes of what the key of a request may upload.
#[derive(Clone, Debug)]
pub struct UploadPolicy {
    /// The limits in force.
    pub limits: LimitsInForce,
    /// The purposes that its Files may have.
    pub purposes: &'static [Purpose],
}

/// The dependencies of authentication.
#[derive(Debug)]
pub struct Authenticator {
    /// The service that verifies keys.
    pub keys: Arc<Keys>,
    /// The failed logins of each network.
    pub failed_logins: FailedLogins,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Arc<[IpNet]>,
}

/// Adds the [`Principal`] to a request of the API, or answers 401, or 429 to a network that keeps failing.
pub async fn authenticate(authenticator: Arc<Authenticator>, mut request: Request, next: Next) -> Response {
    if !needs_key(request.uri().path()) {
        return next.run(request).await;
    }
    let dialect = dialect::of_path(request.uri().path());
    let secret = credentials::secret(dialect, request.method(), request.uri(), request.headers());
    let step = Step::begin("authenticate");
    let identified = authenticator.identify(request.extensions(), request.headers(), secret).await;
    drop(step);
    match identified {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(error) => authenticator.count_failure(request.extensions(), request.headers(), error).into_response(),
    }
}

impl Authenticator {
    async fn identify(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
        secret: Result<Cow<'_, str>, ApiError>,
    ) -> Result<Principal, ApiError> {
        let key = self.keys.verify(&secret?, || self.admit_look_up(extensions, headers)).await?;
        Principal::of(key, extensions)
    }

    /// Permits the look-up of an unknown key, or returns the time that its client must wait.
    pub(super) fn admit_look_up(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<(), Duration> {
        if !self.failed_logins.is_limited() {
            return Ok(());
        }
        let client = ClientAddress::of(extensions, headers, &self.trusted_proxies);
        client.map_or(Ok(()), |client| self.failed_logins.admit(client)).map_err(|RetryAfter(wait)| wait)
    }

    /// Counts an error as a failed login if it is one of a wrong key.
    pub(super) fn count_failure(&self, extensions: &Extensions, headers: &HeaderMap, error: ApiError) -> ApiError {
        let is_of_key = error.kind() == ErrorKind::InvalidKey;
        if is_of_key { self.count_failed_login(extensions, headers, error) } else { error }
    }

    /// Counts a failed login. Returns its error, or the one of the rate limit once it is reached.
    pub(super) fn count_failed_login(&self, extensions: &Extensions, headers: &HeaderMap, error: ApiError) -> ApiError {
        METRICS.failed_logins.inc();
        let client = ClientAddress::of(extensions, headers, &self.trusted_proxies);
        match client.map_or(Ok(()), |client| self.failed_logins.count(client)) {
            Ok(()) => error,
            Err(wait) => ApiError::too_many_failed_logins(wait),
        }
    }
}

/// Returns the project of a path below `/v1/organization/projects`.
fn project_of(path: &str) -> Option<WorkspaceId> {
    path.strip_prefix(PROJECTS)?.split('/').next()?.parse().ok()
}

impl Access {
    /// Checks that the route accepts the key of a request to this path.
    ///
    /// # Errors
    /// When the route does not accept the key.
    pub(super) fn check(self, principal: &Principal, path: &str) -> Result<(), ApiError> {
        match (self, principal.key.opens) {
            (Self::AnyKey, _) | (Self::Admin | Self::AdminOrOwner | Self::AdminOr(_), Opens::Administration) => Ok(()),
            (Self::AdminOrOwner, Opens::Workspace(workspace, _))
                if principal.is_owner() && project_of(path) == Some(workspace) =>
            {
                Ok(())
            }
            (Self::Scope(scope) | Self::AdminOr(scope), Opens::Workspace(_, scopes)) if scopes.contains(scope) => {
                Ok(())
            }
            (Self::Scope(scope) | Self::AdminOr(scope), Opens::Workspace(..)) => Err(ApiError::missing_scope(scope)),
            (Self::Scope(_), Opens::Administration) => Err(ApiError::needs_workspace_key()),
            (Self::Admin | Self::AdminOrOwner, Opens::Workspace(..)) => Err(ApiError::needs_admin_key()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(ApiError::missing_key)
    }
}

impl<S: Sync> FromRequestParts<S> for Credentials {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let has_session = parts.extensions.get::<SessionSecret>().is_some();
        Ok(if has_session { Self::Session } else { Self::Key })
    }
}

impl<S: Sync> FromRequestParts<S> for UploadPolicy {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let principal: &Principal = parts.extensions.get().ok_or_else(ApiError::missing_key)?;
        let produces = principal.key.opens.scopes().is_some_and(|scopes| scopes.contains(Scope::FilesProduce));
        let purposes: &[Purpose] = if produces { &Purpose::ALL } else { &Purpose::UPLOADABLE };
        Ok(Self { limits: principal.key.limits().clone(), purposes })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller
where
    Arc<[IpNet]>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let principal: &Principal = parts.extensions.get().ok_or_else(ApiError::missing_key)?;
        // The routes check scopes, and no administrative route has a caller.
        let workspace = principal.key.opens.workspace().ok_or_else(ApiError::missing_key)?;
        Ok(Self {
            workspace,
            key: principal.key.id,
            person: principal.key.member().map(|member| member.person),
            request: principal.request,
            dialect: principal.dialect,
            address: address(parts, state),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Administrator
where
    Arc<[IpNet]>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let principal: &Principal = parts.extensions.get().ok_or_else(ApiError::missing_key)?;
        // The routes check that an owner has the project of the path.
        let may_administer = principal.key.opens == Opens::Administration || principal.is_owner();
        let origin =
            Origin { actor: principal.actor(), address: address(parts, state), request: Some(principal.request) };
        if may_administer { Ok(Self(origin)) } else { Err(ApiError::missing_key()) }
    }
}

fn address<S>(parts: &Parts, state: &S) -> Option<IpAddr>
where
    Arc<[IpNet]>: FromRef<S>,
{
    let trusted_proxies = Arc::<[IpNet]>::from_ref(state);
    ClientAddress::of(&parts.extensions, &parts.headers, &trusted_proxies).map(|ClientAddress(address)| address)
}
