//! The service of signed links: make, open, list and revoke them, sign the sessions of Uploads, and rotate the keys
//! that sign. The routes of links and of Gemini's dialect call it.

mod create;
mod keys;
mod open;
mod revoke;
mod session;

pub use create::{CreateLinkError, CreatedLink};
pub use open::{LinkUse, RefusedLink};

use crate::clock::Clock;
use crate::metadata::{LinkStore, MetadataError};
use crate::model::ids::{FileId, LinkId, WorkspaceId};
use crate::model::link::Link;
use crate::model::link_key::LinkKey;
use crate::model::page::{Order, Page};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The signed links of an installation.
#[derive(Debug)]
pub struct Links {
    metadata: Arc<dyn LinkStore>,
    clock: Clock,
    /// The keys that sign links, as the store had them a minute ago at most.
    keys: ArcSwap<Vec<LinkKey>>,
}

impl Links {
    /// Returns the links of a store. `clock` decides when they expire.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn open_store(metadata: Arc<dyn LinkStore>, clock: Clock) -> Result<Self, MetadataError> {
        let links = Self { metadata, clock, keys: ArcSwap::default() };
        links.refresh_keys().await?;
        Ok(links)
    }

    /// Returns the current Unix second, by which links expire.
    #[must_use]
    pub fn now_seconds(&self) -> u64 {
        self.clock.now_seconds()
    }

    /// Returns a link of a workspace, whatever its status.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn find(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>, MetadataError> {
        self.metadata.find_link(workspace, id).await
    }

    /// Returns a page of the links of a workspace after `after`: those of one File, or all.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        file: Option<FileId>,
        after: Option<LinkId>,
        order: Order,
        limit: u32,
    ) -> Result<Page<Link>, MetadataError> {
        self.metadata.list_links(workspace, file, after, order, limit).await
    }
}
