//! The handler of the audit log.

use super::query::{self, AuditFilter};
use super::wire;
use crate::audit::AuditLog;
use crate::http::error::ApiError;
use crate::http::long_reads::LongReads;
use crate::http::wire::json;
use crate::model::audit::Actor;
use crate::model::person::PersonQuery;
use crate::people::People;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// The most people whom a filter by e-mail addresses finds.
const MAX_ACTORS: u32 = 100;

/// `GET /v1/organization/audit_logs`.
pub async fn list_audit_logs(
    State(audit_log): State<Arc<AuditLog>>,
    State(long_reads): State<Arc<LongReads>>,
    State(people): State<Arc<People>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let AuditFilter { mut query, actor_emails } = query::audit(query.as_deref().unwrap_or_default())?;
    if let Some(emails) = actor_emails {
        query.retain_actors(actors(&people, emails).await?);
    }
    let page = long_reads.run(None, async move { audit_log.list(query).await }).await?;
    Ok(json(StatusCode::OK, &wire::audit_logs(&page)))
}

/// Returns the people with these e-mail addresses.
async fn actors(people: &People, emails: Vec<String>) -> Result<Vec<Actor>, ApiError> {
    let page = people.list(PersonQuery { emails: Some(emails), after: None, limit: MAX_ACTORS }).await?;
    if page.has_more {
        let message = format!("More than {MAX_ACTORS} people have these addresses. Name them by 'actor_ids'.");
        return Err(ApiError::invalid(message).param("actor_emails"));
    }
    Ok(page.rows.iter().map(|person| Actor::Person(person.id)).collect())
}
