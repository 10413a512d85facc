//! The administration, in the paths and shapes of OpenAI's admin API: a project is a workspace
//! (docs/design/billing.md, section 6).

mod api_keys;
mod audit_logs;
mod key;
mod limits;
mod path;
mod projects;
mod query;
mod wire;

pub use api_keys::{create_api_key, delete_api_key, list_api_keys, retrieve_api_key, rotate_api_key};
pub use audit_logs::list_audit_logs;
pub use key::retrieve_own_key;
pub use limits::{retrieve_key_limits, retrieve_project_limits, update_key_limits, update_project_limits};
pub use path::{no_key, no_project};
pub use projects::{archive_project, create_project, list_projects, retrieve_project, update_project};

use super::SharedHall;
use super::error::ApiError;
use crate::model::ids::WorkspaceId;
use wire::UsageObject;

/// The longest body of a request to the administration, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// How much a workspace has and has spent.
async fn usage_of(hall: &SharedHall, workspace: WorkspaceId) -> Result<UsageObject, ApiError> {
    let stored = hall.workspaces.storage_usage(workspace).await?;
    Ok(UsageObject::new(stored, hall.usage.month_cost(workspace).await?))
}
