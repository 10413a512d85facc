//! The handlers of limits of projects and their keys, which are extensions. `null` stands for no limit.

use super::path::{NamedKey, NamedProject};
use super::post::AdminPost;
use super::wire::{KeyLimitsObject, ProjectLimitsObject};
use super::workspace_usage::usage_of;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::json::JsonObject;
use crate::http::wire::{json, written};
use crate::keys::Keys;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::limits::{Limit, LimitOwner, Limits};
use crate::usage::Usage;
use crate::workspaces::Workspaces;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `GET /v1/organization/projects/{project_id}/limits`.
pub async fn retrieve_project_limits(
    State(workspaces): State<Arc<Workspaces>>,
    State(usage): State<Arc<Usage>>,
    project: NamedProject,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let limits = workspaces.limits(LimitOwner::Workspace(workspace)).await?;
    let usage = usage_of(&workspaces, &usage, workspace).await?;
    Ok(json(StatusCode::OK, &ProjectLimitsObject::new(workspace, &limits, usage)))
}

/// `POST /v1/organization/projects/{project_id}/limits`: sets the named limits.
pub async fn update_project_limits(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    State(usage): State<Arc<Usage>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?.id;
    let mut post = AdminPost::read(request).await?;
    let wanted = wanted(&mut post.body, |_| true)?;
    let usage = usage_of(&workspaces, &usage, workspace).await?;
    let write = move |limits: &Limits| written(&ProjectLimitsObject::new(workspace, limits, usage.clone()));
    let outcome =
        set(&workspaces, &keys, LimitOwner::Workspace(workspace), wanted, origin, post.idempotency(write.clone()))
            .await?;
    answer(outcome.and_then(|set| set.ok_or_else(|| project.not_found()))?, write)
}

/// `GET /v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits`.
pub async fn retrieve_key_limits(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    key: NamedKey,
) -> Result<Response, ApiError> {
    let key = key.find(&workspaces, &keys).await?;
    let limits = workspaces.limits(LimitOwner::Key(key.id)).await?;
    Ok(json(StatusCode::OK, &KeyLimitsObject::new(key.id, &limits)))
}

/// `POST /v1/organization/projects/{project_id}/api_keys/{api_key_id}/limits`: sets the named limits.
pub async fn update_key_limits(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedKey,
    request: Request,
) -> Result<Response, ApiError> {
    let id = key.find(&workspaces, &keys).await?.id;
    let mut post = AdminPost::read(request).await?;
    let wanted = wanted(&mut post.body, Limit::is_of_keys)?;
    let write = move |limits: &Limits| written(&KeyLimitsObject::new(id, limits));
    let outcome = set(&workspaces, &keys, LimitOwner::Key(id), wanted, origin, post.idempotency(write)).await?;
    answer(outcome.and_then(|set| set.ok_or_else(|| key.not_found()))?, write)
}

/// Sets limits; none if the owner does not exist. The cached keys are dropped even after an error, since a lost answer
/// of the store may hide a commit.
pub async fn set(
    workspaces: &Workspaces,
    keys: &Keys,
    owner: LimitOwner,
    wanted: Vec<(Limit, Option<u64>)>,
    origin: Origin,
    idempotency: Option<Idempotency<Limits>>,
) -> Result<IdempotentOutcome<Option<Limits>>, ApiError> {
    let set = workspaces.set_limits_once(owner, wanted, origin, idempotency).await;
    keys.forget();
    Ok(set?)
}

/// Takes the limits that a body names, each with its value or null.
fn wanted(body: &mut JsonObject, may_have: fn(Limit) -> bool) -> Result<Vec<(Limit, Option<u64>)>, ApiError> {
    let mut wanted = Vec::new();
    let mut by_purpose = body.object(FILE_BYTES)?;
    for limit in Limit::all().filter(|limit| may_have(*limit)) {
        let field = match (limit, &mut by_purpose) {
            (Limit::FileBytes(purpose), Some(by_purpose)) => Some((by_purpose, purpose.name())),
            (Limit::FileBytes(_), None) => None,
            (limit, _) => Some((&mut *body, limit.name())),
        };
        if let Some((fields, name)) = field {
            fields.integer_or_null(name, &limit.bounds(), |value| wanted.push((limit, value)))?;
        }
    }
    if let Some(by_purpose) = by_purpose {
        by_purpose.refuse_rest()?;
    }
    body.refuse_rest()?;
    Ok(wanted)
}

/// The field that holds the limits of Files by purpose.
const FILE_BYTES: &str = "file_bytes";
