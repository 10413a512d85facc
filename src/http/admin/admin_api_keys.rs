//! The handlers of admin keys.

use super::api_keys::valid_seconds;
use super::path::NamedAdminKey;
use super::post::AdminPost;
use super::query;
use crate::http::caller::Administrator;
use crate::http::error::ApiError;
use crate::http::wire::{List, json, written};
use crate::keys::KeyToIssue;
use crate::keys::Keys;
use crate::model::api_key::{ApiKey, KeyKind, KeySecret, Opens};
use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// OpenAI's admin API key object.
#[derive(Debug, Serialize)]
struct AdminApiKeyObject {
    object: &'static str,
    id: String,
    name: String,
    redacted_value: String,
    created_at: u64,
    last_used_at: Option<u64>,
    expires_at: Option<u64>,
    owner: OwnerObject,
    /// The secret; only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// The owner of an admin key: the key itself, since this server has no users.
#[derive(Debug, Serialize)]
struct OwnerObject {
    #[serde(rename = "type")]
    kind: &'static str,
    object: &'static str,
    id: String,
    name: String,
    created_at: u64,
    role: &'static str,
}

/// The answer to the deletion of an admin key.
#[derive(Debug, Serialize)]
struct AdminApiKeyDeleted {
    object: &'static str,
    id: String,
    deleted: bool,
}

impl From<&ApiKey> for AdminApiKeyObject {
    fn from(key: &ApiKey) -> Self {
        let (id, created_at) = (key.id.to_string(), key.id.created_at());
        Self {
            object: "organization.admin_api_key",
            id: id.clone(),
            name: key.name.clone(),
            redacted_value: key.redacted.clone(),
            created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
            owner: OwnerObject {
                kind: "service_account",
                object: "organization.service_account",
                id,
                name: key.name.clone(),
                created_at,
                role: "owner",
            },
            value: None,
        }
    }
}

fn with_value(key: &ApiKey, secret: &KeySecret) -> Vec<u8> {
    written(&AdminApiKeyObject { value: Some(secret.expose().to_owned()), ..AdminApiKeyObject::from(key) })
}

/// `GET /v1/organization/admin_api_keys`.
pub async fn list_admin_api_keys(
    State(keys): State<Arc<Keys>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = query.as_deref().unwrap_or_default();
    let (parsed, order) = (query::page(query)?, query::order(query)?);
    let page = keys.list_of_administrators(parsed.after, parsed.limit, order).await?;
    Ok(json(StatusCode::OK, &List::<AdminApiKeyObject>::of(&page, |key: &ApiKey| key.id.to_string())))
}

/// `POST /v1/organization/admin_api_keys`. Only this answer shows the secret.
pub async fn create_admin_api_key(
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    request: Request,
) -> Result<Response, ApiError> {
    let mut post = AdminPost::read(request).await?;
    let (name, valid_seconds) = (post.body.text("name")?, valid_seconds(&mut post.body)?);
    post.body.refuse_rest()?;
    let new = KeyToIssue { opens: Opens::Administration, name: &name, valid_seconds };
    let secret = post.new_secret(KeyKind::Admin);
    let idempotency = post.idempotency_with_secret(&secret, with_value);
    let outcome = keys.issue_once(new, &secret.secret, origin, idempotency).await?;
    post.answer_with_secret(outcome, &secret, with_value)
}

/// `GET /v1/organization/admin_api_keys/{key_id}`.
pub async fn retrieve_admin_api_key(State(keys): State<Arc<Keys>>, key: NamedAdminKey) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &AdminApiKeyObject::from(&key.find(&keys).await?)))
}

/// `DELETE /v1/organization/admin_api_keys/{key_id}`: this server refuses the key in all later requests.
pub async fn delete_admin_api_key(
    State(keys): State<Arc<Keys>>,
    Administrator(origin): Administrator,
    key: NamedAdminKey,
) -> Result<Response, ApiError> {
    let id = key.find(&keys).await?.id;
    keys.revoke(id, origin).await?.ok_or_else(|| key.not_found())?;
    let deleted =
        AdminApiKeyDeleted { object: "organization.admin_api_key.deleted", id: id.to_string(), deleted: true };
    Ok(json(StatusCode::OK, &deleted))
}
