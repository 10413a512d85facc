//! Usage and the ledger, in OpenAI's page and bucket shapes (docs/design/billing.md, section 3). An administrator
//! sees all, a key of a workspace its own.

mod adjustments;
mod query;
mod wire;

pub use adjustments::create_adjustment;
pub use wire::Amount;

use super::SharedHall;
use super::caller::Holder;
use super::error::ApiError;
use super::wire::{json, json_body};
use crate::model::ids::WorkspaceId;
use crate::usage::UsageWindow;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

/// `GET /v1/organization/usage/files`.
pub async fn list_usage(
    State(hall): State<SharedHall>,
    holder: Holder,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let now = hall.usage.clock.now_seconds();
    let (window, next_page) = query::window(query.as_deref().unwrap_or_default(), now)?;
    let by = window.by;
    let (usage, window) = (hall.usage.clone(), of_holder(window, &holder));
    let buckets = long_read(&hall, reader(&holder), async move { usage.buckets(window).await }).await?;
    Ok(json(StatusCode::OK, &wire::usage_page(&buckets, by, next_page)))
}

/// `GET /v1/organization/costs`.
pub async fn list_costs(
    State(hall): State<SharedHall>,
    holder: Holder,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let now = hall.usage.clock.now_seconds();
    let (window, items, by, next_page) = query::costs(query.as_deref().unwrap_or_default(), now)?;
    let (usage, window) = (hall.usage.clone(), of_holder(window, &holder));
    let buckets = long_read(&hall, reader(&holder), async move { usage.costs(window, items, by).await }).await?;
    Ok(json(StatusCode::OK, &wire::cost_page(&buckets, next_page)))
}

/// `GET /v1/organization/usage/ledger`: lines of JSON, or CSV for who accepts that.
pub async fn list_ledger(
    State(hall): State<SharedHall>,
    holder: Holder,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (after_seq, limit) = query::ledger(query.as_deref().unwrap_or_default())?;
    let wants_csv =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/csv"));
    let (usage, workspace) = (hall.usage.clone(), reader(&holder));
    let read = async move {
        let page = usage.ledger(workspace, after_seq, limit).await;
        page.map(|page| if wants_csv { wire::ledger_csv(&page.rows) } else { wire::ledger_lines(&page.rows) })
    };
    let body = long_read(&hall, workspace, read).await?;
    let kind = if wants_csv { "text/csv; charset=utf-8" } else { "application/jsonl" };
    let mut response = json_body(StatusCode::OK, Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// Runs a long read when it is the turn of its workspace (administrators have none), so that it keeps no processor from others who ask for something.
async fn long_read<T: Send + 'static, E: Into<ApiError> + Send + 'static>(
    hall: &SharedHall,
    reader: Option<WorkspaceId>,
    read: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, ApiError> {
    let turns = hall.read_turns.clone();
    let in_turn = async move {
        let _turn = match reader {
            Some(workspace) => turns.turn(workspace).await,
            None => None,
        };
        read.await
    };
    hall.long_reads.run(reader, in_turn).await
}

/// The workspace of the key, or none of an administrator.
fn reader(holder: &Holder) -> Option<WorkspaceId> {
    holder.key.opens.workspace()
}

/// What the holder of the key may see of a window.
fn of_holder(mut window: UsageWindow, holder: &Holder) -> UsageWindow {
    if let Some(own) = holder.key.opens.workspace() {
        let asked = window.workspaces.take();
        let is_own = |ids: Vec<WorkspaceId>| ids.into_iter().filter(|id| *id == own).collect();
        window.workspaces = Some(asked.map_or_else(|| vec![own], is_own));
    }
    window
}
