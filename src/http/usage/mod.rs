//! The handlers of usage, costs and the ledger, in OpenAI's page and bucket shapes (docs/design/billing.md, section 3).
//! An admin key reads all workspaces, a workspace key its own.

mod adjustments;
mod query;
mod wire;

pub use adjustments::create_adjustment;

use super::caller::Principal;
use super::error::ApiError;
use super::long_reads::LongReads;
use super::wire::{json, json_body};
use crate::model::ids::WorkspaceId;
use crate::usage::{Usage, UsageWindow};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

/// `GET /v1/organization/usage/files`.
pub async fn list_usage(
    State(usage): State<Arc<Usage>>,
    State(long_reads): State<Arc<LongReads>>,
    principal: Principal,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let now = usage.clock.now_seconds();
    let (window, next_page) = query::window(query.as_deref().unwrap_or_default(), now)?;
    let by = window.by;
    let window = of_principal(window, &principal);
    let buckets = long_reads.run(reader(&principal), async move { usage.buckets(window).await }).await?;
    Ok(json(StatusCode::OK, &wire::usage_page(&buckets, by, next_page)))
}

/// `GET /v1/organization/costs`.
pub async fn list_costs(
    State(usage): State<Arc<Usage>>,
    State(long_reads): State<Arc<LongReads>>,
    principal: Principal,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let now = usage.clock.now_seconds();
    let (window, items, by, next_page) = query::costs(query.as_deref().unwrap_or_default(), now)?;
    let window = of_principal(window, &principal);
    let buckets = long_reads.run(reader(&principal), async move { usage.costs(window, items, by).await }).await?;
    Ok(json(StatusCode::OK, &wire::cost_page(&buckets, next_page)))
}

/// `GET /v1/organization/usage/ledger`: JSON Lines, or CSV for `Accept: text/csv`.
pub async fn list_ledger(
    State(usage): State<Arc<Usage>>,
    State(long_reads): State<Arc<LongReads>>,
    principal: Principal,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (after_seq, limit) = query::ledger(query.as_deref().unwrap_or_default())?;
    let wants_csv =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/csv"));
    let workspace = reader(&principal);
    let read = async move {
        let page = usage.ledger(workspace, after_seq, limit).await;
        page.map(|page| if wants_csv { wire::ledger_csv(&page.rows) } else { wire::ledger_lines(&page.rows) })
    };
    let body = long_reads.run(workspace, read).await?;
    let kind = if wants_csv { "text/csv; charset=utf-8" } else { "application/jsonl" };
    let mut response = json_body(StatusCode::OK, Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// Returns the workspace of the key; none of an admin key.
fn reader(principal: &Principal) -> Option<WorkspaceId> {
    principal.key.opens.workspace()
}

/// Restricts a window to what the principal may see.
fn of_principal(mut window: UsageWindow, principal: &Principal) -> UsageWindow {
    if let Some(own) = principal.key.opens.workspace() {
        let parsed = window.workspaces.take();
        let is_own = |ids: Vec<WorkspaceId>| ids.into_iter().filter(|id| *id == own).collect();
        window.workspaces = Some(parsed.map_or_else(|| vec![own], is_own));
    }
    window
}
