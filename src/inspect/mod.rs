//! The service of inspections: fsck compares the stores, scrub reads every byte.
//!
//! Both only read, and work beside a running server: a finding is checked again before it is reported, so that
//! concurrent changes are not taken for damage. The commands and the background scrub call it.

mod background;
mod fsck;
mod scrub;

pub use background::BackgroundScrub;
pub use scrub::{ReadPacer, Subset};

use crate::blobs::{BlobError, BlobStore};
use crate::metadata::{
    BlobRows, CheckStore, LedgerStore, LimitStore, MetadataError, ScrubStore, StampStore, trait_set,
};
use crate::model::finding::Finding;
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// The number of rows and blobs per step. A row may hold inline bytes.
const STEP_BLOBS: u32 = 128;

trait_set! {
    /// The rows that are compared with blobs, and the progress of the scrub.
    pub trait InspectorMetadata: BlobRows + CheckStore + LedgerStore + LimitStore + ScrubStore + StampStore;
}

/// The inspector of an installation.
#[derive(Clone, Debug)]
pub struct Inspector {
    /// The metadata store.
    pub metadata: Arc<dyn InspectorMetadata>,
    /// The blob store.
    pub blobs: Arc<dyn BlobStore>,
}

/// The reason why an inspection stopped. Its findings are incomplete.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// A receiver of findings. The inspection waits until it has taken one, so that findings do not pile up.
#[async_trait]
pub trait Report: Send {
    /// Takes a finding.
    async fn take(&mut self, finding: Finding);
}

#[async_trait]
impl Report for Sender<Finding> {
    async fn take(&mut self, finding: Finding) {
        // A receiver that is gone has the reason of its own.
        drop(self.send(finding).await);
    }
}
