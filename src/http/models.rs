//! `GET /v1/models`: the connection test of most tools. This gateway serves no models, so the list is always empty.

use super::wire::json;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

#[derive(Serialize)]
struct ModelList {
    object: &'static str,
    data: [(); 0],
}

/// Answers with an empty list.
pub async fn list_models() -> Response {
    json(StatusCode::OK, &ModelList { object: "list", data: [] })
}
