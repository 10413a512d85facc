//! Which path leads where.

use super::caller::{Holder, authenticate};
use super::catalogue::ErrorKind;
use super::error::ApiError;
use super::{SharedHall, edge, health, reference, routes};
use axum::Router;
use axum::middleware::from_fn_with_state;
use http::{Method, Uri};
use std::sync::Arc;

/// First segments below `/v1` that are OpenAI's and not served here yet.
pub(super) const NOT_YET: [&str; 22] = [
    "assistants",
    "audio",
    "batches",
    "chat",
    "chatkit",
    "completions",
    "containers",
    "conversations",
    "embeddings",
    "evals",
    "fine_tuning",
    "graders",
    "images",
    "models",
    "moderations",
    "organization",
    "realtime",
    "responses",
    "skills",
    "threads",
    "vector_stores",
    "videos",
];

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
async fn unknown_path(method: Method, uri: Uri, holder: Result<Holder, ApiError>) -> ApiError {
    let path = uri.path();
    let family = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    if holder.is_ok() && family.is_some_and(|family| NOT_YET.contains(&family)) {
        return ApiError::new(
            ErrorKind::NotImplemented,
            format!("Endpoint '{method} {path}' is not implemented yet on Venna gateway"),
        );
    }
    ApiError::new(ErrorKind::UnknownUrl, format!("Invalid URL ({method} {path})"))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("Method {method} is not supported on {}; see the Allow header.", uri.path());
    ApiError::new(ErrorKind::WrongMethod, message)
}
