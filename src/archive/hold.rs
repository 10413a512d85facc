//! A claim upon the bytes of everything that is there now, renewed until it is given up or has lasted too long.

use crate::metadata::{HoldStore, MetadataError};
use crate::model::ids::HoldId;
use crate::random;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a hold lasts that is not renewed, in seconds: what a process that died delays the removal of bytes by.
const LEASE_SECONDS: u64 = 120;
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(20);

/// Keeps the bytes of deleted blobs where they are. Dropping it lets them go when the lease is over.
#[derive(Debug)]
pub struct Hold {
    metadata: Arc<dyn HoldStore>,
    id: HoldId,
    most: Duration,
    ends_at: Instant,
    renewing: JoinHandle<()>,
}

/// Why the bytes may not have been kept.
#[derive(Debug, thiserror::Error)]
pub enum HoldLost {
    /// It was not renewed in time.
    #[error("deleted blobs could not be held for as long as it took")]
    Expired,
    /// It lasted as long as it may.
    #[error(
        "removal of deleted bytes was held back for {} seconds, the longest that is allowed (--max-hold-seconds)",
        .0.as_secs()
    )]
    TooLong(Duration),
    /// The metadata store failed.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

impl Hold {
    /// Takes a hold that lasts for `most` at most; what is snapshot after this can be read until it ends.
    ///
    /// # Errors
    /// When the metadata store failed.
    pub async fn take(metadata: Arc<dyn HoldStore>, most: Duration) -> Result<Self, MetadataError> {
        let id = HoldId::new(random::bytes());
        metadata.hold_blobs(id, LEASE_SECONDS).await?;
        let store = Arc::clone(&metadata);
        let renewing = tokio::spawn(async move {
            // A renewal that fails is tried again; whether it was in time is asked at the end.
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
    /// [`HoldLost::TooLong`] when the work takes longer than the hold may last; the work is dropped and the hold given up,
    /// so that deleted bytes go on being removed.
    pub async fn cover<T>(&self, work: impl Future<Output = T>) -> Result<T, HoldLost> {
        if let Ok(done) = tokio::time::timeout_at(self.ends_at, work).await {
            return Ok(done);
        }
        self.renewing.abort();
        // A release that fails changes nothing: the lease ends by itself.
        drop(self.metadata.release_hold(self.id).await);
        Err(HoldLost::TooLong(self.most))
    }

    /// Gives it up.
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
