//! Rows of workspaces.

use super::error::MetadataError;
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::page::Page;
use crate::model::workspace::{NameTaken, Workspace};
use async_trait::async_trait;
use std::fmt::Debug;

/// The result of one step of a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// There is no such workspace.
    NotFound,
    /// The workspace is not archived, and is not purged.
    NotArchived,
    /// The step removed this number of Files and Uploads, or only other rows. There may be more.
    Some(usize),
    /// Nothing is left.
    All,
}

/// The rows of workspaces.
#[async_trait]
pub trait WorkspaceStore: Debug + Send + Sync {
    /// Creates a workspace. Returns none when the name is taken. This and every other change of an administrator that
    /// returns an [`IdempotentOutcome`] takes effect once under its idempotency key, and its answer is stored in the
    /// same transaction. The answer to a refused change is not stored.
    async fn create_workspace(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError>;
    /// Returns at most `limit` workspaces behind `after` in the order of their ids, archived ones too if
    /// `with_archived`.
    async fn list_workspaces(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError>;
    /// Returns the workspace of this id, archived or not.
    async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError>;
    /// Returns the workspace of this name, archived or not.
    async fn find_workspace_named(&self, name: &str) -> Result<Option<Workspace>, MetadataError>;
    /// Renames a workspace if a name is given and not taken. Returns none when there is no such workspace.
    async fn rename_workspace(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Result<Workspace, NameTaken>>>, MetadataError>;
    /// Archives a workspace: its keys are refused from then on, and its Files stay. Returns none when there is no such
    /// workspace. Archiving it again changes nothing.
    async fn archive_workspace(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, MetadataError>;
    /// Deletes at most `limit` Files and as many Uploads of an archived workspace, or its other rows when it has none
    /// of them. The row of the workspace stays.
    async fn purge_workspace(&self, id: WorkspaceId, limit: u32, origin: Origin) -> Result<Purged, MetadataError>;
}
