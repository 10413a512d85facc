//! Keys of projects: each handler says what happens, in order.

use super::path::{NamedKey, NamedProject};
use super::wire::{ApiKeyDeleted, ApiKeyObject};
use super::{MAX_BODY_BYTES, query, wire};
use crate::http::SharedHall;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::json::JsonObject;
use crate::http::wire::json;
use crate::model::api_key::{DEFAULT_OVERLAP_SECONDS, OVERLAP_SECONDS, Opens, VALID_SECONDS};
use crate::model::scope::{Scope, Scopes};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;

/// `GET /v1/organization/projects/{project_id}/api_keys`.
pub async fn list_api_keys(
    State(hall): State<SharedHall>,
    project: NamedProject,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let project = project.find(&hall).await?;
    let asked = query::page(query.as_deref().unwrap_or_default())?;
    let page = hall.keys.list_of(project.id, asked.after, asked.limit).await?;
    Ok(json(StatusCode::OK, &wire::api_keys(&page)))
}

/// `POST /v1/organization/projects/{project_id}/api_keys`: an extension. The answer is the only one that shows the secret.
pub async fn create_api_key(
    State(hall): State<SharedHall>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&hall).await?;
    let (name, scopes, valid_seconds) = creation(JsonObject::read(request, MAX_BODY_BYTES).await?)?;
    if workspace.archived_at.is_some() {
        return Err(ApiError::invalid(format!("Project {} is archived.", workspace.id)).param("project_id"));
    }
    let opens = Opens::Workspace(workspace.id, scopes);
    let (key, secret) = hall.keys.issue(opens, &name, valid_seconds, origin).await?;
    Ok(json(StatusCode::OK, &ApiKeyObject::with_value(&key, secret.expose())))
}

/// `GET /v1/organization/projects/{project_id}/api_keys/{api_key_id}`.
pub async fn retrieve_api_key(State(hall): State<SharedHall>, key: NamedKey) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &ApiKeyObject::from(&key.find(&hall).await?)))
}

/// `DELETE /v1/organization/projects/{project_id}/api_keys/{api_key_id}`: no request that begins later is accepted with it here.
pub async fn delete_api_key(
    State(hall): State<SharedHall>,
    Administrator(origin): Administrator,
    key: NamedKey,
) -> Result<Response, ApiError> {
    let id = key.find(&hall).await?.id;
    hall.keys.revoke(id, origin).await?.ok_or_else(|| key.not_found())?;
    Ok(json(StatusCode::OK, &ApiKeyDeleted::new(id.to_string())))
}

/// `POST /v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate`: an extension. The answer is the only one that
/// shows the new secret.
pub async fn rotate_api_key(
    State(hall): State<SharedHall>,
    Administrator(origin): Administrator,
    key: NamedKey,
    request: Request,
) -> Result<Response, ApiError> {
    let id = key.find(&hall).await?.id;
    let mut body = JsonObject::read_or_empty(request, MAX_BODY_BYTES).await?;
    let overlap_seconds = body.optional_integer("overlap_seconds", OVERLAP_SECONDS)?;
    body.refuse_rest()?;
    let rotated = hall.keys.rotate(id, overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS), origin).await;
    let (rotated, secret) = rotated.map_err(|error| key.explain(error))?;
    Ok(json(StatusCode::OK, &ApiKeyObject::with_value(&rotated, secret.expose())))
}

fn creation(mut body: JsonObject) -> Result<(String, Scopes, Option<u64>), ApiError> {
    let name = body.text("name")?;
    let scopes = match body.optional_texts("scopes", Scope::ALL.len())? {
        None => Scopes::DEFAULT,
        Some(names) => Scopes::named(names.iter().map(String::as_str))
            .map_err(|bad| ApiError::invalid(format!("Invalid 'scopes': {bad}.")).param("scopes"))?,
    };
    let valid_seconds = body.optional_integer("expires_in_seconds", VALID_SECONDS)?;
    body.refuse_rest()?;
    Ok((name, scopes, valid_seconds))
}
