//! The handler that describes the key of the request itself.

use super::wire::{self, ProjectObject, UsageObject};
use super::workspace_usage::usage_of;
use crate::http::caller::Principal;
use crate::http::error::ApiError;
use crate::http::wire::json;
use crate::model::api_key::{ApiKey, KeyKind};
use crate::usage::Usage;
use crate::workspaces::Workspaces;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

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
    /// The project; none for an admin key.
    project: Option<ProjectObject>,
    /// The limits in force: the tighter of the key's and the workspace's.
    limits: Map<String, Value>,
    /// The usage of the workspace; none for an admin key.
    usage: Option<UsageObject>,
}

/// `GET /v1/organization/key`: an extension.
pub async fn retrieve_own_key(
    State(workspaces): State<Arc<Workspaces>>,
    State(usage): State<Arc<Usage>>,
    principal: Principal,
) -> Result<Response, ApiError> {
    let key: &ApiKey = &principal.key;
    let (workspace, usage) = match key.opens.workspace() {
        Some(id) => (workspaces.get(id).await?, Some(usage_of(&workspaces, &usage, id).await?)),
        None => (None, None),
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
        limits: wire::shown(|limit| principal.key.limits().get(limit), |_| true),
        usage,
    };
    Ok(json(StatusCode::OK, &own))
}
