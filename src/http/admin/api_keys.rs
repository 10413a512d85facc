//! The handlers of API keys of projects.

use super::path::{NamedKey, NamedProject};
use super::post::AdminPost;
use super::query;
use super::wire::{self, ApiKeyDeleted, ApiKeyObject};
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::json::JsonObject;
use crate::http::wire::json;
use crate::keys::KeyToIssue;
use crate::keys::Keys;
use crate::metadata::KeyChanges;
use crate::model::api_key::{DEFAULT_OVERLAP_SECONDS, KeyKind, OVERLAP_SECONDS, Opens, VALID_SECONDS};
use crate::model::page::Page;
use crate::model::scope::{Scope, Scopes};
use crate::model::workspace::Workspace;
use crate::workspaces::Workspaces;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// OpenAI's scope of a key that may read everything.
const ALL_READ: &str = "api.all.read";

/// `GET /v1/organization/projects/{project_id}/api_keys`.
pub async fn list_api_keys(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    project: NamedProject,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let project = project.find(&workspaces).await?;
    let query = query.as_deref().unwrap_or_default();
    let (parsed, with_access) = (query::page(query)?, query::owners_with_access(query)?);
    let page = if with_access {
        keys.list_of(project.id, parsed.after, parsed.limit).await?
    } else {
        Page { rows: Vec::new(), has_more: false }
    };
    Ok(json(StatusCode::OK, &wire::api_keys(&page)))
}

/// `POST /v1/organization/projects/{project_id}/api_keys`: an extension. Only this answer shows the secret.
pub async fn create_api_key(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?;
    let mut post = AdminPost::read(request).await?;
    let (name, scopes) = (post.body.text("name")?, scopes(&mut post.body)?.unwrap_or(Scopes::DEFAULT));
    let valid_seconds = valid_seconds(&mut post.body)?;
    post.body.refuse_rest()?;
    refuse_archived(&workspace)?;
    let new = KeyToIssue { opens: Opens::Workspace(workspace.id, scopes), name: &name, valid_seconds };
    let (secret, show) = (post.new_secret(KeyKind::Workspace), wire::api_key_with_value);
    let idempotency = post.idempotency_with_secret(&secret, show);
    let outcome = keys.issue_once(new, &secret.secret, origin, idempotency).await?;
    post.answer_with_secret(outcome, &secret, show)
}

/// `GET /v1/organization/projects/{project_id}/api_keys/{api_key_id}`.
pub async fn retrieve_api_key(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    key: NamedKey,
) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &ApiKeyObject::from(&key.find(&workspaces, &keys).await?)))
}

/// `POST /v1/organization/projects/{project_id}/api_keys/{api_key_id}`: replaces scopes and expiry.
pub async fn update_api_key(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedKey,
    request: Request,
) -> Result<Response, ApiError> {
    let id = key.find(&workspaces, &keys).await?.id;
    let mut post = AdminPost::read_or_empty(request).await?;
    let (scopes, valid_seconds) = (replaced_scopes(&mut post.body)?, valid_seconds(&mut post.body)?);
    post.body.refuse_rest()?;
    let changes = KeyChanges { name: None, scopes, valid_seconds };
    let updated = keys.update_once(id, changes, origin, post.idempotency(wire::api_key)).await;
    answer(updated.map_err(|error| key.update_error(error))?, wire::api_key)
}

/// `DELETE /v1/organization/projects/{project_id}/api_keys/{api_key_id}`: this server refuses the key in all later
/// requests.
pub async fn delete_api_key(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedKey,
) -> Result<Response, ApiError> {
    let id = key.find(&workspaces, &keys).await?.id;
    keys.revoke(id, origin).await?.ok_or_else(|| key.not_found())?;
    Ok(json(StatusCode::OK, &ApiKeyDeleted::new(id.to_string())))
}

/// `POST /v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate`: an extension. Only this answer shows the
/// new secret.
pub async fn rotate_api_key(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedKey,
    request: Request,
) -> Result<Response, ApiError> {
    let id = key.find(&workspaces, &keys).await?.id;
    let mut post = AdminPost::read_or_empty(request).await?;
    let overlap_seconds = post.body.optional_integer("overlap_seconds", OVERLAP_SECONDS)?;
    post.body.refuse_rest()?;
    let overlap_seconds = overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS);
    let (secret, show) = (post.new_secret(KeyKind::Workspace), wire::api_key_with_value);
    let idempotency = post.idempotency_with_secret(&secret, show);
    let rotated = keys.rotate_once(id, &secret.secret, overlap_seconds, origin, idempotency).await;
    post.answer_with_secret(rotated.map_err(|error| key.rotate_error(error))?, &secret, show)
}

/// Refuses to create a key in an archived workspace.
pub fn refuse_archived(workspace: &Workspace) -> Result<(), ApiError> {
    match workspace.archived_at {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid(format!("Project {} is archived.", workspace.id)).param("project_id")),
    }
}

/// Takes the requested lifetime of a key, in seconds from now.
pub fn valid_seconds(body: &mut JsonObject) -> Result<Option<u64>, ApiError> {
    body.optional_integer("expires_in_seconds", VALID_SECONDS)
}

fn scopes(body: &mut JsonObject) -> Result<Option<Scopes>, ApiError> {
    body.optional_texts("scopes", Scope::ALL.len())?.map(|names| named(&names)).transpose()
}

/// Takes the scopes that replace those of a key. OpenAI's scope names are accepted too. An empty list means the
/// defaults.
fn replaced_scopes(body: &mut JsonObject) -> Result<Option<Scopes>, ApiError> {
    let Some(names) = body.optional_texts("scopes", Scope::ALL.len())? else { return Ok(None) };
    let own_names = |name: String| {
        if name == ALL_READ { Scopes::READ.iter().map(|scope| scope.name().to_owned()).collect() } else { vec![name] }
    };
    let names: Vec<String> = names.into_iter().flat_map(own_names).collect();
    Ok(Some(if names.is_empty() { Scopes::DEFAULT } else { named(&names)? }))
}

fn named(names: &[String]) -> Result<Scopes, ApiError> {
    let wrong = |bad| ApiError::invalid(format!("Invalid 'scopes': {bad}.")).param("scopes");
    Scopes::named(names.iter().map(String::as_str)).map_err(wrong)
}
