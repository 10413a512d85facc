//! The service of workspaces: create, list, find, rename, archive, purge, default expiries and limits. Handlers and
//! commands call it.

mod default_expiries;
mod limits;

pub use default_expiries::ExpiryInForce;

use crate::metadata::{DefaultExpiryStore, LimitStore, MetadataError, Purged, WorkspaceStore, trait_set};
use crate::model::audit::Origin;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::page::Page;
use crate::model::workspace::{BadName, DEFAULT_WORKSPACE, NameTaken, Workspace, check_name};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// The number of workspaces per page when all are read.
const PAGE_WORKSPACES: u32 = 1000;
/// The number of Files and Uploads that one transaction of a purge removes.
const PURGE_ROWS: u32 = 256;
/// The pause of a purge after each transaction, relative to its duration: a running server writes meanwhile.
const PURGE_REST: u32 = 2;

trait_set! {
    /// The rows that the verbs of workspaces use.
    pub trait WorkspacesMetadata: WorkspaceStore + DefaultExpiryStore + LimitStore;
}

/// The service of workspaces.
#[derive(Clone, Debug)]
pub struct Workspaces {
    /// The metadata store.
    pub metadata: Arc<dyn WorkspacesMetadata>,
}

/// The reason why a workspace is not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateWorkspaceError {
    /// The name is invalid.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// Another workspace has this name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The reason why a workspace is not renamed.
#[derive(Debug, thiserror::Error)]
pub enum RenameWorkspaceError {
    /// The name is invalid.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// Another workspace has this name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// The default workspace keeps its name.
    #[error("the workspace `{DEFAULT_WORKSPACE}` keeps its name")]
    Default,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The reason why a workspace is not archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveWorkspaceError {
    /// The default workspace cannot be archived.
    #[error("the workspace `{DEFAULT_WORKSPACE}` is always there and cannot be archived")]
    Default,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// The reason why a workspace is not purged.
#[derive(Debug, thiserror::Error)]
pub enum PurgeWorkspaceError {
    /// There is no such workspace.
    #[error("there is no such workspace")]
    NotFound,
    /// The workspace is not archived.
    #[error("the workspace is not archived")]
    NotArchived,
    /// The store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Workspaces {
    /// Creates a workspace.
    ///
    /// # Errors
    /// When the name is invalid or taken, or the store failed.
    pub async fn create(&self, name: &str, origin: Origin) -> Result<Workspace, CreateWorkspaceError> {
        let created = self.create_once(name, origin, None).await?;
        Ok(created.made().ok_or(NameTaken)?)
    }

    /// Creates a workspace, idempotently.
    ///
    /// # Errors
    /// When the name is invalid or taken, or the store failed.
    pub async fn create_once(
        &self,
        name: &str,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Workspace>, CreateWorkspaceError> {
        check_name(name)?;
        let created = self.metadata.create_workspace(name, origin, once).await?;
        Ok(created.and_then(|workspace| workspace.ok_or(NameTaken))?)
    }

    /// Returns a page of the workspaces, optionally with archived ones, oldest first, after the workspace `after`.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(
        &self,
        after: Option<WorkspaceId>,
        limit: u32,
        with_archived: bool,
    ) -> Result<Page<Workspace>, MetadataError> {
        self.metadata.list_workspaces(after, limit, with_archived).await
    }

    /// Returns every workspace, archived ones too, oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list_all(&self) -> Result<Vec<Workspace>, MetadataError> {
        let mut all: Vec<Workspace> = Vec::new();
        loop {
            let page = self.list(all.last().map(|workspace| workspace.id), PAGE_WORKSPACES, true).await?;
            all.extend(page.rows);
            if !page.has_more {
                return Ok(all);
            }
        }
    }

    /// Returns the workspace of this id.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn get(&self, id: WorkspaceId) -> Result<Option<Workspace>, MetadataError> {
        self.metadata.find_workspace(id).await
    }

    /// Returns the workspace of this id or name. No name looks like an id.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, name_or_id: &str) -> Result<Option<Workspace>, MetadataError> {
        match name_or_id.parse() {
            Ok(id) => self.metadata.find_workspace(id).await,
            Err(_) => self.metadata.find_workspace_named(name_or_id).await,
        }
    }

    /// Renames a workspace if `name` is given, idempotently. Returns none for an unknown workspace.
    ///
    /// # Errors
    /// When the name is invalid or taken, the default workspace is renamed, or the store failed.
    pub async fn rename_once(
        &self,
        id: WorkspaceId,
        name: Option<&str>,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, RenameWorkspaceError> {
        if let Some(name) = name {
            check_name(name)?;
            if name != DEFAULT_WORKSPACE && self.is_default(id).await? {
                return Err(RenameWorkspaceError::Default);
            }
        }
        let renamed = self.metadata.rename_workspace(id, name, origin, once).await?;
        Ok(renamed.and_then(Option::transpose)?)
    }

    /// Archives a workspace: its keys are refused, and its Files stay. Returns none for an unknown workspace.
    ///
    /// # Errors
    /// When it is the default one, or the store failed.
    pub async fn archive(&self, id: WorkspaceId, origin: Origin) -> Result<Option<Workspace>, ArchiveWorkspaceError> {
        Ok(self.archive_once(id, origin, None).await?.made().flatten())
    }

    /// Archives a workspace, idempotently.
    ///
    /// # Errors
    /// When it is the default one, or the store failed.
    pub async fn archive_once(
        &self,
        id: WorkspaceId,
        origin: Origin,
        once: Option<Idempotency<Workspace>>,
    ) -> Result<IdempotentOutcome<Option<Workspace>>, ArchiveWorkspaceError> {
        if self.is_default(id).await? {
            return Err(ArchiveWorkspaceError::Default);
        }
        Ok(self.metadata.archive_workspace(id, origin, once).await?)
    }

    /// Deletes the Files, Uploads and keys of an archived workspace. Returns the number of Files and Uploads. An
    /// interrupted purge is completed by repeating it.
    ///
    /// # Errors
    /// When there is no such workspace, it is not archived, or the store failed.
    pub async fn purge(&self, id: WorkspaceId, origin: Origin) -> Result<usize, PurgeWorkspaceError> {
        let mut removed = 0;
        loop {
            let begun = Instant::now();
            match self.metadata.purge_workspace(id, PURGE_ROWS, origin).await? {
                Purged::NotFound => return Err(PurgeWorkspaceError::NotFound),
                Purged::NotArchived => return Err(PurgeWorkspaceError::NotArchived),
                Purged::Some(more) => removed += more,
                Purged::All => return Ok(removed),
            }
            sleep(begun.elapsed() * PURGE_REST).await;
        }
    }

    async fn is_default(&self, id: WorkspaceId) -> Result<bool, MetadataError> {
        let workspace = self.metadata.find_workspace(id).await?;
        Ok(workspace.is_some_and(|workspace| workspace.name == DEFAULT_WORKSPACE))
    }

    /// Returns the default workspace, and creates it if it is missing.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn ensure_default(&self) -> Result<Workspace, MetadataError> {
        loop {
            if let Some(workspace) = self.find(DEFAULT_WORKSPACE).await? {
                return Ok(workspace);
            }
            let made = self.metadata.create_workspace(DEFAULT_WORKSPACE, Origin::COMMAND_LINE, None).await?.made();
            if let Some(workspace) = made.flatten() {
                return Ok(workspace);
            }
        }
    }
}
