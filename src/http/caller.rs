//! Who is asking: the only way to a [`WorkspaceId`].
//!
//! Everything under `/v1` is authenticated before anything else happens to it, the answers 404, 405 and 501 included.

use super::SharedHall;
use super::error::ApiError;
use super::failed_logins;
use crate::model::ids::WorkspaceId;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

/// The holder of a valid key.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The key's workspace.
    pub workspace: WorkspaceId,
}

/// Lets a request under `/v1` pass with its [`Caller`], or answers 401, or 429 to a client that goes on failing.
pub async fn authenticate(State(hall): State<SharedHall>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path != "/v1" && !path.starts_with("/v1/") {
        return next.run(request).await;
    }
    match identify(&hall, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => failed_logins::limit(&hall, &request, error).into_response(),
    }
}

async fn identify(hall: &SharedHall, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let secret = bearer(headers).ok_or_else(ApiError::missing_key)?;
    let key = hall.keys.verify(secret).await?;
    Ok(Caller { workspace: key.workspace })
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1); the scheme in any case (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().copied().ok_or_else(ApiError::missing_key)
    }
}
