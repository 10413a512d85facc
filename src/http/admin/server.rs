//! The handlers that show a server to its administrators: its health, its work in the background and its configuration.

use crate::http::error::ApiError;
use crate::http::health::Health;
use crate::http::wire::json;
use crate::metadata::Backlog;
use crate::model::outbox::OutboxStatus;
use crate::model::scrub::ScrubProgress;
use crate::status::ServerStatus;
use crate::usage::Usage;
use arc_swap::ArcSwap;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// A running server, as its administrators see it.
#[derive(Debug)]
pub struct RunningServer {
    /// The Unix second of its start.
    pub started_at: u64,
    /// The status of its work in the background.
    pub status: ServerStatus,
    /// The settings in force, which a reload changes.
    pub settings: ArcSwap<Vec<SettingInForce>>,
}

/// A setting in force.
#[derive(Clone, Debug, Serialize)]
pub struct SettingInForce {
    /// The type of the object.
    pub object: &'static str,
    /// The name; `prices` for each price.
    pub name: &'static str,
    /// The value, with secrets redacted; none if the setting is not set and has no default.
    pub value: Option<String>,
    /// The origin of the value.
    pub origin: String,
}

#[derive(Debug, Serialize)]
struct ServerObject {
    object: &'static str,
    version: &'static str,
    started_at: u64,
    uptime_seconds: u64,
    status: &'static str,
    metadata: &'static str,
    blobs: &'static str,
    warnings: Vec<String>,
    sweep: SweepObject,
    scrub: Option<ScrubObject>,
    usage_export: ExportObject,
    alerts: SinkObject,
}

#[derive(Debug, Serialize)]
struct SweepObject {
    deleting_blobs: u64,
    deleting_since: Option<u64>,
    ledger_rows: u64,
}

#[derive(Debug, Serialize)]
struct ScrubObject {
    begun_at: u64,
    ended_at: Option<u64>,
    blobs: u64,
    bytes: u64,
    damaged: u64,
}

#[derive(Debug, Serialize)]
struct ExportObject {
    exported_until: Option<u64>,
    lag_seconds: u64,
    #[serde(flatten)]
    sink: SinkObject,
}

#[derive(Debug, Serialize)]
struct SinkObject {
    pending: u64,
    oldest_pending_at: Option<u64>,
    last_acknowledged_at: Option<u64>,
    refused: u64,
}

#[derive(Debug, Serialize)]
struct Settings<'a> {
    object: &'static str,
    data: &'a [SettingInForce],
    has_more: bool,
}

impl From<Backlog> for SweepObject {
    fn from(backlog: Backlog) -> Self {
        let Backlog { deleting_blobs, deleting_since, ledger_rows } = backlog;
        Self { deleting_blobs, deleting_since, ledger_rows }
    }
}

impl From<ScrubProgress> for ScrubObject {
    fn from(progress: ScrubProgress) -> Self {
        let ScrubProgress { begun_at, ended_at, blobs, bytes, damaged, .. } = progress;
        Self { begun_at, ended_at, blobs, bytes, damaged }
    }
}

impl From<OutboxStatus> for SinkObject {
    fn from(status: OutboxStatus) -> Self {
        let OutboxStatus { pending, oldest_pending_at, last_acknowledged_at, refused, .. } = status;
        Self { pending, oldest_pending_at, last_acknowledged_at, refused }
    }
}

/// `GET /v1/organization/server`: an extension.
pub async fn retrieve_server(
    State(server): State<Arc<RunningServer>>,
    State(health): State<Arc<Health>>,
    State(usage): State<Arc<Usage>>,
) -> Result<Response, ApiError> {
    let report = health.report().await;
    let export = usage.export_status().await?;
    let shown = ServerObject {
        object: "organization.server",
        version: env!("CARGO_PKG_VERSION"),
        started_at: server.started_at,
        uptime_seconds: usage.clock.now_seconds().saturating_sub(server.started_at),
        status: report.status,
        metadata: report.metadata,
        blobs: report.blobs,
        warnings: report.warnings,
        sweep: server.status.backlog().await?.into(),
        scrub: server.status.scrub().await?.map(ScrubObject::from),
        usage_export: ExportObject {
            exported_until: export.exported_until,
            lag_seconds: export.lag_seconds,
            sink: export.outbox.into(),
        },
        alerts: report.alerts.into(),
    };
    Ok(json(StatusCode::OK, &shown))
}

/// `GET /v1/organization/server/configuration`: an extension.
pub async fn retrieve_configuration(State(server): State<Arc<RunningServer>>) -> Response {
    let settings = server.settings.load();
    json(StatusCode::OK, &Settings { object: "list", data: &settings, has_more: false })
}
