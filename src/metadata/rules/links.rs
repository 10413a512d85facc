//! Signed links.

use crate::model::audit::{Action, NewEntry};
use crate::model::caller::Caller;
use crate::model::filename::Filename;
use crate::model::ids::{FileId, KeyId, LinkId, WorkspaceId};
use crate::model::link::{Download, Link, LinkGrant, NewLink, UploadGrant};
use serde_json::json;

/// Returns the link that a caller makes; `file_name` is that of the File to download.
pub fn new_link(id: LinkId, caller: Caller, new: NewLink, file_name: Option<Filename>, now_seconds: u64) -> Link {
    let file = match &new.grant {
        LinkGrant::Download(download) => Some(download.file),
        LinkGrant::Upload(_) => None,
    };
    Link {
        id,
        workspace: caller.workspace,
        key: caller.key,
        grant: new.grant,
        file,
        expires_at: now_seconds.saturating_add(new.valid_seconds),
        first_used_at: None,
        revoked_at: None,
        file_name,
    }
}

/// Returns the entry of a new link.
pub fn created(link: &Link) -> NewEntry {
    let (kind, expires_at) = (link.grant.kind(), link.expires_at);
    let details = match &link.grant {
        LinkGrant::Download(Download { file, one_time, .. }) => {
            json!({"kind": kind, "expires_at": expires_at, "file_id": file.to_string(), "one_time": one_time})
        }
        // The log outlives files, and holds none of their names.
        LinkGrant::Upload(UploadGrant { purpose, max_bytes, .. }) => {
            json!({"kind": kind, "expires_at": expires_at, "purpose": purpose.name(), "max_bytes": max_bytes})
        }
    };
    entry(Action::LinkCreated, link.workspace, link.id, details)
}

/// Returns the entry of the first use of a link of a key, to read or to make a File.
pub fn used(workspace: WorkspaceId, link: LinkId, key: KeyId, file: FileId) -> NewEntry {
    let details = json!({"file_id": file.to_string(), "created_by": key.to_string()});
    entry(Action::LinkUsed, workspace, link, details)
}

/// Returns the entry of a revoked link.
pub fn revoked(link: &Link) -> NewEntry {
    let file = link.file.map(|file| file.to_string());
    entry(Action::LinkRevoked, link.workspace, link.id, json!({"kind": link.grant.kind(), "file_id": file}))
}

/// Returns the entry of links that were revoked together; none for no link.
pub fn all_revoked(workspace: WorkspaceId, key: Option<KeyId>, links: usize) -> Option<NewEntry> {
    let object = key.map_or_else(|| workspace.to_string(), |key| key.to_string());
    let details = Some(json!({"links": links}));
    (links > 0).then(|| NewEntry { action: Action::LinkRevoked, workspace: Some(workspace), object, details })
}

fn entry(action: Action, workspace: WorkspaceId, link: LinkId, details: serde_json::Value) -> NewEntry {
    NewEntry { action, workspace: Some(workspace), object: link.to_string(), details: Some(details) }
}
