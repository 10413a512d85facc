//! The console's part of the server: sessions, sign-in, and the API for its pages.
//!
//! Below `/console/api/v1` stand the routes of `/v1` themselves. A request there has the cookie of a session instead of
//! a key. Cookies mean nothing outside of `/console`, and no answer below it has CORS headers.

mod authenticate;
mod oidc;
mod return_to;
mod sessions;
mod sign_in;
mod wire;

pub use authenticate::authenticate;

use super::dialect::is_of_openai;
use super::session::Console;
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{delete, get, post};
use std::sync::Arc;

/// The path below which the routes of `/v1` take sessions.
pub const API: &str = "/console/api";

/// Builds the routes of sessions.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Arc<Console>: FromRef<S>,
{
    Router::new()
        .route("/console/api/sign-in", get(sign_in::retrieve_ways).post(sign_in::sign_in))
        .route("/console/api/sign-out", post(sign_in::sign_out))
        .route("/console/api/session", get(sessions::retrieve_session))
        .route("/console/api/sessions", get(sessions::list_sessions))
        .route("/console/api/sessions/{id}", delete(sessions::end_session))
        .route("/console/sign-in/oidc", get(oidc::begin))
        .route("/console/sign-in/oidc/callback", get(oidc::finish))
        .route("/console/oidc/back-channel-logout", post(oidc::log_out))
}

/// Returns the path of the API that a path of the console stands for: `/v1/files` of `/console/api/v1/files`.
pub fn api_path(path: &str) -> Option<&str> {
    path.strip_prefix(API).filter(|rest| is_of_openai(rest))
}
