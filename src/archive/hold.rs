//! A hold on the bytes of deleted blobs, renewed until it is released or its time limit is over.

use crate::metadata::{HoldStore, MetadataError};
use crate::model::ids::HoldId;
use crate::random;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The lease of a hold, in seconds: the delay of deletions after its process died.
const LEASE_SECONDS: u64 = 120;
/// The interval of renewals.
const RENEWAL: Duration = Duration::from_secs(20);

/// A hold on the bytes of deleted blobs. After a drop it ends with its lease.
#[derive(Debug)]
pub struct Hold {
    metadata: Arc<dyn HoldStore>,
    id: HoldId,
    most: Duration,
    ends_at: Instant,
    renewing: JoinHandle<()>,
}

/// The reason why bytes may have been deleted.
#[derive(Debug, thiserror::Error)]
pub enum HoldLost {
    /// It was not renewed in time.
    #[error("the hold on deleted bytes expired before the backup ended")]
    Expired,
    /// It reached its time limit.
    #[error(
        "the backup took longer than the deletion of bytes may be held back: {} seconds (--max-hold-seconds)",
        .0.as_secs()
    )]
    TooLong(Duration),
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Hold {
    /// Takes a hold for at most `most`. Blobs of a snapshot taken later can be read until it ends.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn take(metadata: Arc<dyn HoldStore>, most: Duration) -> Result<Self, MetadataError> {
        let id = HoldId::new(random::bytes());
        metadata.hold_blobs(id, LEASE_SECONDS).await?;
        let store = Arc::clone(&metadata);
        let renewing = tokio::spawn(async move {
            // A failed renewal is retried. The release tells whether it was in time.
            loop {
                tokio::time::sleep(RENEWAL).await;
                drop(store.renew_hold(id, LEASE_SECONDS).await);
            }
        });
        Ok(Self { metadata, id, most, ends_at: Instant::now() + most, renewing })
    }

    /// Runs `work` under the hold.
    ///
    /// # Errors
    /// [`HoldLost::TooLong`] when the work exceeds the time limit. The work is dropped and the hold released, so that
    /// deletions go on.
    pub async fn cover<T>(&self, work: impl Future<Output = T>) -> Result<T, HoldLost> {
        if let Ok(done) = tokio::time::timeout_at(self.ends_at, work).await {
            return Ok(done);
        }
        self.renewing.abort();
        // A failed release is harmless: the lease ends by itself.
        drop(self.metadata.release_hold(self.id).await);
        Err(HoldLost::TooLong(self.most))
    }

    /// Releases the hold.
    ///
    /// # Errors
    /// When it had ended before, so that bytes may be gone.
    pub async fn release(self) -> Result<(), HoldLost> {
        let kept = self.metadata.renew_hold(self.id, LEASE_SECONDS).await?;
        self.metadata.release_hold(self.id).await?;
        if kept { Ok(()) } else { Err(HoldLost::Expired) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}
