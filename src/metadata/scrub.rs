//! The progress of the scrub.

use super::error::MetadataError;
use crate::model::ids::ProcessId;
use crate::model::scrub::ScrubProgress;
use async_trait::async_trait;
use std::fmt::Debug;

/// The progress of the scrub.
#[async_trait]
pub trait ScrubStore: Debug + Send + Sync {
    /// Makes `process` the one that scrubs, unless another living process is. Returns whether it is.
    async fn claim_scrub(&self, process: ProcessId) -> Result<bool, MetadataError>;
    /// Returns the progress of the scrub of the server. Returns none when there has not been one.
    async fn scrub_progress(&self) -> Result<Option<ScrubProgress>, MetadataError>;
    /// Stores the progress.
    async fn save_scrub_progress(&self, progress: ScrubProgress) -> Result<(), MetadataError>;
}
