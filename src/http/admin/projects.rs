//! The handlers of projects, which are workspaces.

use super::path::NamedProject;
use super::post::AdminPost;
use super::wire::ProjectObject;
use super::{query, wire};
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::json::JsonObject;
use crate::http::wire::json;
use crate::keys::Keys;
use crate::workspaces::Workspaces;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `GET /v1/organization/projects`.
pub async fn list_projects(
    State(workspaces): State<Arc<Workspaces>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let parsed = query::page(query.as_deref().unwrap_or_default())?;
    let page = workspaces.list(parsed.after, parsed.limit, parsed.include_archived).await?;
    Ok(json(StatusCode::OK, &wire::projects(&page)))
}

/// `POST /v1/organization/projects`.
pub async fn create_project(
    State(workspaces): State<Arc<Workspaces>>,
    Administrator(origin): Administrator,
    request: Request,
) -> Result<Response, ApiError> {
    let mut post = AdminPost::read(request).await?;
    let name = post.body.text("name")?;
    ignore_placement(&mut post.body)?;
    post.body.refuse_rest()?;
    let outcome = workspaces.create_once(&name, origin, post.idempotency(wire::project)).await?;
    answer(outcome, wire::project)
}

/// `GET /v1/organization/projects/{project_id}`.
pub async fn retrieve_project(
    State(workspaces): State<Arc<Workspaces>>,
    project: NamedProject,
) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &ProjectObject::from(&project.find(&workspaces).await?)))
}

/// `POST /v1/organization/projects/{project_id}`: renames the project if the body has a name.
pub async fn update_project(
    State(workspaces): State<Arc<Workspaces>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let id = project.id()?;
    let mut post = AdminPost::read_or_empty(request).await?;
    let name = post.body.optional_text("name")?;
    ignore_placement(&mut post.body)?;
    post.body.refuse_rest()?;
    let outcome = workspaces.rename_once(id, name.as_deref(), origin, post.idempotency(wire::project)).await?;
    answer(outcome.and_then(|renamed| renamed.ok_or_else(|| project.not_found()))?, wire::project)
}

/// `POST /v1/organization/projects/{project_id}/archive`: this server refuses the keys of the project in all later
/// requests. The body that some SDKs announce is not read.
pub async fn archive_project(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let post = AdminPost::without_body(&request.into_parts().0)?;
    let archived = workspaces.archive_once(project.id()?, origin, post.idempotency(wire::project)).await;
    keys.forget();
    answer(archived?.and_then(|archived| archived.ok_or_else(|| project.not_found()))?, wire::project)
}

/// Takes and ignores OpenAI's fields for the region and the encryption key of a project. The operator chooses both for
/// all projects, and answers show null.
fn ignore_placement(body: &mut JsonObject) -> Result<(), ApiError> {
    for name in ["geography", "residency", "external_key_id"] {
        body.optional_text(name)?;
    }
    Ok(())
}
