//! Authentication below `/console/api/v1`: from the session of a request to the `Principal` of its key.

use crate::http::caller::Principal;
use crate::http::error::ApiError;
use crate::http::session::Console;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Adds the principal of its session to a request below `/console/api/v1`, or answers 401 or 403.
pub async fn authenticate(console: Arc<Console>, request: Request, next: Next) -> Response {
    match admit(&console, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn admit(console: &Console, request: Request) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let found = console.find(&parts).await?;
    let principal = Principal::of(console.key_for(&found, &parts).await?, &parts.extensions)?;
    parts.extensions.insert(principal);
    parts.extensions.insert(found.secret);
    Ok(Request::from_parts(parts, body))
}
