//! The verbs of inspection: fsck compares what the stores say of each other, scrub reads every byte.
//!
//! Both only read, and both work beside a running server: what looks wrong is looked at again before it is reported, so
//! that nothing that happens meanwhile is taken for damage. The commands of floor 6 run them, by way of the wiring.

mod background;
mod fsck;
mod scrub;

pub use background::BackgroundScrub;
pub use scrub::{Pace, Subset};

use crate::blobs::{BlobError, BlobStore};
use crate::metadata::{
    BlobRows, CheckStore, LedgerStore, LimitStore, MetadataError, ScrubStore, StampStore, trait_set,
};
use crate::model::finding::Finding;
use std::sync::Arc;

/// Rows and blobs that one step takes at once; a row may have a block of bytes in it.
const STEP_BLOBS: u32 = 128;

trait_set! {
    /// The rows that are compared with blobs, and the progress of the scrub.
    pub trait InspectorMetadata: BlobRows + CheckStore + LedgerStore + LimitStore + ScrubStore + StampStore;
}

/// Looks at an installation.
#[derive(Clone, Debug)]
pub struct Inspector {
    /// Rows.
    pub metadata: Arc<dyn InspectorMetadata>,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
}

/// Why an inspection could not go on; what it found until then is not the whole.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// Takes each finding as it comes up.
pub type Report<'a> = &'a mut (dyn FnMut(Finding) + Send);
