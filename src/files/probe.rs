//! Probing: whether Files can be served at all.

use super::Files;
use std::time::Duration;
use tokio::time::timeout;

/// How long a store may take to answer before it counts as down.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Which stores answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The metadata store.
    pub metadata: bool,
    /// The blob store.
    pub blobs: bool,
}

impl Files {
    /// Asks both stores.
    pub async fn probe(&self) -> Answers {
        Answers {
            metadata: matches!(timeout(PROBE_TIMEOUT, self.metadata.probe()).await, Ok(Ok(()))),
            blobs: matches!(timeout(PROBE_TIMEOUT, self.blobs.probe()).await, Ok(Ok(()))),
        }
    }
}
