//! Work that may wait for the disk, on the blocking pool.

use crate::blobs::BlobError;
use std::io;

/// Runs work that may wait for the disk on the blocking pool. Work that did not run is an error.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|unfinished| Err(BlobError::Unavailable(io::Error::other(unfinished))))
}
