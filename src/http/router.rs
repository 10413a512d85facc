//! Which path leads where.

use super::caller::{Holder, authenticate};
use super::catalogue::ErrorKind;
use super::error::ApiError;
use super::unknown::{self, NOT_YET, as_of_get};
use super::{SharedHall, edge, health, reference, routes};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode, Uri};
use std::sync::Arc;

/// The target of `OPTIONS` that is no path.
const WHOLE_SERVER: &str = "*";
/// The methods of the operations, and that by which they are asked for.
const METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";

/// The main listener: the API, its reference, and health.
pub fn router(hall: SharedHall) -> Router {
    routes::router()
        .merge(health::routes())
        .merge(reference::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&hall), authenticate))
        .layer(from_fn_with_state(Arc::clone(&hall), edge::attend))
        .with_state(hall)
}

/// The administrative listener: health.
pub fn admin_router(hall: SharedHall) -> Router {
    health::routes()
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&hall), edge::attend))
        .with_state(hall)
}

/// A holder is there for all that is below `/v1`: what is not served is told to nobody without a key.
async fn unknown_path(method: Method, uri: Uri, holder: Result<Holder, ApiError>) -> Response {
    if method == Method::OPTIONS && uri.path() == WHOLE_SERVER {
        return options_of_server();
    }
    no_operation(&method, uri.path(), holder.is_ok()).into_response()
}

/// What the server as a whole takes (RFC 9110, section 9.3.7).
fn options_of_server() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

fn no_operation(method: &Method, path: &str, has_key: bool) -> ApiError {
    let family = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    if has_key && family.is_some_and(|family| NOT_YET.contains(&family)) {
        return ApiError::new(
            ErrorKind::NotImplemented,
            format!("Endpoint '{} {path}' is not implemented yet on Venna gateway", as_of_get(method)),
        );
    }
    unknown::url(method, path)
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("Method {} is not supported on {}; see the Allow header.", as_of_get(&method), uri.path());
    ApiError::new(ErrorKind::WrongMethod, message)
}
