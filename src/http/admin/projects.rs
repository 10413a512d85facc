//! Projects, which are workspaces: each handler says what happens, in order.

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
    let asked = query::page(query.as_deref().unwrap_or_default())?;
    let page = workspaces.list(asked.after, asked.limit, asked.include_archived).await?;
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
    take_placement(&mut post.body)?;
    post.body.refuse_rest()?;
    let effect = workspaces.create_once(&name, origin, post.once(wire::project)).await?;
    answer(effect, wire::project)
}

/// `GET /v1/organization/projects/{project_id}`.
pub async fn retrieve_project(
    State(workspaces): State<Arc<Workspaces>>,
    project: NamedProject,
) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &ProjectObject::from(&project.find(&workspaces).await?)))
}

/// `POST /v1/organization/projects/{project_id}`: gives it another name, if it names one.
pub async fn update_project(
    State(workspaces): State<Arc<Workspaces>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let id = project.id()?;
    let mut post = AdminPost::read_or_empty(request).await?;
    let name = post.body.optional_text("name")?;
    take_placement(&mut post.body)?;
    post.body.refuse_rest()?;
    let effect = workspaces.rename_once(id, name.as_deref(), origin, post.once(wire::project)).await?;
    answer(effect.and_then(|renamed| renamed.ok_or_else(|| project.not_found()))?, wire::project)
}

/// `POST /v1/organization/projects/{project_id}/archive`: no request that begins later is accepted with one of its keys here.
/// A body, which some SDKs announce, is not read.
pub async fn archive_project(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let post = AdminPost::without_body(&request.into_parts().0)?;
    let archived = workspaces.archive_once(project.id()?, origin, post.once(wire::project)).await;
    keys.forget();
    answer(archived?.and_then(|archived| archived.ok_or_else(|| project.not_found()))?, wire::project)
}

/// Where OpenAI would keep a project and with whose key it would encrypt it. Here that is the operator's affair for all
/// projects together, so nothing is done, and the answer says that nothing is.
fn take_placement(body: &mut JsonObject) -> Result<(), ApiError> {
    for name in ["geography", "residency", "external_key_id"] {
        body.optional_text(name)?;
    }
    Ok(())
}
