//! The verbs of workspaces: create, list, find.

use crate::metadata::{MetadataError, MetadataStore};
use crate::model::workspace::{BadName, DEFAULT_WORKSPACE, Workspace, check_name};
use std::sync::Arc;

/// The workspaces of an installation.
#[derive(Clone, Debug)]
pub struct Workspaces {
    /// Rows.
    pub metadata: Arc<dyn MetadataStore>,
}

/// Why a workspace is not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateWorkspaceError {
    /// The name cannot be one.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// There is one of this name.
    #[error("there is a workspace of this name")]
    NameTaken,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Workspaces {
    /// Makes a workspace.
    ///
    /// # Errors
    /// When the name cannot be one or is taken, or the store failed.
    pub async fn create(&self, name: &str) -> Result<Workspace, CreateWorkspaceError> {
        check_name(name)?;
        self.metadata.create_workspace(name).await?.ok_or(CreateWorkspaceError::NameTaken)
    }

    /// Every workspace, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self) -> Result<Vec<Workspace>, MetadataError> {
        self.metadata.list_workspaces().await
    }

    /// The workspace of this name, or of this id.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, name_or_id: &str) -> Result<Option<Workspace>, MetadataError> {
        let known = self.metadata.list_workspaces().await?;
        let by_name = known.iter().find(|workspace| workspace.name == name_or_id);
        Ok(by_name.or_else(|| known.iter().find(|workspace| workspace.id.to_string() == name_or_id)).cloned())
    }

    /// The workspace that every installation has, made when it is missing.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn ensure_default(&self) -> Result<Workspace, MetadataError> {
        loop {
            if let Some(workspace) = self.find(DEFAULT_WORKSPACE).await? {
                return Ok(workspace);
            }
            if let Some(workspace) = self.metadata.create_workspace(DEFAULT_WORKSPACE).await? {
                return Ok(workspace);
            }
        }
    }
}
