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
    let page = hall.audit_log.list(query::audit(query.as_deref().unwrap_or_default())?).await?;
    Ok(json(StatusCode::OK, &wire::audit_logs(&page)))
}
