//! Who am I: the key of the request itself.

use super::wire::{self, ProjectObject};
use crate::http::SharedHall;
use crate::http::caller::Holder;
use crate::http::error::ApiError;
use crate::http::wire::json;
use crate::model::api_key::{ApiKey, KeyKind};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

/// The key of a request.
#[derive(Debug, Serialize)]
struct OwnKeyObject {
    object: &'static str,
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    redacted_value: String,
    created_at: u64,
    expires_at: Option<u64>,
    last_used_at: Option<u64>,
    scopes: Vec<&'static str>,
    /// None of a key of an administrator.
    project: Option<ProjectObject>,
}

/// `GET /v1/organization/key`: an extension.
pub async fn retrieve_own_key(State(hall): State<SharedHall>, holder: Holder) -> Result<Response, ApiError> {
    let key: &ApiKey = &holder.key;
    let workspace = match key.opens.workspace() {
        Some(workspace) => hall.workspaces.get(workspace).await?,
        None => None,
    };
    let own = OwnKeyObject {
        object: "organization.key",
        id: key.id.to_string(),
        kind: match key.opens.kind() {
            KeyKind::Workspace => "workspace",
            KeyKind::Admin => "admin",
        },
        name: key.name.clone(),
        redacted_value: key.redacted.clone(),
        created_at: key.id.created_at(),
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        scopes: wire::scopes(key),
        project: workspace.as_ref().map(ProjectObject::from),
    };
    Ok(json(StatusCode::OK, &own))
}
