//! The entry of the audit log of each change.

use crate::model::adjustment::NewAdjustment;
use crate::model::api_key::ApiKey;
use crate::model::audit::{Action, NewEntry};
use crate::model::expiry::DefaultExpiry;
use crate::model::ids::{FileId, WorkspaceId};
use crate::model::limits::{Limit, LimitOwner};
use crate::model::purpose::Purpose;
use crate::model::scope::Scope;
use serde_json::{Map, Value, json};

/// Returns the entry of a File that was deleted on request.
pub fn file_deleted(workspace: WorkspaceId, file: FileId) -> NewEntry {
    NewEntry { action: Action::FileDeleted, workspace: Some(workspace), object: file.to_string(), details: None }
}

/// Returns the entry of a change of a workspace.
pub fn workspace(action: Action, id: WorkspaceId) -> NewEntry {
    NewEntry { action, workspace: Some(id), object: id.to_string(), details: None }
}

/// Returns the entry of a workspace that got a name.
pub fn workspace_named(action: Action, id: WorkspaceId, name: &str) -> NewEntry {
    NewEntry { details: Some(json!({"name": name})), ..workspace(action, id) }
}

/// Returns the entry of changed default expiries.
pub fn default_expiries(id: WorkspaceId, wanted: &[(Purpose, Option<DefaultExpiry>)]) -> NewEntry {
    let said = |expiry: DefaultExpiry| match expiry {
        DefaultExpiry::Never => json!("never"),
        DefaultExpiry::After(after) => json!(after.as_seconds()),
    };
    let of_purpose =
        |(purpose, expiry): &(Purpose, Option<DefaultExpiry>)| (purpose.name().to_owned(), json!(expiry.map(said)));
    let details = json!({"default_expiries": wanted.iter().map(of_purpose).collect::<Map<_, _>>()});
    NewEntry { details: Some(details), ..workspace(Action::WorkspaceUpdated, id) }
}

/// Returns the entry of a change of a key.
pub fn key(action: Action, key: &ApiKey, details: Option<Value>) -> NewEntry {
    NewEntry { action, workspace: key.opens.workspace(), object: key.id.to_string(), details }
}

/// Returns the entry of a new key.
pub fn key_created(created: &ApiKey) -> NewEntry {
    let scopes = created.opens.scopes().map(|scopes| scopes.iter().map(Scope::name).collect::<Vec<_>>());
    key(Action::KeyCreated, created, Some(json!({"name": created.name, "scopes": scopes.unwrap_or_default()})))
}

/// Returns the entry of changed limits. No change has no entry.
pub fn limits(owner: LimitOwner, workspace: Option<WorkspaceId>, wanted: &[(Limit, Option<u64>)]) -> Option<NewEntry> {
    let details: Map<_, _> = wanted.iter().map(|(limit, value)| (limit.to_string(), json!(value))).collect();
    let object = owner.to_string();
    let is_changed = !details.is_empty();
    is_changed.then(|| NewEntry { action: Action::LimitsUpdated, workspace, object, details: Some(details.into()) })
}

/// Returns the entry of a correction of the bill.
pub fn adjustment(new: &NewAdjustment) -> NewEntry {
    let (item, quantity, reason) = (new.item.name(), new.quantity.to_string(), new.reason.as_str());
    let details = Some(json!({"line_item": item, "quantity": quantity, "reason": reason}));
    NewEntry { action: Action::UsageAdjusted, workspace: Some(new.workspace), object: new.event_id(), details }
}
