//! The objects of the administration, in OpenAI's shapes. `scopes`, `ip_address` and `request_id` are extensions.

use crate::http::wire::{Amount, List, written};
use crate::model::api_key::{ApiKey, KeySecret};
use crate::model::audit::{Action, Actor, Entry};
use crate::model::ids::{KeyId, WorkspaceId};
use crate::model::limits::{Limit, Limits, StorageUsage};
use crate::model::page::Page;
use crate::model::prices::NanoUsd;
use crate::model::scope::{Scope, Scopes};
use crate::model::workspace::Workspace;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A workspace.
#[derive(Debug, Serialize)]
pub struct ProjectObject {
    id: String,
    object: &'static str,
    name: String,
    created_at: u64,
    archived_at: Option<u64>,
    status: &'static str,
    /// Always null: the operator chooses the encryption key of all projects.
    external_key_id: Option<String>,
    /// Always null: the operator chooses the region of all projects.
    residency: Option<String>,
}

impl From<&Workspace> for ProjectObject {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            object: "organization.project",
            name: workspace.name.clone(),
            created_at: workspace.id.created_at(),
            archived_at: workspace.archived_at,
            status: if workspace.archived_at.is_none() { "active" } else { "archived" },
            external_key_id: None,
            residency: None,
        }
    }
}

/// A key of a workspace. Its owner is the key itself, since this server has no users.
#[derive(Debug, Serialize)]
pub struct ApiKeyObject {
    object: &'static str,
    id: String,
    name: String,
    redacted_value: String,
    created_at: u64,
    last_used_at: Option<u64>,
    expires_at: Option<u64>,
    scopes: Vec<&'static str>,
    owner: Value,
    owner_project_access: &'static str,
    /// The secret; only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl From<&ApiKey> for ApiKeyObject {
    fn from(key: &ApiKey) -> Self {
        let (id, created_at) = (key.id.to_string(), key.id.created_at());
        let account = json!({"id": id, "name": key.name, "role": "member", "created_at": created_at});
        Self {
            object: "organization.project.api_key",
            id,
            name: key.name.clone(),
            redacted_value: key.redacted.clone(),
            created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
            scopes: scopes(key),
            owner: json!({"type": "service_account", "service_account": account}),
            owner_project_access: "active",
            value: None,
        }
    }
}

impl ApiKeyObject {
    /// Returns the key with its secret.
    pub fn with_value(key: &ApiKey, secret: &str) -> Self {
        Self { value: Some(secret.to_owned()), ..Self::from(key) }
    }
}

/// Returns the names of the scopes of a key.
pub fn scopes(key: &ApiKey) -> Vec<&'static str> {
    key.opens.scopes().into_iter().flat_map(Scopes::iter).map(Scope::name).collect()
}

/// Writes the JSON of a project.
pub fn project(workspace: &Workspace) -> Vec<u8> {
    written(&ProjectObject::from(workspace))
}

/// Writes the JSON of a key.
pub fn api_key(key: &ApiKey) -> Vec<u8> {
    written(&ApiKeyObject::from(key))
}

/// Writes the JSON of a key with its secret.
pub fn api_key_with_value(key: &ApiKey, secret: &KeySecret) -> Vec<u8> {
    written(&ApiKeyObject::with_value(key, secret.expose()))
}

/// The limits of a workspace and its usage.
#[derive(Debug, Serialize)]
pub struct ProjectLimitsObject {
    object: &'static str,
    project_id: String,
    #[serde(flatten)]
    limits: Map<String, Value>,
    usage: UsageObject,
}

/// The usage of a workspace: what counts towards its quotas, and its spend since the start of the month.
#[derive(Clone, Debug, Serialize)]
pub struct UsageObject {
    stored_bytes: u64,
    stored_files: u64,
    reserved_bytes: u64,
    reserved_files: u64,
    monthly_spend: Amount,
}

/// The limits of a key.
#[derive(Debug, Serialize)]
pub struct KeyLimitsObject {
    object: &'static str,
    api_key_id: String,
    #[serde(flatten)]
    limits: Map<String, Value>,
}

impl ProjectLimitsObject {
    /// Creates the object of a workspace.
    pub fn new(workspace: WorkspaceId, limits: &Limits, usage: UsageObject) -> Self {
        Self {
            object: "organization.project.limits",
            project_id: workspace.to_string(),
            limits: shown(|limit| limits.get(limit), |_| true),
            usage,
        }
    }
}

impl KeyLimitsObject {
    /// Creates the object of a key.
    pub fn new(key: KeyId, limits: &Limits) -> Self {
        Self {
            object: "organization.project.api_key.limits",
            api_key_id: key.to_string(),
            limits: shown(|limit| limits.get(limit), Limit::is_of_keys),
        }
    }
}

impl UsageObject {
    /// Creates the object from the quota totals and the spend.
    pub fn new(usage: StorageUsage, monthly_spend: NanoUsd) -> Self {
        Self {
            stored_bytes: usage.stored_bytes,
            stored_files: usage.stored_files,
            reserved_bytes: usage.reserved_bytes,
            reserved_files: usage.reserved_files,
            monthly_spend: monthly_spend.into(),
        }
    }
}

/// Returns limits by name, null for no limit. The limits of the size of Files are in the object `file_bytes`, by
/// purpose, as far as they are set.
pub fn shown(value: impl Fn(Limit) -> Option<u64>, has: fn(Limit) -> bool) -> Map<String, Value> {
    let (mut shown, mut by_purpose) = (Map::new(), Map::new());
    for limit in Limit::all().filter(|limit| has(*limit)) {
        match (limit, value(limit)) {
            (Limit::FileBytes(_), None) => {}
            (Limit::FileBytes(purpose), Some(value)) => {
                by_purpose.insert(purpose.name().to_owned(), value.into());
            }
            (limit, value) => {
                shown.insert(limit.name().to_owned(), value.into());
            }
        }
    }
    shown.insert("file_bytes".to_owned(), by_purpose.into());
    shown
}

/// The answer to the deletion of an API key.
#[derive(Debug, Serialize)]
pub struct ApiKeyDeleted {
    object: &'static str,
    id: String,
    deleted: bool,
}

impl ApiKeyDeleted {
    /// Creates the answer for a revoked key.
    pub const fn new(id: String) -> Self {
        Self { object: "organization.project.api_key.deleted", id, deleted: true }
    }
}

/// An entry of the audit log.
#[derive(Debug, Serialize)]
pub struct AuditLogObject {
    object: &'static str,
    id: String,
    #[serde(rename = "type")]
    action: &'static str,
    effective_at: u64,
    actor: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Value>,
    ip_address: Option<String>,
    request_id: Option<String>,
    /// The object and the details of the action, under the name of the action.
    #[serde(flatten)]
    details: Map<String, Value>,
}

impl From<&Entry> for AuditLogObject {
    fn from(entry: &Entry) -> Self {
        let name = entry.action.name();
        let mut subject = Map::from_iter([("id".to_owned(), Value::from(entry.object.clone()))]);
        if let Some(details) = &entry.details {
            let field = if name.ends_with(".created") { "data" } else { "changes_requested" };
            subject.insert(field.to_owned(), titled(entry.action, details.clone()));
        }
        let address = entry.origin.address.map(|address| address.to_string());
        let actor = match entry.origin.actor {
            Actor::Key(key) => {
                json!({"type": "api_key", "api_key": {"id": key.to_string(), "type": "service_account"}})
            }
            Actor::Person(_) | Actor::CommandLine | Actor::Anonymous => {
                let user = json!({"id": entry.origin.actor.to_string()});
                json!({"type": "session", "session": {"user": user}})
            }
        };
        Self {
            object: "organization.audit_log",
            id: entry.id.to_string(),
            action: name,
            effective_at: entry.id.created_at(),
            actor,
            project: entry.workspace.map(|workspace| json!({"id": workspace.to_string()})),
            ip_address: address,
            request_id: entry.origin.request.map(|request| request.to_string()),
            details: Map::from_iter([(name.to_owned(), Value::Object(subject))]),
        }
    }
}

/// Adds the field `title`, in which OpenAI's clients also look for the name of a project.
fn titled(action: Action, mut details: Value) -> Value {
    let of_project = matches!(action, Action::WorkspaceCreated | Action::WorkspaceUpdated);
    if of_project
        && let Some(fields) = details.as_object_mut()
        && let Some(name) = fields.get("name").cloned()
    {
        fields.insert("title".to_owned(), name);
    }
    details
}

/// Returns a page of projects.
pub fn projects(page: &Page<Workspace>) -> List<ProjectObject> {
    List::of(page, |workspace| workspace.id.to_string())
}

/// Returns a page of keys.
pub fn api_keys(page: &Page<ApiKey>) -> List<ApiKeyObject> {
    List::of(page, |key| key.id.to_string())
}

/// Returns a page of the audit log.
pub fn audit_logs(page: &Page<Entry>) -> List<AuditLogObject> {
    List::of(page, |entry| entry.id.to_string())
}
