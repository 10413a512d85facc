//! The handlers of the rate limits of a project, in OpenAI's shapes. OpenAI has one rate limit per model. This server
//! has one for all requests and one for uploads.

use super::limits::set;
use super::path::{NamedProject, NamedRateLimit};
use super::post::AdminPost;
use super::query;
use super::rate_limit::RateLimit;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::wire::{List, json, written};
use crate::keys::Keys;
use crate::model::limits::{LimitOwner, Limits};
use crate::model::page::Page;
use crate::workspaces::Workspaces;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// OpenAI's rate limit of a project. Its numbers are never null: without a limit they are the largest valid number.
#[derive(Debug, Serialize)]
struct RateLimitObject {
    object: &'static str,
    id: &'static str,
    model: &'static str,
    max_requests_per_1_minute: u64,
    max_tokens_per_1_minute: u64,
}

impl RateLimitObject {
    fn new(rate: RateLimit, limits: &Limits) -> Self {
        let most = *rate.limit().bounds().end();
        Self {
            object: "project.rate_limit",
            id: rate.id(),
            model: rate.model(),
            max_requests_per_1_minute: limits.get(rate.limit()).unwrap_or(most),
            max_tokens_per_1_minute: most,
        }
    }
}

/// A rate limit, and the limits with its value.
#[derive(Debug)]
struct Listed<'a>(RateLimit, &'a Limits);

impl From<&Listed<'_>> for RateLimitObject {
    fn from(listed: &Listed<'_>) -> Self {
        Self::new(listed.0, listed.1)
    }
}

/// `GET /v1/organization/projects/{project_id}/rate_limits`.
pub async fn list_rate_limits(
    State(workspaces): State<Arc<Workspaces>>,
    project: NamedProject,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let parsed = query::rate_limits(query.as_deref().unwrap_or_default())?;
    let limits = workspaces.limits(LimitOwner::Workspace(workspace)).await?;
    let rows = parsed.rows.into_iter().map(|rate| Listed(rate, &limits)).collect();
    let page = Page { rows, has_more: parsed.has_more };
    Ok(json(StatusCode::OK, &List::<RateLimitObject>::of(&page, |listed: &Listed<'_>| listed.0.id().to_owned())))
}

/// `POST /v1/organization/projects/{project_id}/rate_limits/{rate_limit_id}`.
pub async fn update_rate_limit(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    rate: NamedRateLimit,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let rate = rate.find()?;
    let mut post = AdminPost::read_or_empty(request).await?;
    let per_minute = post.body.optional_integer("max_requests_per_1_minute", rate.limit().bounds())?;
    post.body.refuse_rest()?;
    let wanted = per_minute.map(|per_minute| (rate.limit(), Some(per_minute))).into_iter().collect();
    let write = move |limits: &Limits| written(&RateLimitObject::new(rate, limits));
    let outcome =
        set(&workspaces, &keys, LimitOwner::Workspace(workspace), wanted, origin, post.idempotency(write)).await?;
    answer(outcome.and_then(|set| set.ok_or_else(|| project.not_found()))?, write)
}
