//! Liveness and readiness.

use super::reload_refusals::ReloadRefusals;
use super::wire;
use crate::files::{Files, StoreState};
use crate::model::outbox::{OutboxStatus, SinkName};
use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

const HEALTHZ: &str = "/healthz";
const READYZ: &str = "/readyz";

/// The warning while expiry is held.
const EXPIRY_HELD: &str = "the clock jumped forward and expiry is held: set the clock right, or run `venna clock confirm` (docs/operations.md, \"Clocks\")";

/// The section on rows and bytes of different installations.
const LOOK_THERE: &str = "docs/operations.md, \"Metadata and blobs\"";

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

/// The dependencies of readiness.
#[derive(Debug)]
pub struct Health {
    /// The service that probes both stores.
    pub files: Arc<Files>,
    /// The warnings of the start.
    pub warnings: Vec<String>,
    /// The refused reloads.
    pub refusals: Arc<ReloadRefusals>,
}

/// Builds the routes of health.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Arc<Health>: FromRef<S>,
{
    Router::new().route(HEALTHZ, get(healthz)).route(READYZ, get(readyz))
}

async fn healthz() -> Response {
    wire::json(StatusCode::OK, &Alive { status: "ok" })
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let stores = health.files.probe().await;
    let is_down = |state| matches!(state, StoreState::Unavailable | StoreState::ReadOnly);
    let down = is_down(stores.metadata) || is_down(stores.blobs);
    let (status, word) =
        if down { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") } else { (StatusCode::OK, "ready") };
    let mut warnings = health.warnings.clone();
    warnings.extend(health.refusals.warnings());
    warnings.extend(stores.held_expiry.map(|_| EXPIRY_HELD.to_owned()));
    warnings.extend(SinkName::ALL.into_iter().zip(&stores.outbox).filter_map(|(sink, status)| refused(sink, status)));
    let apart = stores.apart.map(|apart| format!("{apart} ({LOOK_THERE})"));
    warnings.extend(apart.filter(|_| health.warnings.iter().all(|warning| !warning.contains(LOOK_THERE))));
    let body = Ready { status: word, metadata: name(stores.metadata), blobs: name(stores.blobs), warnings: &warnings };
    wire::json(status, &body)
}

/// Returns the warning of a sink that refuses messages.
fn refused(sink: SinkName, status: &OutboxStatus) -> Option<String> {
    let (name, count) = (sink.name(), status.refused);
    let last = status.last_refusal.filter(|_| count > 0)?;
    Some(format!(
        "the {name} sink refuses {count} messages, the last with {last}: `venna usage export refused --sink {name}`"
    ))
}

const fn name(state: StoreState) -> &'static str {
    match state {
        StoreState::Ready => "ok",
        StoreState::Full => "full",
        StoreState::ReadOnly => "read_only",
        StoreState::Unavailable => "unavailable",
    }
}
