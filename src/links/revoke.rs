//! Revokes links.

use super::Links;
use crate::metadata::MetadataError;
use crate::model::audit::Origin;
use crate::model::ids::{KeyId, LinkId, WorkspaceId};
use crate::model::link::Link;

/// The number of links that one step revokes.
const STEP_LINKS: u32 = 256;

impl Links {
    /// Revokes a link. Every server refuses it in requests that begin later. Returns none when there is no such link.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn revoke(
        &self,
        workspace: WorkspaceId,
        id: LinkId,
        origin: Origin,
    ) -> Result<Option<Link>, MetadataError> {
        self.metadata.revoke_link(workspace, id, origin).await
    }

    /// Revokes the links of a key, or of the whole workspace, in bounded steps. Returns how many there were.
    ///
    /// # Errors
    /// When the store failed. Some links may have been revoked.
    pub async fn revoke_all(
        &self,
        workspace: WorkspaceId,
        key: Option<KeyId>,
        origin: Origin,
    ) -> Result<usize, MetadataError> {
        let mut all = 0;
        loop {
            match self.metadata.revoke_links(workspace, key, STEP_LINKS, origin).await? {
                0 => return Ok(all),
                revoked => all += revoked,
            }
        }
    }
}
