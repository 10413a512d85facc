//! The handler of the audit log.

use super::{query, wire};
use crate::audit::AuditLog;
use crate::http::error::ApiError;
use crate::http::long_reads::LongReads;
use crate::http::wire::json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `GET /v1/organization/audit_logs`.
pub async fn list_audit_logs(
    State(audit_log): State<Arc<AuditLog>>,
    State(long_reads): State<Arc<LongReads>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = query::audit(query.as_deref().unwrap_or_default())?;
    let page = long_reads.run(None, async move { audit_log.list(query).await }).await?;
    Ok(json(StatusCode::OK, &wire::audit_logs(&page)))
}
