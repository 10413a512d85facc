//! The verbs of workspaces: create, list, find, and how long their Files live.

use crate::metadata::{MetadataError, MetadataStore};
use crate::model::expiry::DefaultExpiry;
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
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

    /// The workspace of this id, or of this name; no name looks like an id.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, name_or_id: &str) -> Result<Option<Workspace>, MetadataError> {
        let known = self.metadata.list_workspaces().await?;
        let id: Option<WorkspaceId> = name_or_id.parse().ok();
        Ok(known.into_iter().find(|workspace| id.map_or(workspace.name == name_or_id, |id| workspace.id == id)))
    }

    /// What becomes of Files of each purpose whose clients ask for nothing, and whether the workspace has that by itself.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn default_expiries(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(Purpose, DefaultExpiry, bool)>, MetadataError> {
        let own = self.metadata.default_expiries(workspace).await?;
        let expiry = |purpose| own.iter().find(|(of, _)| *of == purpose).map(|(_, expiry)| *expiry);
        let of = |purpose| (purpose, expiry(purpose).unwrap_or(DefaultExpiry::of(purpose)), expiry(purpose).is_some());
        Ok(Purpose::ALL.into_iter().map(of).collect())
    }

    /// Changes that for Files that are made from now on, and for those of Uploads that are begun from now on.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
    ) -> Result<(), MetadataError> {
        self.metadata.set_default_expiries(workspace, wanted).await
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
