//! Keys of administrators: each handler says what happens, in order.

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

/// OpenAI's key of an administrator.
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
    /// The secret: only where it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// Whose key it is: its own, since there are no users here.
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

/// The answer to the deletion of a key.
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
    let (asked, order) = (query::page(query)?, query::order(query)?);
    let page = keys.list_of_administrators(asked.after, asked.limit, order).await?;
    Ok(json(StatusCode::OK, &List::<AdminApiKeyObject>::of(&page, |key: &ApiKey| key.id.to_string())))
}

/// `POST /v1/organization/admin_api_keys`. Nothing else shows the secret.
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
    let once = post.once_with_secret(&secret, with_value);
    let effect = keys.issue_once(new, &secret.secret, origin, once).await?;
    post.answer_with_secret(effect, &secret, with_value)
}

/// `GET /v1/organization/admin_api_keys/{key_id}`.
pub async fn retrieve_admin_api_key(State(keys): State<Arc<Keys>>, key: NamedAdminKey) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &AdminApiKeyObject::from(&key.find(&keys).await?)))
}

/// `DELETE /v1/organization/admin_api_keys/{key_id}`: no request that begins later is accepted with it here.
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
