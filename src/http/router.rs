//! Which path leads where.

use super::caller::{Caller, authenticate};
use super::catalogue::ErrorKind;
use super::error::ApiError;
use super::{SharedHall, content, edge, files, health, uploads};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::{Method, Uri};
use std::sync::Arc;

/// First segments below `/v1` that are OpenAI's and not served here yet.
const NOT_YET: [&str; 22] = [
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

/// The main listener: the API, and health.
pub fn router(hall: SharedHall) -> Router {
    Router::new()
        .route("/v1/files", get(files::list_files).post(files::create_file))
        .route("/v1/files/{id}", get(files::retrieve_file).delete(files::delete_file))
        .route("/v1/files/{id}/content", get(content::download_file))
        .route("/v1/uploads", post(uploads::create_upload))
        .route("/v1/uploads/{id}", get(uploads::retrieve_upload))
        .route("/v1/uploads/{id}/parts", get(uploads::list_upload_parts).post(uploads::add_upload_part))
        .route("/v1/uploads/{id}/complete", post(uploads::complete_upload))
        .route("/v1/uploads/{id}/cancel", post(uploads::cancel_upload))
        .merge(health::routes())
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

/// `Caller` is there for all that is below `/v1`: what is not served is told to nobody without a key.
async fn unknown_path(method: Method, uri: Uri, caller: Result<Caller, ApiError>) -> ApiError {
    let path = uri.path();
    let family = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
    if caller.is_ok() && family.is_some_and(|family| NOT_YET.contains(&family)) {
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
