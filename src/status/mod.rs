//! The work in the background of a server at a glance, for its administrators.

use crate::metadata::{Backlog, BacklogStore, MetadataError, ScrubStore, trait_set};
use crate::model::scrub::ScrubProgress;
use std::sync::Arc;

/// The maximum number of rows of each kind that are counted.
const MAX_COUNTED_ROWS: u32 = 10_000;

trait_set! {
    /// The rows that tell of the work in the background.
    pub trait StatusMetadata: BacklogStore + ScrubStore;
}

/// The status of the work in the background.
#[derive(Clone, Debug)]
pub struct ServerStatus {
    /// The metadata store.
    pub metadata: Arc<dyn StatusMetadata>,
}

impl ServerStatus {
    /// Returns what waits for the sweep and for the cache of usage, each counted up to 10,000 rows.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn backlog(&self) -> Result<Backlog, MetadataError> {
        self.metadata.backlog(MAX_COUNTED_ROWS).await
    }

    /// Returns the progress of the scrub of the server; none when there has not been one.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn scrub(&self) -> Result<Option<ScrubProgress>, MetadataError> {
        self.metadata.scrub_progress().await
    }
}
