//! What a workspace stores and has spent.

use super::wire::UsageObject;
use crate::http::error::ApiError;
use crate::model::ids::WorkspaceId;
use crate::usage::Usage;
use crate::workspaces::Workspaces;

/// Returns what a workspace stores and what it has spent this month.
pub async fn usage_of(workspaces: &Workspaces, usage: &Usage, workspace: WorkspaceId) -> Result<UsageObject, ApiError> {
    let stored = workspaces.storage_usage(workspace).await?;
    Ok(UsageObject::new(stored, usage.month_cost(workspace).await?))
}
