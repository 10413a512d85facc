//! Rows of default expiries: what a workspace sets in place of [`DefaultExpiry::of`] a purpose.

use super::error::MetadataError;
use crate::model::audit::Origin;
use crate::model::expiry::DefaultExpiry;
use crate::model::idempotency::{Idempotency, IdempotentOutcome};
use crate::model::ids::WorkspaceId;
use crate::model::purpose::Purpose;
use async_trait::async_trait;
use std::fmt::Debug;

/// The purposes for which a workspace replaces the built-in default of [`DefaultExpiry::of`], in the order of names.
pub type OwnExpiries = Vec<(Purpose, DefaultExpiry)>;

/// The default expiries that workspaces set.
#[async_trait]
pub trait DefaultExpiryStore: Debug + Send + Sync {
    /// Returns the default expiries that a workspace set.
    async fn default_expiries(&self, workspace: WorkspaceId) -> Result<OwnExpiries, MetadataError>;
    /// Sets or removes the default of these purposes, and returns those of [`Self::default_expiries`] afterwards.
    /// Existing Files keep their expiry.
    async fn set_default_expiries(
        &self,
        workspace: WorkspaceId,
        wanted: Vec<(Purpose, Option<DefaultExpiry>)>,
        origin: Origin,
        once: Option<Idempotency<OwnExpiries>>,
    ) -> Result<IdempotentOutcome<OwnExpiries>, MetadataError>;
}
