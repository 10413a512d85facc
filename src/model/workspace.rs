//! Workspaces: the tenants, which own Files and keys and are billed.

use super::ids::WorkspaceId;

/// The name of the workspace that every installation has.
pub const DEFAULT_WORKSPACE: &str = "default";

/// The longest name of a workspace or key, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id; its second is the workspace's `created_at`.
    pub id: WorkspaceId,
    /// The name, unique in the installation.
    pub name: String,
    /// The Unix second at which it was archived. Its keys are refused since then.
    pub archived_at: Option<u64>,
}

/// Another workspace has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a workspace with this name exists")]
pub struct NameTaken;

/// The name of a workspace or key is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to {MAX_NAME_CHARS} characters, no control characters, no white space at its ends, and does not look like an id"
)]
pub struct BadName;

/// Checks the name of a workspace or key.
///
/// # Errors
/// When it is empty, too long, padded, holds control characters, or looks like the id of a workspace.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    let plain = name.trim() == name && !name.chars().any(char::is_control);
    let like_an_id = name.parse::<WorkspaceId>().is_ok();
    if fits && plain && !like_an_id { Ok(()) } else { Err(BadName) }
}
