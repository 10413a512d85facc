//! A workspace: the tenant that owns Files and keys and gets the bill.

use super::ids::WorkspaceId;

/// The workspace that every installation has.
pub const DEFAULT_WORKSPACE: &str = "default";

/// The longest name of a workspace or key, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id; its second is the workspace's `created_at`.
    pub id: WorkspaceId,
    /// Its name, unique in the installation.
    pub name: String,
    /// The second, in Unix time, at which it was archived: its keys open nothing any more.
    pub archived_at: Option<u64>,
}

/// Another workspace has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a workspace of this name")]
pub struct NameTaken;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to {MAX_NAME_CHARS} characters, no control characters, no white space at its ends, and does not look like an id"
)]
pub struct BadName;

/// Checks the name of a workspace or key.
///
/// # Errors
/// When it is empty, too long, padded, holds control characters, or could be taken for the id of a workspace.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    let plain = name.trim() == name && !name.chars().any(char::is_control);
    let like_an_id = name.parse::<WorkspaceId>().is_ok();
    if fits && plain && !like_an_id { Ok(()) } else { Err(BadName) }
}
