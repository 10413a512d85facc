//! The audit log.

use super::{query, wire};
use crate::http::SharedHall;
use crate::http::error::ApiError;
use crate::http::wire::json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;

/// `GET /v1/organization/audit_logs`.
pub async fn list_audit_logs(State(hall): State<SharedHall>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let (log, query) = (hall.audit_log.clone(), query::audit(query.as_deref().unwrap_or_default())?);
    let page = hall.long_reads.run(None, async move { log.list(query).await }).await?;
    Ok(json(StatusCode::OK, &wire::audit_logs(&page)))
}
