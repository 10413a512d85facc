//! Who is asking: the only way to a [`WorkspaceId`](crate::model::ids::WorkspaceId).
//!
//! Everything under `/v1` is authenticated before anything else happens to it, the answers 404, 405 and 501 included; and
//! whether the key may do what its route does is decided before the route begins.

use super::SharedHall;
use super::address::ClientAddress;
use super::catalogue::ErrorKind;
use super::cors::is_api;
use super::error::ApiError;
use super::failed_logins;
use crate::keys::VerifiedKey;
use crate::model::api_key::{KeySecret, Opens};
use crate::model::audit::{Actor, Origin};
use crate::model::caller::Caller;
use crate::model::ids::RequestId;
use crate::model::limits::LimitsInForce;
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method};
use std::borrow::Cow;
use std::net::IpAddr;

/// Which keys a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Those of workspaces, with this scope.
    Scope(Scope),
    /// Those of administrators.
    Admin,
    /// Those of administrators, and those of workspaces with this scope.
    AdminOr(Scope),
    /// All.
    AnyKey,
}

/// The key of a request, which opens something.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The key.
    pub key: VerifiedKey,
    request: RequestId,
}

/// The holder of a key of an administrator, as what is done remembers it.
#[derive(Clone, Copy, Debug)]
pub struct Administrator(pub Origin);

/// What the key of a request may store.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// How much at most.
    pub limits: LimitsInForce,
    /// Of which purposes.
    pub purposes: &'static [Purpose],
}

/// Lets a request under `/v1` pass with its [`Holder`], or answers 401, or 429 to a client that goes on failing.
pub async fn authenticate(State(hall): State<SharedHall>, mut request: Request, next: Next) -> Response {
    if !is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let secret = secret(request.method(), request.headers());
    match identify(&hall, request.extensions(), request.headers(), secret).await {
        Ok(holder) => {
            request.extensions_mut().insert(holder);
            next.run(request).await
        }
        Err(error) => failed_logins::limit(&hall, &request, error).into_response(),
    }
}

async fn identify(
    hall: &SharedHall,
    extensions: &Extensions,
    headers: &HeaderMap,
    secret: Result<Cow<'_, str>, ApiError>,
) -> Result<Holder, ApiError> {
    let key = hall.keys.verify(&secret?, || failed_logins::admit(hall, extensions, headers)).await?;
    let request = *extensions.get().ok_or_else(ApiError::internal)?;
    Ok(Holder { key, request })
}

/// The secret of `Authorization`: the token of `Bearer` (RFC 6750, section 2.1), or of `Basic` (RFC 7617) the password, or the
/// user where that is empty; the scheme in any case (RFC 9110, section 11.1). `Basic` is for readers that know nothing but a
/// URL. A browser may send it by itself, so nothing is changed by it.
fn secret<'a>(method: &Method, headers: &'a HeaderMap) -> Result<Cow<'a, str>, ApiError> {
    let (scheme, token) = credentials(headers).ok_or_else(ApiError::missing_key)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Cow::Borrowed(token));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(ApiError::missing_key());
    }
    if ![Method::GET, Method::HEAD].contains(method) {
        return Err(ApiError::basic_of_reads());
    }
    basic(token).map(Cow::Owned).ok_or_else(ApiError::missing_key)
}

/// The secret of a request that has a key of `Bearer`.
///
/// # Errors
/// When it has none.
pub fn bearer(headers: &HeaderMap) -> Result<KeySecret, ApiError> {
    let token =
        credentials(headers).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    token.and_then(|token| KeySecret::parse(token).ok()).ok_or_else(ApiError::missing_key)
}

/// The scheme and what follows it, of the one header.
fn credentials(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (!token.is_empty()).then_some((scheme, token))
}

fn basic(token: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let secret = if password.is_empty() { user } else { password };
    (!secret.is_empty()).then(|| secret.to_owned())
}

impl Access {
    /// Whether this is one of those keys.
    ///
    /// # Errors
    /// When it is not, and why.
    pub(super) fn check(self, holder: &Holder) -> Result<(), ApiError> {
        let message = match (self, holder.key.opens) {
            (Self::AnyKey, _) | (Self::Admin | Self::AdminOr(_), Opens::Administration) => return Ok(()),
            (Self::Scope(scope) | Self::AdminOr(scope), Opens::Workspace(_, scopes)) if scopes.contains(scope) => {
                return Ok(());
            }
            (Self::Scope(scope) | Self::AdminOr(scope), Opens::Workspace(..)) => {
                format!("You have insufficient permissions for this operation. Missing scopes: {scope}.")
            }
            (Self::Scope(_), Opens::Administration) => {
                "An admin key does not open the files of a workspace. Use a key of the workspace (vk_...).".to_owned()
            }
            (Self::Admin, Opens::Workspace(..)) => {
                "You have insufficient permissions for this operation. It takes an admin key (vka_...).".to_owned()
            }
        };
        Err(ApiError::new(ErrorKind::Forbidden, message))
    }
}

impl<S: Sync> FromRequestParts<S> for Holder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(ApiError::missing_key)
    }
}

impl<S: Sync> FromRequestParts<S> for Allowance {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let holder: &Holder = parts.extensions.get().ok_or_else(ApiError::missing_key)?;
        let produces = holder.key.opens.scopes().is_some_and(|scopes| scopes.contains(Scope::FilesProduce));
        let purposes: &[Purpose] = if produces { &Purpose::ALL } else { &Purpose::UPLOADABLE };
        Ok(Self { limits: holder.key.limits().clone(), purposes })
    }
}

impl FromRequestParts<SharedHall> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hall: &SharedHall) -> Result<Self, ApiError> {
        let holder: &Holder = parts.extensions.get().ok_or_else(ApiError::missing_key)?;
        // Routes say which scope they need, and no route for administrators asks for a caller.
        let workspace = holder.key.opens.workspace().ok_or_else(ApiError::missing_key)?;
        Ok(Self { workspace, key: holder.key.id, request: holder.request, address: address(parts, hall) })
    }
}

impl FromRequestParts<SharedHall> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hall: &SharedHall) -> Result<Self, ApiError> {
        let holder: &Holder = parts.extensions.get().ok_or_else(ApiError::missing_key)?;
        match holder.key.opens {
            Opens::Administration => Ok(Self(Origin {
                actor: Actor::Key(holder.key.id),
                address: address(parts, hall),
                request: Some(holder.request),
            })),
            Opens::Workspace(..) => Err(ApiError::missing_key()),
        }
    }
}

fn address(parts: &Parts, hall: &SharedHall) -> Option<IpAddr> {
    ClientAddress::of(&parts.extensions, &parts.headers, &hall.trusted_proxies).map(|ClientAddress(address)| address)
}
