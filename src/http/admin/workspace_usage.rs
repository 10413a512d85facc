//! The usage of a workspace that its limits are compared with.

use super::wire::UsageObject;
use crate::http::error::ApiError;
use crate::model::ids::WorkspaceId;
use crate::usage::Usage;
use crate::workspaces::Workspaces;

/// Returns the stored and reserved amounts of a workspace and its spend since the start of the month.
pub async fn usage_of(workspaces: &Workspaces, usage: &Usage, workspace: WorkspaceId) -> Result<UsageObject, ApiError> {
    let stored = workspaces.storage_usage(workspace).await?;
    Ok(UsageObject::new(stored, usage.month_cost(workspace).await?))
}
