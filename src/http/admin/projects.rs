//! Projects, which are workspaces: each handler says what happens, in order.

use super::path::NamedProject;
use super::wire::ProjectObject;
use super::{MAX_BODY_BYTES, query, wire};
use crate::http::SharedHall;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::json::JsonObject;
use crate::http::wire::json;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;

/// `GET /v1/organization/projects`.
pub async fn list_projects(State(hall): State<SharedHall>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let asked = query::page(query.as_deref().unwrap_or_default())?;
    let page = hall.workspaces.list(asked.after, asked.limit, asked.include_archived).await?;
    Ok(json(StatusCode::OK, &wire::projects(&page)))
}

/// `POST /v1/organization/projects`.
pub async fn create_project(
    State(hall): State<SharedHall>,
    Administrator(origin): Administrator,
    request: Request,
) -> Result<Response, ApiError> {
    let name = name(JsonObject::read(request, MAX_BODY_BYTES).await?)?;
    let workspace = hall.workspaces.create(&name, origin).await?;
    Ok(json(StatusCode::OK, &ProjectObject::from(&workspace)))
}

/// `GET /v1/organization/projects/{project_id}`.
pub async fn retrieve_project(State(hall): State<SharedHall>, project: NamedProject) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &ProjectObject::from(&project.find(&hall).await?)))
}

/// `POST /v1/organization/projects/{project_id}`: gives it another name.
pub async fn update_project(
    State(hall): State<SharedHall>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let id = project.id()?;
    let name = name(JsonObject::read(request, MAX_BODY_BYTES).await?)?;
    let renamed = hall.workspaces.rename(id, &name, origin).await?.ok_or_else(|| project.not_found())?;
    Ok(json(StatusCode::OK, &ProjectObject::from(&renamed)))
}

/// `POST /v1/organization/projects/{project_id}/archive`: no request that begins later is accepted with one of its keys here.
pub async fn archive_project(
    State(hall): State<SharedHall>,
    Administrator(origin): Administrator,
    project: NamedProject,
) -> Result<Response, ApiError> {
    let archived = hall.workspaces.archive(project.id()?, origin).await;
    hall.keys.forget();
    let archived = archived?.ok_or_else(|| project.not_found())?;
    Ok(json(StatusCode::OK, &ProjectObject::from(&archived)))
}

fn name(mut body: JsonObject) -> Result<String, ApiError> {
    let name = body.text("name")?;
    body.refuse_rest()?;
    Ok(name)
}
