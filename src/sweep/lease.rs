//! The lease of a server: while it lasts, the server's pending writes are not garbage.

use crate::error_chain::ErrorChain;
use crate::metadata::{LEASE_SECONDS, MetadataError, ProcessStore};
use crate::model::ids::ProcessId;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The interval of renewals, several within a lease.
const RENEWAL: Duration = Duration::from_secs(LEASE_SECONDS / 6);

/// The lease of this process, held from before its first write until shutdown.
#[derive(Debug)]
pub struct Lease {
    metadata: Arc<dyn ProcessStore>,
    process: ProcessId,
    renewal: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease and renews it until it is ended or dropped.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn take(metadata: Arc<dyn ProcessStore>, process: ProcessId) -> Result<Self, MetadataError> {
        metadata.renew_process(process).await?;
        let renewal = tokio::spawn(renew(Arc::clone(&metadata), process));
        Ok(Self { metadata, process, renewal })
    }

    /// Ends the lease at once, when nothing is pending any more.
    pub async fn end(self) {
        self.renewal.abort();
        if let Err(error) = self.metadata.end_process(self.process).await {
            tracing::warn!(error = %ErrorChain(&error), "lease release failed");
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
            tracing::warn!(error = %ErrorChain(&error), "lease renewal failed");
        }
    }
}
