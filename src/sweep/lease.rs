//! The lease of a server: as long as it lasts, what the server began to write is its own.

use crate::causes::Causes;
use crate::metadata::{LEASE_SECONDS, MetadataError, MetadataStore};
use crate::model::ids::ProcessId;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a server says that it lives: several times before it would count as dead.
const RENEWAL: Duration = Duration::from_secs(LEASE_SECONDS / 6);

/// Says that this process lives, before it begins to write.
///
/// # Errors
/// When the store failed.
pub async fn take(metadata: &dyn MetadataStore, process: ProcessId) -> Result<(), MetadataError> {
    metadata.renew_process(process).await
}

/// Says so again and again until `stop`.
pub async fn keep(metadata: Arc<dyn MetadataStore>, process: ProcessId, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RENEWAL) => {}
        }
        if let Err(error) = take(&*metadata, process).await {
            tracing::warn!(error = %Causes(&error), "it could not be said that this server lives");
        }
    }
}
