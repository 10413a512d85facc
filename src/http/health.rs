//! Liveness and readiness.

use super::{SharedHall, wire};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready<'a> {
    status: &'static str,
    metadata: &'static str,
    blobs: &'static str,
    warnings: &'a [String],
}

pub fn routes() -> Router<SharedHall> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

async fn healthz() -> Response {
    wire::json(StatusCode::OK, &Alive { status: "ok" })
}

async fn readyz(State(hall): State<SharedHall>) -> Response {
    let answers = hall.files.probe().await;
    let word = |answers: bool, yes| if answers { yes } else { "unavailable" };
    let ready = answers.metadata && answers.blobs;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Ready {
        status: word(ready, "ready"),
        metadata: word(answers.metadata, "ok"),
        blobs: word(answers.blobs, "ok"),
        warnings: &hall.warnings,
    };
    wire::json(status, &body)
}
