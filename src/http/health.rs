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
const READY: &str = "ready";
const UNAVAILABLE: &str = "unavailable";

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

/// The state of a server.
#[derive(Debug)]
pub struct Report {
    /// The readiness, as a word.
    pub status: &'static str,
    /// The state of the metadata store, as a word.
    pub metadata: &'static str,
    /// The state of the blob store, as a word.
    pub blobs: &'static str,
    /// The warnings for the operator.
    pub warnings: Vec<String>,
    /// The state of the alerts.
    pub alerts: OutboxStatus,
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
    let Report { status, metadata, blobs, warnings, .. } = health.report().await;
    let code = if status == READY { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    wire::json(code, &Ready { status, metadata, blobs, warnings: &warnings })
}

impl Health {
    /// Reports the state of both stores, and what deserves a look.
    pub async fn report(&self) -> Report {
        let stores = self.files.probe().await;
        let is_down = |state| matches!(state, StoreState::Unavailable | StoreState::ReadOnly);
        let down = is_down(stores.metadata) || is_down(stores.blobs);
        let mut warnings = self.warnings.clone();
        warnings.extend(self.refusals.warnings());
        warnings.extend(stores.held_expiry.map(|_| EXPIRY_HELD.to_owned()));
        let sinks = SinkName::ALL.into_iter().zip(&stores.outbox);
        warnings.extend(sinks.clone().filter_map(|(sink, status)| refused(sink, status)));
        let apart = stores.apart.map(|apart| format!("{apart} ({LOOK_THERE})"));
        warnings.extend(apart.filter(|_| self.warnings.iter().all(|warning| !warning.contains(LOOK_THERE))));
        let alerts = sinks.into_iter().find(|(sink, _)| *sink == SinkName::Alerts).map(|(_, status)| *status);
        Report {
            status: if down { UNAVAILABLE } else { READY },
            metadata: name(stores.metadata),
            blobs: name(stores.blobs),
            warnings,
            alerts: alerts.unwrap_or_default(),
        }
    }
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
