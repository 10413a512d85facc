//! The default expiries of a workspace.

use super::Workspaces;
use crate::metadata::{MetadataError, OwnExpiries};
use crate::model::audit::Origin;
use crate::model::expiry::DefaultExpiry;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;

/// The expiry of Files of a purpose whose clients ask for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryInForce {
    /// The purpose.
    pub purpose: Purpose,
    /// The expiry.
    pub expiry: DefaultExpiry,
    /// The workspace set it. Otherwise it is the built-in default.
    pub set_by_workspace: bool,
}

impl ExpiryInForce {
    /// Returns the expiry of a purpose in a workspace that set these.
    #[must_use]
    pub fn of(purpose: Purpose, own: &OwnExpiries) -> Self {
        let set = own.iter().find(|(of, _)| *of == purpose).map(|(_, expiry)| *expiry);
        Self { purpose, expiry: set.unwrap_or(DefaultExpiry::of(purpose)), set_by_workspace: set.is_some() }
    }
}

impl Workspaces {
    /// Returns the default expiry of each purpose.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn default_expiries(&self, workspace: WorkspaceId) -> Result<Vec<ExpiryInForce>, MetadataError> {
        let own = self.metadata.default_expiries(workspace).await?;
        Ok(Purpose::ALL.into_iter().map(|purpose| ExpiryInForce::of(purpose, &own)).collect())
    }

    /// Sets default expiries for Files created, and Uploads begun, from now on. None stands for the built-in default.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
    ) -> Result<(), MetadataError> {
        self.set_default_expiries_once(workspace, wanted, origin, None).await.map(drop)
    }

    /// Sets default expiries, idempotently. Returns those that the workspace has set now.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn set_default_expiries_once(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
        once: Option<Idempotency<OwnExpiries>>,
    ) -> Result<IdempotentOutcome<OwnExpiries>, MetadataError> {
        self.metadata.set_default_expiries(workspace, wanted, origin, once).await
    }
}
