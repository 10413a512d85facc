//! Requests to signed URLs, which need no key: each acts as the key that the URL was made with. Limits, fairness and
//! the bill are those of the key.

use super::caller::{Authenticator, Principal};
use super::error::ApiError;
use super::rates::RateLimitState;
use super::state::AppState;
use crate::links::RefusedLink;
use crate::model::api_key::Credential;
use crate::model::limits::Limit;
use axum::extract::FromRef;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use std::sync::Arc;

/// Returns the answer to a URL that is not opened: `refusal`, which is the same for all reasons, or the failure of a
/// store. A forged one counts as a failed login.
pub fn refuse(state: &AppState, parts: &Parts, refused: RefusedLink, refusal: ApiError) -> Response {
    match refused {
        RefusedLink::Metadata(error) => ApiError::from(error).into_response(),
        RefusedLink::Dead => refusal.into_response(),
        RefusedLink::Forged => {
            let authenticator = Arc::<Authenticator>::from_ref(state);
            authenticator.count_failed_login(&parts.extensions, &parts.headers, refusal).into_response()
        }
    }
}

/// Verifies the key of a URL and makes it the principal of the request, within its limits.
///
/// # Errors
/// The answer `refusal` when the key has ended, and that of a limit that is reached.
pub fn act_as(
    state: &AppState,
    parts: &mut Parts,
    credential: Credential,
    measures: &[Limit],
    refusal: ApiError,
) -> Result<Option<RateLimitState>, Box<Response>> {
    let authenticator = Arc::<Authenticator>::from_ref(state);
    let key = authenticator.keys.verify_member(credential).map_err(|_| Box::new(refusal.into_response()))?;
    let principal = Principal::of(key, &parts.extensions).map_err(|error| Box::new(error.into_response()))?;
    let rate = state.request_limits().admit(&principal, &parts.extensions, measures)?;
    parts.extensions.insert(principal);
    Ok(rate)
}
