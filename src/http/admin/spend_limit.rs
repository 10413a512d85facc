//! The handlers of the spend limit of a project, in OpenAI's shapes. The spend limit is `monthly_spend_cents` of the
//! limits.

use super::limits::set;
use super::path::NamedProject;
use super::post::AdminPost;
use crate::http::caller::Administrator;
use crate::http::catalogue::ErrorKind;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::wire::{json, written};
use crate::keys::Keys;
use crate::model::ids::WorkspaceId;
use crate::model::limits::{Limit, LimitOwner, Limits};
use crate::model::prices::NanoUsd;
use crate::usage::Usage;
use crate::workspaces::Workspaces;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

const CURRENCY: &str = "USD";
const INTERVAL: &str = "month";

/// OpenAI's spend limit object.
#[derive(Debug, Serialize)]
struct SpendLimitObject {
    object: &'static str,
    currency: &'static str,
    interval: &'static str,
    threshold_amount: u64,
    enforcement: Enforcement,
}

/// The state of a spend limit: `enforcing` once it is reached.
#[derive(Debug, Serialize)]
struct Enforcement {
    status: &'static str,
}

/// The answer to the deletion of a spend limit.
#[derive(Debug, Serialize)]
struct SpendLimitDeleted {
    object: &'static str,
    deleted: bool,
}

impl SpendLimitObject {
    fn new(limit_cents: u64, spent: NanoUsd) -> Self {
        let reached = spent >= NanoUsd::from_cents(limit_cents);
        Self {
            object: "project.spend_limit",
            currency: CURRENCY,
            interval: INTERVAL,
            threshold_amount: limit_cents,
            enforcement: Enforcement { status: if reached { "enforcing" } else { "inactive" } },
        }
    }
}

/// `GET /v1/organization/projects/{project_id}/spend_limit`.
pub async fn retrieve_spend_limit(
    State(workspaces): State<Arc<Workspaces>>,
    State(usage): State<Arc<Usage>>,
    project: NamedProject,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let limit_cents = limit_of(&workspaces, workspace).await?;
    let spent = usage.month_cost(workspace).await?;
    Ok(json(StatusCode::OK, &SpendLimitObject::new(limit_cents, spent)))
}

/// `POST /v1/organization/projects/{project_id}/spend_limit`.
pub async fn update_spend_limit(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    State(usage): State<Arc<Usage>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let mut post = AdminPost::read(request).await?;
    let limit_cents = post.body.integer("threshold_amount", Limit::MonthlySpendCents.bounds())?;
    post.body.word("currency", CURRENCY)?;
    post.body.word("interval", INTERVAL)?;
    post.body.refuse_rest()?;
    let spent = usage.month_cost(workspace).await?;
    let write = move |_: &Limits| written(&SpendLimitObject::new(limit_cents, spent));
    let wanted = vec![(Limit::MonthlySpendCents, Some(limit_cents))];
    let outcome =
        set(&workspaces, &keys, LimitOwner::Workspace(workspace), wanted, origin, post.idempotency(write)).await?;
    answer(outcome.and_then(|set| set.ok_or_else(|| project.not_found()))?, write)
}

/// `DELETE /v1/organization/projects/{project_id}/spend_limit`.
pub async fn delete_spend_limit(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    project: NamedProject,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    limit_of(&workspaces, workspace).await?;
    set(&workspaces, &keys, LimitOwner::Workspace(workspace), vec![(Limit::MonthlySpendCents, None)], origin, None)
        .await?;
    Ok(json(StatusCode::OK, &SpendLimitDeleted { object: "project.spend_limit.deleted", deleted: true }))
}

/// Returns the limit, in US cents.
async fn limit_of(workspaces: &Workspaces, workspace: WorkspaceId) -> Result<u64, ApiError> {
    let limits = workspaces.limits(LimitOwner::Workspace(workspace)).await?;
    limits.get(Limit::MonthlySpendCents).ok_or_else(|| {
        ApiError::new(ErrorKind::NotFound, format!("Project {workspace} has no spend limit.")).param("project_id")
    })
}
