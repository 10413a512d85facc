//! The lease of a server: as long as it lasts, what the server began to write is its own.

use crate::causes::Causes;
use crate::metadata::{LEASE_SECONDS, MetadataError, ProcessStore};
use crate::model::ids::ProcessId;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often a server says that it lives: several times before it would count as dead.
const RENEWAL: Duration = Duration::from_secs(LEASE_SECONDS / 6);

/// Says that this process lives, from before it begins to write until it is at rest.
#[derive(Debug)]
pub struct Lease {
    metadata: Arc<dyn ProcessStore>,
    process: ProcessId,
    renewal: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease, and renews it until it is ended or dropped.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn take(metadata: Arc<dyn ProcessStore>, process: ProcessId) -> Result<Self, MetadataError> {
        metadata.renew_process(process).await?;
        let renewal = tokio::spawn(renew(Arc::clone(&metadata), process));
        Ok(Self { metadata, process, renewal })
    }

    /// Gives it back: nothing is under way any more, and nobody needs to wait until it is over.
    pub async fn end(self) {
        self.renewal.abort();
        if let Err(error) = self.metadata.end_process(self.process).await {
            tracing::warn!(error = %Causes(&error), "lease release failed");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

async fn renew(metadata: Arc<dyn ProcessStore>, process: ProcessId) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        if let Err(error) = metadata.renew_process(process).await {
            tracing::warn!(error = %Causes(&error), "lease renewal failed");
        }
    }
}
