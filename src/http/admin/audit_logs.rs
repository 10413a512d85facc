//! The handler of the audit log.

use super::query::{self, AuditFilter};
use super::wire;
use crate::audit::AuditLog;
use crate::http::error::ApiError;
use crate::http::long_reads::LongReads;
use crate::http::wire::json;
use crate::model::audit::Actor;
use crate::people::People;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `GET /v1/organization/audit_logs`.
pub async fn list_audit_logs(
    State(audit_log): State<Arc<AuditLog>>,
    State(long_reads): State<Arc<LongReads>>,
    State(people): State<Arc<People>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let AuditFilter { mut query, actor_emails } = query::audit(query.as_deref().unwrap_or_default())?;
    if let Some(emails) = actor_emails {
        let people = people.with_emails(&emails).await?;
        query.retain_actors(people.iter().map(|person| Actor::Person(person.id)).collect());
    }
    let page = long_reads.run(None, async move { audit_log.list(query).await }).await?;
    Ok(json(StatusCode::OK, &wire::audit_logs(&page)))
}
