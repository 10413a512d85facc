//! The handlers of service accounts of projects, in OpenAI's shapes. A service account is a key that owns itself.

use super::api_keys::{refuse_archived, valid_seconds};
use super::path::{NamedKey, NamedProject};
use super::post::AdminPost;
use super::query;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::idempotency::answer;
use crate::http::wire::{List, json, written};
use crate::keys::KeyToIssue;
use crate::keys::Keys;
use crate::metadata::KeyChanges;
use crate::model::api_key::{ApiKey, KeyKind, KeySecret, Opens};
use crate::model::scope::Scopes;
use crate::workspaces::Workspaces;
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// The role of every service account.
const MEMBER: &str = "member";

/// OpenAI's service account object.
#[derive(Debug, Serialize)]
struct ServiceAccountObject {
    object: &'static str,
    id: String,
    name: String,
    role: &'static str,
    created_at: u64,
    /// The key with its secret; only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<AccountKeyObject>,
}

/// The key of a service account, with its secret.
#[derive(Debug, Serialize)]
struct AccountKeyObject {
    object: &'static str,
    id: String,
    name: String,
    value: String,
    created_at: u64,
    expires_at: Option<u64>,
}

/// The answer to the deletion of a service account.
#[derive(Debug, Serialize)]
struct ServiceAccountDeleted {
    object: &'static str,
    id: String,
    deleted: bool,
}

impl From<&ApiKey> for ServiceAccountObject {
    fn from(key: &ApiKey) -> Self {
        Self {
            object: "organization.project.service_account",
            id: key.id.to_string(),
            name: key.name.clone(),
            role: MEMBER,
            created_at: key.id.created_at(),
            api_key: None,
        }
    }
}

fn account(key: &ApiKey) -> Vec<u8> {
    written(&ServiceAccountObject::from(key))
}

fn account_with_key(key: &ApiKey, secret: &KeySecret) -> Vec<u8> {
    let api_key = AccountKeyObject {
        object: "organization.project.service_account.api_key",
        id: key.id.to_string(),
        name: key.name.clone(),
        value: secret.expose().to_owned(),
        created_at: key.id.created_at(),
        expires_at: key.expires_at,
    };
    written(&ServiceAccountObject { api_key: Some(api_key), ..ServiceAccountObject::from(key) })
}

/// `GET /v1/organization/projects/{project_id}/service_accounts`.
pub async fn list_service_accounts(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    project: NamedProject,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let project = project.find(&workspaces).await?;
    let parsed = query::page(query.as_deref().unwrap_or_default())?;
    let page = keys.list_of(project.id, parsed.after, parsed.limit).await?;
    Ok(json(StatusCode::OK, &List::<ServiceAccountObject>::of(&page, |key: &ApiKey| key.id.to_string())))
}

/// `POST /v1/organization/projects/{project_id}/service_accounts`: creates a key. Only this answer shows
/// the secret.
pub async fn create_service_account(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    project: NamedProject,
    request: Request,
) -> Result<Response, ApiError> {
    let workspace = project.find(&workspaces).await?;
    let mut post = AdminPost::read(request).await?;
    let (name, valid_seconds) = (post.body.text("name")?, valid_seconds(&mut post.body)?);
    if post.body.optional_flag("create_service_account_only")? == Some(true) {
        let message = "A service account of this server is a key: there is none without one.";
        return Err(ApiError::invalid(message).param("create_service_account_only"));
    }
    post.body.refuse_rest()?;
    refuse_archived(&workspace)?;
    let new = KeyToIssue { opens: Opens::Workspace(workspace.id, Scopes::DEFAULT), name: &name, valid_seconds };
    let secret = post.new_secret(KeyKind::Workspace);
    let idempotency = post.idempotency_with_secret(&secret, account_with_key);
    let outcome = keys.issue_once(new, &secret.secret, origin, idempotency).await?;
    post.answer_with_secret(outcome, &secret, account_with_key)
}

/// `GET /v1/organization/projects/{project_id}/service_accounts/{service_account_id}`.
pub async fn retrieve_service_account(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    key: NamedKey,
) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &ServiceAccountObject::from(&key.find(&workspaces, &keys).await?)))
}

/// `POST /v1/organization/projects/{project_id}/service_accounts/{service_account_id}`: renames the key.
pub async fn update_service_account(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedKey,
    request: Request,
) -> Result<Response, ApiError> {
    let id = key.find(&workspaces, &keys).await?.id;
    let mut post = AdminPost::read_or_empty(request).await?;
    let name = post.body.optional_text("name")?;
    if let Some(role) = post.body.optional_text("role")?.filter(|role| role != MEMBER) {
        return Err(ApiError::unsupported("role", &role, &[MEMBER]));
    }
    post.body.refuse_rest()?;
    let changes = KeyChanges { name, ..KeyChanges::default() };
    let updated = keys.update_once(id, changes, origin, post.idempotency(account)).await;
    answer(updated.map_err(|error| key.update_error(error))?, account)
}

/// `DELETE /v1/organization/projects/{project_id}/service_accounts/{service_account_id}`: revokes the key.
pub async fn delete_service_account(
    State(workspaces): State<Arc<Workspaces>>,
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedKey,
) -> Result<Response, ApiError> {
    let id = key.find(&workspaces, &keys).await?.id;
    keys.revoke(id, origin).await?.ok_or_else(|| key.not_found())?;
    let deleted = ServiceAccountDeleted {
        object: "organization.project.service_account.deleted",
        id: id.to_string(),
        deleted: true,
    };
    Ok(json(StatusCode::OK, &deleted))
}
