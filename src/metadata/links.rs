//! Rows of signed links, and the keys that sign them.

use super::error::MetadataError;
use crate::model::api_key::Credential;
use crate::model::audit::Origin;
use crate::model::caller::Caller;
use crate::model::ids::{FileId, KeyId, LinkId, WorkspaceId};
use crate::model::link::{Link, NewLink, TooManyLinks};
use crate::model::link_key::{LINK_SECRET_BYTES, LinkKey};
use crate::model::page::{Order, Page};
use async_trait::async_trait;
use std::fmt::Debug;

/// A link with the key that made it.
#[derive(Clone, Debug)]
pub struct OpenedLink {
    /// The link.
    pub link: Link,
    /// The key, its limits, and the state of its workspace.
    pub credential: Credential,
}

/// The rows of signed links.
#[async_trait]
pub trait LinkStore: Debug + Send + Sync {
    /// Inserts a link of the caller. Returns none when the workspace does not have the File to download.
    async fn create_link(
        &self,
        caller: Caller,
        new: NewLink,
    ) -> Result<Result<Option<Link>, TooManyLinks>, MetadataError>;
    /// Returns a link of a workspace, whatever its status.
    async fn find_link(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>, MetadataError>;
    /// Returns at most `limit` links of a workspace behind `after`: those of one File, or all.
    async fn list_links(
        &self,
        workspace: WorkspaceId,
        file: Option<FileId>,
        after: Option<LinkId>,
        order: Order,
        limit: u32,
    ) -> Result<Page<Link>, MetadataError>;
    /// Returns the link whose signature was verified, with the key that made it. No other method finds a link without
    /// its workspace.
    async fn open_link(&self, id: LinkId) -> Result<Option<OpenedLink>, MetadataError>;
    /// Returns a key whose signed name was verified, whatever its state.
    async fn open_key(&self, id: KeyId) -> Result<Option<Credential>, MetadataError>;
    /// Records the first use of a link that opens a File. Returns false if it was recorded before, or the link was
    /// revoked. [`FileStore::create_file`](super::FileStore::create_file) records that of a link that makes one.
    async fn use_link(&self, link: Link, origin: Origin) -> Result<bool, MetadataError>;
    /// Revokes a link, unless it was revoked before. Returns none when there is no such link.
    async fn revoke_link(
        &self,
        workspace: WorkspaceId,
        id: LinkId,
        origin: Origin,
    ) -> Result<Option<Link>, MetadataError>;
    /// Revokes at most `limit` links that have not expired: those of one key, or of the whole workspace. Returns how
    /// many there were.
    async fn revoke_links(
        &self,
        workspace: WorkspaceId,
        key: Option<KeyId>,
        limit: u32,
        origin: Origin,
    ) -> Result<usize, MetadataError>;
    /// Deletes at most `limit` links that expired at least
    /// [`EXPIRED_LINK_KEPT_SECONDS`](crate::model::link::EXPIRED_LINK_KEPT_SECONDS) ago. Returns how many there were.
    async fn forget_links(&self, limit: u32) -> Result<usize, MetadataError>;
    /// Returns the keys that sign links.
    async fn link_keys(&self) -> Result<Vec<LinkKey>, MetadataError>;
    /// Adds a key with this secret if none is younger than a rotation, and deletes those past their lifetime. Returns
    /// the keys that are left.
    async fn rotate_link_keys(&self, secret: [u8; LINK_SECRET_BYTES]) -> Result<Vec<LinkKey>, MetadataError>;
}
